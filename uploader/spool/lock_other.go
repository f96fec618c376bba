//go:build !linux

package spool

import (
	"errors"
	"io"
)

// lock would need a file that is held open, which keeps a file system from being unmounted.
func lock(string) (io.Closer, error) { return nil, errors.ErrUnsupported }
