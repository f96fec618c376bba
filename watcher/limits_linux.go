package watcher

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"ems-sidecar/internal/trouble"
)

const inotifyLimits = "/proc/sys/fs/inotify/"

// reportTooFewWatches reports which limit is too low, what is needed, and what to do.
func (t *tree) reportTooFewWatches() {
	limit := sysctl("max_user_watches")
	// Other programs of the same user have watches, too.
	want := max(2*limit, limit+2*t.state.Dirs)
	t.trouble.Begin(tooFewWatches, trouble.At{},
		"limit", "fs.inotify.max_user_watches", "value", limit,
		"needed", t.state.Dirs, "watched", t.state.Watches,
		"every", t.opts.PollInterval,
		"hint", fmt.Sprintf("sysctl -w fs.inotify.max_user_watches=%d", want))
}

// reportNoNotifier reports why a backend could not be started.
func (t *tree) reportNoNotifier(b Backend, err error) {
	if !outOfWatches(err) {
		t.trouble.Begin(cannotWatch, trouble.At{}, "backend", b.String(), "err", err, "every", t.opts.PollInterval)
		return
	}
	limit := sysctl("max_user_instances")
	t.trouble.Begin(tooFewInstances, trouble.At{}, "backend", b.String(), "err", err,
		"limit", "fs.inotify.max_user_instances", "value", limit,
		"every", t.opts.PollInterval,
		"hint", fmt.Sprintf("sysctl -w fs.inotify.max_user_instances=%d", max(2*limit, 128)))
}

// sysctl returns one of inotify's limits, or 0 if it cannot be read.
func sysctl(name string) int {
	b, err := os.ReadFile(inotifyLimits + name)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n
}
