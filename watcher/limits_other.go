//go:build !linux

package watcher

// logShort says what is needed; the limit differs by platform.
func (t *tree) logShort() {
	t.log.Error("cannot watch all directories, scanning the whole tree instead",
		"needed", t.state.Dirs, "watched", t.state.Watches, "every", t.opts.PollInterval)
}

func (t *tree) logNoNotifier(b Backend, err error) {
	t.log.Error("cannot watch, scanning instead", "backend", b.String(), "err", err, "every", t.opts.PollInterval)
}
