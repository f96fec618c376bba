//go:build !linux

package watcher

import "ems-sidecar/internal/trouble"

// reportTooFewWatches says what is needed; the limit differs by platform.
func (t *tree) reportTooFewWatches() {
	t.trouble.Begin(tooFewWatches, trouble.At{},
		"needed", t.state.Dirs, "watched", t.state.Watches, "every", t.opts.PollInterval)
}

func (t *tree) reportNoNotifier(b Backend, err error) {
	t.trouble.Begin(cannotWatch, trouble.At{}, "backend", b.String(), "err", err, "every", t.opts.PollInterval)
}
