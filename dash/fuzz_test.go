package dash

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ems-sidecar/media"
)

// Any two texts: one that the bucket has, and one that is on the disk.
func FuzzContinue(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.mpd")
	var all [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, b)
	}
	for i, b := range all {
		f.Add(b, all[(i+1)%len(all)], byte(i))
	}
	shown, _ := Continue(written(f, 0, 0, 5), written(f, 60e9, 0, 2), Situation{Named: true})
	f.Add(shown.Bytes(), written(f, 60e9, 0, 3).Bytes(), byte(1))
	f.Add(shown.Bytes(), written(f, 90e9, 0, 3).Bytes(), byte(1))
	f.Fuzz(func(t *testing.T, old, b []byte, flags byte) {
		run, err := Parse(b)
		if err != nil {
			return
		}
		ended := run.WithEnd()
		shown, err := Parse(old)
		if err != nil {
			shown = nil
		}
		if shown != nil {
			for _, text := range [][]byte{b, ended.Bytes()} {
				if m, err := Reopen(text, shown, began); err == nil && (m.Ended || m.Run() != shown.RunOf(shown.last())) {
					t.Errorf("reopened, it is of run %s:\n%s\nof what viewers have:\n%s", m.Run(), m.Bytes(), old)
				}
			}
		}
		s := Situation{Named: flags&1 > 0, TooOld: flags&2 > 0}
		next, join := Continue(shown, run, s)
		if s.Named && run.IsLive() && next != shown && !next.last().Named && len(run.Periods[0].templates) > 0 {
			t.Errorf("%v: its files are not named as in the bucket:\n%s", join, next.Bytes())
		}
		again, err := Parse(bytes.Clone(next.Bytes()))
		if err != nil {
			t.Fatalf("%v: %v\n%s", join, err, next.Bytes())
		}
		if join == Fresh || shown == nil || len(next.Periods) > maxPeriods {
			return
		}
		if !next.Start.Equal(shown.Start) || next.IsNewer(shown) && next.last().Start < shown.last().Start {
			t.Errorf("%v: it goes back from\n%s\nto\n%s", join, old, next.Bytes())
		}
		if shown.IsNewer(next) {
			t.Errorf("%v: it ends before\n%s\nas\n%s", join, old, next.Bytes())
		}
		once, _ := Continue(again, run, s)
		if join == Same && !bytes.Equal(once.Bytes(), next.Bytes()) {
			t.Errorf("once more, it is\n%s\nand not\n%s", once.Bytes(), next.Bytes())
		}
		if _, err := media.ParseMPD(b); err == nil && s.Named {
			if _, err := media.ParseMPD(next.Bytes()); err != nil {
				if _, oldErr := media.ParseMPD(old); oldErr == nil {
					t.Errorf("%v in\n%s", err, next.Bytes())
				}
			}
		}
	})
}
