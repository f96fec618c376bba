package spool

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"ems-sidecar/media"
)

// Find returns the version of p that is kept, if any. With an error, it is not known whether one
// is.
func (s *Spool) Find(ctx context.Context, p string) (v media.Version, found bool, err error) {
	s.ask(ctx, func() {
		if e := s.entry(p); e != nil {
			if fi, err := s.stat(e); err == nil {
				v, found = media.VersionOf(fi), true
				e.version = v
			}
		}
		if !found {
			err = s.locate()
		}
	})
	return v, found, err
}

// A File may be read from several goroutines at once.
type File interface {
	fs.File
	ReadAt(p []byte, off int64) (int, error)
}

// Open opens what is kept of p. The error wraps fs.ErrNotExist if nothing is kept and the root is
// available. Reading a file that is held open fails with fs.ErrClosed once it is released.
func (s *Spool) Open(ctx context.Context, p string) (f File, err error) {
	asked := s.ask(ctx, func() {
		e := s.entry(p)
		switch {
		case e == nil:
			err = fs.ErrNotExist
		case e.file != nil:
			f = borrowed{e.file}
		default:
			f, err = s.openLink(p)
		}
		if errors.Is(err, fs.ErrNotExist) {
			if away := s.locate(); away != nil {
				err = away
			}
		}
	})
	if !asked {
		return nil, &fs.PathError{Op: "open", Path: p, Err: errEnded}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

var errEnded = errors.New("the spool has ended")

// A borrowed file is closed by its owner only.
type borrowed struct{ *os.File }

func (borrowed) Close() error { return nil }
