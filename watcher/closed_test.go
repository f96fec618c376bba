package watcher

import (
	"testing"
	"time"

	"ems-sidecar/media"
)

// A file without a writer is closed when it stands still, or at once when someone waits for it. A file with a writer
// never is.
func TestR1FileIsClosedOnlyWhenNoProcessWritesIt(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tr := newTree(New(t.TempDir(), Options{ClosesEarly: func(p string) bool { return p == "early" }}))
	for _, c := range []struct {
		what     string
		name     string
		writers  writers
		quiet    time.Duration // since the last change
		age      time.Duration // since it appeared
		expected bool
		want     fileState
	}{
		{"written", "1.ts", busy, time.Hour, time.Hour, false, open},
		{"written, and a manifest names it", "1.ts", busy, time.Hour, time.Hour, true, open},
		{"it changed a moment ago", "1.ts", free, DefaultSettle - 1, time.Hour, false, settling},
		{"it stands still", "1.ts", free, DefaultSettle, time.Hour, false, closed},
		{"a manifest names it", "1.ts", free, 0, 0, true, closed},
		{"it may be the early close, and a manifest names it", "early", free, DefaultSettle, DefaultSettle, true, settling},
		{"it is too old for the early close", "early", free, DefaultSettle, time.Hour, false, closed},
		{"no one knows whether it is written", "1.ts", unknown, DefaultSlowSettle - 1, time.Hour, false, settling},
		{"no one knows, but it stands still for long", "1.ts", unknown, DefaultSlowSettle, time.Hour, false, closed},
		{"no one knows, and a manifest names it", "1.ts", unknown, DefaultSettle, time.Hour, true, settling},
	} {
		e := &entry{dir: tr.dirs[""], name: c.name, looked: true, since: now.Add(-c.quiet), appeared: now.Add(-c.age), expected: c.expected}
		l := look{version: media.Version{Size: 1, ModTime: now.Add(-c.quiet)}, writers: c.writers}
		state, wait := tr.judge(e, l, false, false, now)
		if again := state == open || state == settling; state != c.want || again != (wait > 0) {
			t.Errorf("%s: the file is %v, look again after %v, want %v", c.what, state, wait, c.want)
		}
	}
}
