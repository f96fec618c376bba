package publish

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// Of what waits of a run, nothing is published with an init segment of the next one, whatever is
// known of its own.
func TestR2ManifestOfARunIsNotPublishedWithTheInitSegmentOfTheNextOne(t *testing.T) {
	const manifest, init, segment = "g/manifest.mpd", "g/s/video/1/seg_init.mp4", "g/s/video/1/segment_0.m4s"
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	version := func(n int) media.Version {
		return media.Version{Size: 9, ModTime: at(time.Duration(n) * time.Second), Inode: uint64(n)}
	}
	for _, c := range []struct {
		name   string
		onDisk media.Version                       // of the init segment, when the first run's manifest was read
		before func(s *Schedule, src *Source)      // that
		then   func(s *Schedule, src *Source) bool // and after it
	}{
		{"it was gone, and never seen", media.Version{}, nil, nil},
		{"it was there, and its closing never reported", version(1), nil, nil},
		{"only the spool had it, and has given it up", media.Version{}, func(s *Schedule, src *Source) {
			s.Kept(src, init, version(1), at(time.Second))
			s.Evicted(src, init, at(time.Second))
			s.releaseUnnamed(at(-time.Hour))
			clear(s.unnamed)
		}, nil},
		{"it was uploaded", version(1), func(s *Schedule, src *Source) { s.Closed(src, init, version(1), false, nil, at(time.Second)) }, nil},
		{"it was asked for, and is absent", media.Version{}, nil, func(s *Schedule, src *Source) bool {
			s.Absent(src, init, false, began)
			return true
		}},
		{"the same manifest is read once more", version(1), nil, func(s *Schedule, src *Source) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSchedule(began)
			src := s.Add("/root", media.Layout{Format: media.DASH}, &Destination{}, false)
			read := func(content string, written, now time.Duration, inits media.Version, segments ...string) {
				onDisk := []media.Version{inits}
				for range segments {
					onDisk = append(onDisk, version(2))
				}
				s.ManifestRead(src, manifest, Reading{References: append([]string{init}, segments...), Others: 1, OnDisk: onDisk,
					Content: []byte(content), Sum: sha256.Sum256([]byte(content)),
					Manifest: media.Manifest{Segments: len(segments)}, ModTime: at(written), ReadAt: at(now)}, nil, at(now))
			}
			if c.before != nil {
				c.before(s, src)
			}
			s.Closed(src, segment, version(2), false, nil, at(2*time.Second))
			read("run a", 3*time.Second, 4*time.Second, c.onDisk, segment)
			if c.then != nil && !c.then(s, src) {
				read("run a", 3*time.Second, 5*time.Second, c.onDisk, segment)
			}
			s.Closed(src, init, version(6), false, nil, at(6*time.Second))
			read("run b", 7*time.Second, 7*time.Second, version(6), segment, "g/s/video/1/segment_4000.m4s")
			for d := 8 * time.Second; d < 15*time.Second; d += 100 * time.Millisecond {
				for j, ok := s.Next(at(d)); ok; j, ok = s.Next(at(d)) {
					if string(j.Manifest.Bytes) == "run a" {
						t.Fatal("the manifest of the run before is published")
					}
					s.Done(Result{Job: j}, at(d))
				}
			}
			if !src.files[init].bucket.isConfirmed() {
				t.Fatal("nothing is uploaded")
			}
		})
	}
}

// After a start, names tell whether a run goes on that viewers have, also where the pace of another one
// would fit.
func TestR3NamesTellRunsApart(t *testing.T) {
	list := func(uris ...string) *hls.Playlist {
		text := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:" + strconv.Itoa(10+len(uris)) + "\n"
		for _, uri := range uris {
			text += "#EXTINF:4,\n" + uri + "\n"
		}
		p, err := hls.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	published := time.UnixMilli(1793534420000)
	for name, c := range map[string]struct {
		shown, run *hls.Playlist
		away       time.Duration
		want       bool
	}{
		"one time":              {list("a_1793534400000_1.ts"), list("a_1793534400000_5.ts", "a_1793534400000_6.ts"), 0, true},
		"another time":          {list("a_1793534400000_1.ts"), list("a_1793534419000_1.ts", "a_1793534419000_2.ts"), 8 * time.Second, false},
		"a time of each, paced": {list("a_1793534400000_1.ts"), list("a_1793534419000_1.ts", "a_1793534423000_2.ts"), 8 * time.Second, true},
		"no time, paced":        {list("a1.ts"), list("a2.ts", "a3.ts"), 8 * time.Second, true},
		"no time, too early":    {list("a1.ts"), list("a2.ts", "a3.ts"), -8 * time.Second, false},
	} {
		if got := isOneRun(c.shown, c.run, published, published.Add(c.away)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
