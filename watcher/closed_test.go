package watcher

import (
	"testing"
	"time"

	"ems-sidecar/media"
)

// A file without a writer is closed when it stands still, or at once when someone waits for it. A
// file with a writer never is.
func TestR1FileIsClosedOnlyWhenNoProcessWritesIt(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tr := newTree(New(t.TempDir(), Options{ClosesEarly: func(p string) bool { return p == "early" }}))
	for _, c := range []struct {
		what    string
		name    string
		writers writers
		quiet   time.Duration // since the last change
		age     time.Duration // since it appeared
		demand  demand
		want    fileState
	}{
		{"written", "1.ts", busy, time.Hour, time.Hour, usual, open},
		{"written, and a manifest names it", "1.ts", busy, time.Hour, time.Hour, expected, open},
		{"it changed a moment ago", "1.ts", free, DefaultSettle - 1, time.Hour, usual, settling},
		{"it stands still", "1.ts", free, DefaultSettle, time.Hour, usual, closed},
		{"a manifest names it", "1.ts", free, 0, 0, expected, closed},
		{"it may be the early close, and a manifest names it", "early", free, DefaultSettle, DefaultSettle, expected, settling},
		{"it is too old for the early close", "early", free, DefaultSettle, time.Hour, usual, closed},
		{"no one knows whether it is written", "1.ts", unknown, DefaultSlowSettle - 1, time.Hour, usual, settling},
		{"no one knows, but it stands still for long", "1.ts", unknown, DefaultSlowSettle, time.Hour, usual, closed},
		{"no one knows, and a manifest names it", "1.ts", unknown, DefaultSettle, time.Hour, expected, settling},
	} {
		e := &entry{dir: tr.dirs[""], name: c.name, stage: seen, since: now.Add(-c.quiet), appeared: now.Add(-c.age), demand: c.demand}
		l := look{version: media.Version{Size: 1, ModTime: now.Add(-c.quiet)}, writers: c.writers}
		state, wait := tr.judge(e, l, false, false, now)
		if again := state == open || state == settling; state != c.want || again != (wait > 0) {
			t.Errorf("%s: the file is %v, look again after %v, want %v", c.what, state, wait, c.want)
		}
	}
}

// A writer may create a file, or cut one short whose name it uses again, close it, and fill it a moment
// later. One that stays empty is closed all the same: what names it must not wait for good.
func TestR1EmptyChunkIsClosedOnlyWhenItStaysEmpty(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tr := newTree(New(t.TempDir(), Options{}))
	for _, w := range []writers{free, unknown} {
		for _, d := range []demand{usual, expected} {
			for quiet, want := range map[time.Duration]fileState{DefaultSlowSettle - 1: settling, DefaultSlowSettle: closed} {
				v := media.Version{ModTime: now.Add(-quiet)}
				e := &entry{dir: tr.dirs[""], name: "1.ts", stage: seen, since: v.ModTime, demand: d}
				e.dir.newest[".ts"] = 1 // a newer file
				if state, _ := tr.judge(e, look{version: v, writers: w}, false, false, now); state != want {
					t.Errorf("after %v, with writers %v and demand %v, it is %v, want %v", quiet, w, d, state, want)
				}
			}
		}
	}
	list := &entry{dir: tr.dirs[""], name: "i.m3u8", stage: seen, since: now, news: news{kind: newsClosed, at: now}}
	if state, _ := tr.judge(list, look{writers: free}, true, false, now); state != closed {
		t.Errorf("an empty manifest is %v, want %v: its reader sees that it is cut short", state, closed)
	}
}

// The kernel tells that a name was removed, and then that a file has it. On a busy machine a look
// may find the file before the second note, and the file may have the inode's number again. It is a
// new file already then, whose close may be early.
func TestR1NameThatWasRemovedIsANewFilesAtTheNextLook(t *testing.T) {
	now := time.Now()
	tr := newTree(New(t.TempDir(), Options{ClosesEarly: func(string) bool { return true }}))
	tr.root.present = true
	e := tr.addFile(tr.dirs[""], "f4vSeg1-Frag1")
	e.appeared = now.Add(-time.Hour)
	e.look, e.stage = media.Version{Inode: 7, Size: 1, ModTime: now.Add(-time.Hour)}, seen

	tr.take(note{kind: noteRemoved, path: "f4vSeg1-Frag1"}, now)

	later := now.Add(DefaultSettle)
	e.see(media.Version{Inode: 7, Size: 1, ModTime: now}, now)
	state, _ := tr.judge(e, look{version: e.look, writers: free}, false, false, later)
	if state != settling {
		t.Errorf("the new file's header is %v, want %v", state, settling)
	}
}
