package uploader

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// named returns a playlist of n names.
func named(pattern string, n int) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:4\n")
	for i := range n {
		fmt.Fprintf(&b, "#EXTINF:4,\n"+pattern+"\n", i)
	}
	return b.String() + "#EXT-X-ENDLIST\n"
}

// A manifest that names too much is left out, with one line that says by how much; nothing is made of what it names, other
// streams go on, and it is published when it names less.
func TestManifestThatNamesTooMuchIsLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		limit   int
		what    string
	}{
		"segments":                {named("%d.ts", media.MaxReferences+1), media.MaxReferences, "references"},
		"children":                {strings.ReplaceAll(named("%d.m3u8", media.MaxManifests+1), "EXTINF:4,", "EXT-X-STREAM-INF:BANDWIDTH=1"), media.MaxManifests, "manifests"},
		"children of other names": {strings.ReplaceAll(named("%d", media.MaxManifests+1), "EXTINF:4,", "EXT-X-STREAM-INF:BANDWIDTH=1"), media.MaxManifests, "manifests"},
		"manifests as segments":   {named("%d.m3u8", media.MaxManifests+1), media.MaxManifests, "manifests"},
		"directories":             {named("%d/x.ts", maxDirectories+1), maxDirectories, "directories"},
		"deep directories":        {named("a/b/c/%d/x.ts", 20_000), maxDirectories, "directories"},
		"bytes of names":          {named(strings.Repeat("d/", 60)+"%d.ts", 49_000), maxNames, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				evil := "evil"
				if c.what == "bytes" {
					evil += strings.Repeat("/"+strings.Repeat("e", 250), 2)
				}
				for range 3 {
					d.close(evil+"/playlist.m3u8", c.content)
					settle()
				}
				lines := d.log.lines(slog.LevelError, "")
				if len(lines) != 1 {
					t.Fatalf("%d lines: %q", len(lines), lines)
				}
				for _, s := range []string{"manifest is not published", "stream=" + evil, "key=" + evil + "/playlist.m3u8", c.what, "count=", fmt.Sprint("limit=", c.limit)} {
					if !strings.Contains(lines[0], s) {
						t.Errorf("%q does not say %q", lines[0], s)
					}
				}
				d.report(func() {})
				if n := len(d.src.files); n > 1 {
					t.Errorf("%d files are known", n)
				}
				d.live("good", 1, 3, time.Second)
				settle()
				if d.bucket.content("good/playlist.m3u8") == "" {
					t.Error("another stream is not published")
				}
				d.close(evil+"/1.ts", "x")
				d.close(evil+"/playlist.m3u8", playlist(1, 1)) // it names less
				settle()
				if d.bucket.content(evil+"/playlist.m3u8") == "" {
					t.Error("it is not published when it names less")
				}
			})
		})
	}
}

// What is just within the limits is published.
func TestManifestThatNamesMuchIsPublished(t *testing.T) {
	for name, c := range map[string]string{
		"segments": named("https://else.where/%d.ts", media.MaxReferences),
		"children": strings.ReplaceAll(named("https://else.where/%d.m3u8", media.MaxManifests), "EXTINF:4,", "EXT-X-STREAM-INF:BANDWIDTH=1"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				d.close("g/playlist.m3u8", c)
				settle()
				if d.bucket.content("g/playlist.m3u8") != c {
					t.Error("it is not published")
				}
			})
		})
	}
}

// What a large manifest names is taken in in slices, between which others have their turn.
func TestManyReferencesAreTakenInInSlices(t *testing.T) {
	u := New(Settings{}, slog.New(slog.DiscardHandler))
	src := u.Source(t.TempDir(), media.Layout{Format: media.HLS}, &Destination{}, nobodyExpects{})
	s := newSchedule(1, 1, time.Now(), u.log)
	for _, n := range []int{1, sliceOfReferences, sliceOfReferences + 1, media.MaxReferences} {
		r := reading{snapshot: &snapshot{}}
		for i := range n {
			r.refs = append(r.refs, fmt.Sprintf("g/%d.ts", i))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if !src.prepare(context.Background(), "g/playlist.m3u8", &r) {
				t.Error("it did not come to its end")
			}
			u.tell(context.Background(), func(*schedule, time.Time) {}) // the last slice was taken in
		}()
		most := 0
		for ended := false; !ended; {
			select {
			case do := <-u.inbox:
				before := len(r.files)
				do(s, time.Now())
				most = max(most, len(r.files)-before)
			case <-done:
				ended = true
			}
		}
		if most > sliceOfReferences || n > sliceOfReferences && len(r.files) != n {
			t.Errorf("of %d, %d were taken in, at most %d at once", n, len(r.files), most)
		}
		r.letGo()
		if len(src.files) > 1 {
			t.Fatalf("%d files are left", len(src.files))
		}
	}
}

// Large manifests share a budget. None that is small, or has no more than its part, is refused, and all together
// take no more than twice the budget.
func TestLargeManifestsShareABudget(t *testing.T) {
	log := &logBook{}
	u := New(Settings{}, slog.New(log))
	src := u.Source(t.TempDir(), media.Layout{Format: media.HLS}, &Destination{}, nobodyExpects{})
	s := newSchedule(1, 1, time.Now(), u.log)
	s.heldMost = 26 << 20
	now := time.Now()
	closed := func(stream string, references, content int) (taken bool) {
		r := reading{snapshot: &snapshot{content: make([]byte, content)}}
		for i := range references {
			r.refs = append(r.refs, fmt.Sprintf("%s/%d.ts", stream, i))
		}
		p := stream + "/playlist.m3u8"
		s.manifestClosed(src, p, r, now)
		return src.files[p].manifest.newest() != nil
	}
	sum := func() (sum, large int) {
		for _, st := range s.ring {
			for _, m := range st.manifests {
				if n := m.size(nil, 0); n > smallManifest {
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
	if held, _ := sum(); hogs == 0 || hogs == 12 || held > s.heldMost {
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
	if held, _ := sum(); held > 2*s.heldMost {
		t.Errorf("all take %d bytes", held)
	}
	if n := len(log.lines(slog.LevelError, "too much memory")); n != 12-hogs {
		t.Errorf("%d lines say that one is refused, want %d", n, 12-hogs)
	}
	refused := fmt.Sprint("hog", 11)
	closed(refused, 5000, 400_000)
	if n := len(log.lines(slog.LevelError, "too much memory")); n != 12-hogs {
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

// A long playlist that viewers have is never refused its next version, however much others take, and
// those that have ended leave the room to those that are live.
func TestR5LongPlaylistThatViewersHaveGoesOn(t *testing.T) {
	u := New(Settings{}, slog.New(&logBook{}))
	src := u.Source(t.TempDir(), media.Layout{Format: media.HLS}, &Destination{}, nobodyExpects{})
	s := newSchedule(1, 1, time.Now(), u.log)
	s.heldMost = 4 << 20
	published := func(stream string, references int, ended bool) {
		m := s.file(src, stream+"/playlist.m3u8").manifest
		m.published = &snapshot{manifest: m, refs: make([]*file, references), parsed: media.Manifest{Ended: ended}}
	}
	closed := func(stream string, references int) (taken bool) {
		r := reading{snapshot: &snapshot{}}
		for i := range references {
			r.refs = append(r.refs, fmt.Sprintf("%s/%d.ts", stream, i))
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

// One manifest that takes long to read has its turn less often, and arrives.
func TestManifestThatTakesLongIsReadLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := make(pace)
		begun := time.Now()
		time.Sleep(200 * time.Millisecond)
		w.took("long", begun)
		if at := w.next("long"); at != time.Now().Add(2*time.Second) {
			t.Errorf("it is read again after %v", time.Until(at))
		}
		w.took("short", time.Now())
		if at := w.next("short"); !at.IsZero() {
			t.Errorf("one that takes no time is read again after %v", time.Until(at))
		}

		d := newDesk(t, Settings{})
		d.start()
		d.src.pace["g/s/playlist.m3u8"] = time.Now().Add(2 * time.Second)
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
		settle()
		if d.bucket.content("g/s/playlist.m3u8") != "" {
			t.Error("it is read at once")
		}
		time.Sleep(2 * time.Second)
		settle()
		if d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Error("its end does not arrive")
		}
	})
}
