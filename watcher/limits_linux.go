package watcher

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const inotifyLimits = "/proc/sys/fs/inotify/"

// logShort says which limit is too low, what is needed, and what to do.
func (t *tree) logShort() {
	limit := sysctl("max_user_watches")
	// Others of the same user have watches, too.
	want := max(2*limit, limit+2*t.state.Dirs)
	t.log.Error("not enough inotify watches, scanning the whole tree instead",
		"limit", "fs.inotify.max_user_watches", "value", limit,
		"needed", t.state.Dirs, "watched", t.state.Watches,
		"every", t.opts.PollInterval,
		"fix", fmt.Sprintf("sysctl -w fs.inotify.max_user_watches=%d", want))
}

// logNoNotifier says why a backend could not be started.
func (t *tree) logNoNotifier(b Backend, err error) {
	if !outOfWatches(err) {
		t.log.Error("cannot watch, scanning instead", "backend", b.String(), "err", err, "every", t.opts.PollInterval)
		return
	}
	limit := sysctl("max_user_instances")
	t.log.Error("not enough inotify instances or file descriptors, scanning instead", "backend", b.String(), "err", err,
		"limit", "fs.inotify.max_user_instances", "value", limit,
		"every", t.opts.PollInterval,
		"fix", fmt.Sprintf("sysctl -w fs.inotify.max_user_instances=%d", max(2*limit, 128)))
}

// sysctl returns the value of one of inotify's limits, 0 if it cannot be read.
func sysctl(name string) int {
	b, err := os.ReadFile(inotifyLimits + name)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n
}
