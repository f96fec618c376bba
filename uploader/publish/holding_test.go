package publish

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

// refusals counts the notes so far that say that a manifest is refused.
func refusals(s *Schedule) (n int) {
	for _, note := range s.effects.Notes {
		if strings.Contains(note.Message, "too much memory") {
			n++
		}
	}
	return n
}

// A large manifest is prepared in slices, between which others have their turn.
func TestR9ManyReferencesArePreparedInSlices(t *testing.T) {
	s := newSchedule(time.Now())
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	for _, n := range []int{1, sliceOfReferences, sliceOfReferences + 1, media.MaxReferences} {
		var r Reading
		for i := range n {
			r.References = append(r.References, fmt.Sprintf("g/%d.ts", i))
		}
		for more := r.IsLarge(); more; {
			before := len(r.files)
			if more = s.Prepare(src, "g/playlist.m3u8", &r); len(r.files)-before > sliceOfReferences {
				t.Errorf("of %d references, %d are prepared at once", n, len(r.files)-before)
			}
		}
		if n > sliceOfReferences && len(r.files) != n {
			t.Errorf("of %d references, %d are prepared", n, len(r.files))
		}
		r.letGo()
		if len(src.files) > 1 {
			t.Fatalf("%d files are left", len(src.files))
		}
	}
}

// Large manifests share a budget. None that is small, or has no more than its part, is refused, and
// all together take no more than twice the budget.
func TestLargeManifestsShareABudget(t *testing.T) {
	s := newSchedule(time.Now())
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	s.settings.Manifests = 26 << 20
	now := time.Now()
	closed := func(stream string, references, content int) (taken bool) {
		r := Reading{Content: make([]byte, content)}
		for i := range references {
			r.References = append(r.References, fmt.Sprintf("%s/%d.ts", stream, i))
		}
		p := stream + "/playlist.m3u8"
		s.ManifestRead(src, p, r, nil, now)
		return src.files[p].manifest.newest() != nil
	}
	sum := func() (sum, large int) {
		for _, st := range s.ring {
			for _, m := range st.manifests {
				if n := m.size(0); n > smallManifest {
					sum, large = sum+n, large+1
				}
			}
		}
		return sum, large
	}
	hogs := 0
	for i := range 12 {
		if closed(fmt.Sprint("hog", i), 5000, 400_000) {
			hogs++
		}
	}
	if held, _ := sum(); hogs == 0 || hogs == 12 || held > s.settings.Manifests {
		t.Fatalf("%d of 12 are taken, which take %d bytes", hogs, held)
	}
	for i := range 20 {
		if !closed(fmt.Sprint("small", i), 1000, 100_000) {
			t.Fatal("a small one is refused")
		}
	}
	for i := range 10 {
		if !closed(fmt.Sprint("fair", i), 1600, 20_000) {
			t.Fatal("one that has no more than its part is refused")
		}
	}
	if held, _ := sum(); held > 2*s.settings.Manifests {
		t.Errorf("all take %d bytes", held)
	}
	if n := refusals(s); n != 12-hogs {
		t.Errorf("%d lines say that one is refused, want %d", n, 12-hogs)
	}
	refused := fmt.Sprint("hog", 11)
	closed(refused, 5000, 400_000)
	if n := refusals(s); n != 12-hogs {
		t.Errorf("%d lines, want none for one that was refused before", n)
	}
	for i := range hogs {
		m := src.files[fmt.Sprintf("hog%d/playlist.m3u8", i)].manifest
		for len(m.waiting) > 0 {
			m.drop()
		}
	}
	now = now.Add(heldRetry)
	if s.readAgain(now); !closed(refused, 5000, 400_000) {
		t.Error("it is refused although there is room now")
	}
}

// A long playlist that viewers have is never refused its next version, however much others take,
// and those that have ended leave the room to those that are live.
func TestR5LongPlaylistThatViewersHaveGoesOn(t *testing.T) {
	s := newSchedule(time.Now())
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	s.settings.Manifests = 4 << 20
	published := func(stream string, references int, ended bool) {
		m := s.file(src, stream+"/playlist.m3u8").manifest
		m.published = &snapshot{manifest: m, refs: make([]*file, references), parsed: media.Manifest{Ended: ended}}
	}
	closed := func(stream string, references int) (taken bool) {
		var r Reading
		for i := range references {
			r.References = append(r.References, fmt.Sprintf("%s/%d.ts", stream, i))
		}
		r.tooMuch = s.tooMuch(s.file(src, stream+"/playlist.m3u8").manifest, r)
		return r.tooMuch == nil
	}
	for i := range 10 {
		published(fmt.Sprint("archive", i), 40_000, true)
	}
	if !closed("new", 4000) {
		t.Error("a live playlist is refused because of those that have ended")
	}
	for i := range 10 {
		published(fmt.Sprint("live", i), 6000, false)
	}
	if !closed("live0", 6001) || !closed("live1", 6000+growth) {
		t.Error("the next version of a playlist that viewers have is refused")
	}
	if closed("live2", 6001+growth) || closed("other", 6000) {
		t.Error("there is no limit")
	}
}
