package watcher

import (
	"errors"
	"io/fs"
	"os"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// A look is what one glance at a file told.
type look struct {
	version media.Version
	mode    fs.FileMode // only the type bits
	writers writers
	noLease error // why the kernel would not say whether there are writers
}

// writers says whether a process has the file open for writing.
type writers uint8

const (
	unknown writers = iota // no one can tell
	free
	busy
)

// lookFile looks without asking for writers. The file is opened, because a network file system's
// client asks its server then, and may answer a plain stat from its cache.
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
		// Who reads the file will meet the same error, and can say what it means.
		return look{version: media.VersionOf(fi)}, nil
	}
	defer func() { _ = f.Close() }()
	if fi, err = f.Stat(); err != nil {
		return look{}, err
	}
	return look{version: media.VersionOf(fi)}, nil
}
