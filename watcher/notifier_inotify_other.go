//go:build !linux

package watcher

import (
	"errors"
	"fmt"
	"runtime"
)

func newInotify(string) (notifier, error) {
	return nil, fmt.Errorf("no inotify on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
