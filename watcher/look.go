package watcher

import (
	"errors"
	"io/fs"
	"os"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// A look is what was seen of a file at one moment.
type look struct {
	version media.Version
	mode    fs.FileMode // only the type bits
	writers writers
	noLease error // why the kernel does not say whether there are writers
}

// writers says whether a process has the file open for writing.
type writers uint8

const (
	unknown writers = iota // the kernel does not say
	free
	busy
)

// lookFile looks at a file without asking for writers. It opens the file, because only then does
// the client of a network file system ask its server; a plain stat may be answered from its cache.
func lookFile(path string) (look, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return look{}, err
	}
	f, err := disk.Open(path)
	var special *disk.NotRegularError
	switch {
	case errors.As(err, &special) && special.Type != 0:
		return look{mode: special.Type}, nil
	case disk.IsGone(err):
		return look{}, err
	case err != nil:
		// The reader of the file will get the same error, and can say what it means.
		return look{version: media.VersionOf(fi)}, nil
	}
	defer func() { _ = f.Close() }()
	if fi, err = f.Stat(); err != nil {
		return look{}, err
	}
	return look{version: media.VersionOf(fi)}, nil
}
