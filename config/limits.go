package config

import (
	"io"
	"os"
)

// R8: bounded. What this package reads and prints has a limit here. So have the keys by which an
// operator sets the limits of the other packages; what those cost is in their own limits.go.
const (
	// maxFile is the largest config file, in bytes, far above any real one: a wrong --config, such
	// as a video, is not read into memory. Parsing takes some times as much, until the start is
	// over.
	maxFile = 256 << 10
	// maxSecretFile is the largest file that holds a secret, in bytes. One is read at a time.
	maxSecretFile = 64 << 10
	// maxPrefix is in bytes: half of what S3 allows a whole key, 1,024.
	maxPrefix = 512

	// maxSections is how many sections may publish. Each has connections of its own to its store.
	maxSections = 100
	// maxSectionWord bounds the word that tells sections of a format apart, in bytes.
	maxSectionWord = 64

	// maxCompared bounds how much of an unknown name is compared with the known ones, in bytes: a
	// longer one is no typing mistake, and comparing takes the square of it.
	maxCompared = 64
	// maxShownValue and maxShownKey are how many bytes a message cites.
	maxShownValue = 200
	maxShownKey   = 32

	// maxWorkers bounds workers and bulk_workers. Each has a goroutine and an open file, and reads
	// its file in pieces: a part takes no memory of its size.
	maxWorkers = 1024
	// S3 limits the parts of a multipart upload; the last may be smaller.
	minPartSize = 5 << 20
	maxPartSize = 5 << 30
	// maxBody bounds max_body, the largest event, in bytes. The endpoint reads few large ones at
	// once.
	maxBody = 64 << 20
)

// readFile reads a file of at most so many bytes. Of a larger one, it reads one byte more.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
