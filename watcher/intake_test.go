package watcher

import (
	"path"
	"testing"
	"time"
)

// The daemon does not wake up for each chunk that is created, and for each that is removed: they are
// looked at together. What someone waits for, and what may be whole, is not kept waiting.
func TestCreatedAndRemovedChunksAreLookedAtTogether(t *testing.T) {
	begin := time.Now().Truncate(together)
	tr := newTree(New(t.TempDir(), Options{Quick: func(p string) bool { return path.Ext(p) == ".m3u8" }}))
	tr.root.present = true
	tr.root.notify = closing{}
	gone := tr.addFile(tr.dirs[""], "removed.ts")
	wanted := tr.addFile(tr.dirs[""], "wanted.ts")
	wanted.demand = expected

	hear := func(kind noteKind, name string, at time.Duration) *entry {
		tr.take(note{kind, name}, begin.Add(at))
		return tr.file(name)
	}
	for what, c := range map[string]struct {
		e    *entry
		want time.Duration
	}{
		"a chunk is created":           {hear(noteCreated, "1.ts", time.Millisecond), together},
		"another one":                  {hear(noteCreated, "2.ts", 200*time.Millisecond), together},
		"one is removed":               {hear(noteRemoved, gone.name, 100*time.Millisecond), together},
		"one is created later":         {hear(noteCreated, "3.ts", together), 2 * together},
		"one is created that is named": {hear(noteCreated, wanted.name, time.Millisecond), time.Millisecond},
		"one is renamed to its name":   {hear(noteAppeared, "4.ts", 0), DefaultSettle},
		"one is closed":                {hear(noteClosed, "5.ts", 0), DefaultSettle},
		"a manifest is created":        {hear(noteCreated, "i.m3u8", 0), DefaultSettle},
	} {
		if got := c.e.due.Sub(begin); got != c.want {
			t.Errorf("%s: it is looked at after %v, want %v", what, got, c.want)
		}
	}
	later := begin.Add(2 * time.Millisecond)
	tr.take(note{noteClosed, "1.ts"}, later)
	if got := tr.file("1.ts").due.Sub(later); got != DefaultSettle {
		t.Errorf("a chunk that was created and is closed is looked at after %v, want %v", got, DefaultSettle)
	}
}

// A closing is a notifier that sees closes.
type closing struct{ notifier }

func (closing) seesClose() bool { return true }
