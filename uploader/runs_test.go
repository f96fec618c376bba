package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// What waits of a run is not published with the names of the next one, also if nothing of the first has arrived.
func TestOldRunOfWhichNothingArrivedIsNotPublishedWithTheNamesOfTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		var second atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/f4vSeg1-Frag2" || key == "g/s/f4vSeg1-Frag1" && !second.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "run a"))
		d.fragment("a", 1)
		d.close("g/s/bootstrap", abst(1, 1))
		time.Sleep(time.Millisecond)
		d.fragment("b", 1)
		second.Store(true)
		d.fragment("b", 2)
		d.close("g/s/bootstrap", abst(1, 2, 7))
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/f4vSeg1-Frag1") == "" {
			t.Fatal("the fragment of the new run does not arrive")
		}
		if got := d.bucket.content("g/s/bootstrap"); got != "" {
			t.Errorf("the bootstrap of the first run is put after a fragment of the second")
		}
	})
}

// The same, where the chunk of the first run was gone before it was seen.
func TestOldRunWhoseChunksAreGoneIsNotPublishedWithTheNamesOfTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		var away atomic.Bool
		away.Store(true)
		d.dest.Store = &tamperedStore{bucket: d.bucket, exists: func(string) (bool, error) {
			if away.Load() {
				return false, errors.New("connection refused")
			}
			return false, nil
		}}
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/f4vSeg1-Frag2" {
				return errors.New("connection refused")
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "run a"))
		d.close("g/s/bootstrap", abst(1, 1))
		time.Sleep(time.Second)
		d.fragment("b", 1)
		d.fragment("b", 2)
		d.close("g/s/bootstrap", abst(1, 2, 7))
		away.Store(false)
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/f4vSeg1-Frag1") == "" {
			t.Fatal("the fragment of the new run does not arrive")
		}
		if d.bucket.content("g/s/bootstrap") != "" {
			t.Error("the bootstrap of the first run is put after a fragment of the second")
		}
	})
}

// The same, where the newer manifest is given up because what it names is gone.
func TestOldRunIsNotPublishedWhenTheNewOneIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		var second atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.Contains(key, "seg_init") && !second.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		inits := func(run string) {
			d.close("g/s/video/1/seg_init.mp4", run)
			d.close("g/s/audio/1/seg_init.mp4", run)
		}
		d.start()
		d.segments("a", 0)
		d.close("g/manifest.mpd", mpd(0, 0))
		inits("run a")
		time.Sleep(time.Millisecond)
		inits("run b")
		second.Store(true)
		d.close("g/manifest.mpd", mpd(1, 2)) // of segments that were never there
		d.remove("g/manifest.mpd")
		time.Sleep(3 * time.Minute)
		if got := d.bucket.content("g/s/video/1/seg_init.mp4"); got != "run b" {
			t.Fatalf("the init segment is %q", got)
		}
		if d.bucket.content("g/manifest.mpd") != "" {
			t.Error("the manifest of the first run is put after an init segment of the second")
		}
	})
}

// The request for a manifest can reach the store later than one that starts after it.
func TestR2NewInitSegmentWaitsForTheManifestInFlightThatNamesTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		var manifestInFlight atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			switch {
			case key == "g/manifest.mpd":
				manifestInFlight.Store(true)
				time.Sleep(time.Second)
				manifestInFlight.Store(false)
			case strings.HasSuffix(key, "seg_init.mp4") && manifestInFlight.Load():
				t.Errorf("%s is put while a manifest that names its former content is in flight", key)
			}
			return nil
		}
		d.start()
		d.segments("a", 0)
		d.close("g/s/video/1/seg_init.mp4", "run a")
		d.close("g/s/audio/1/seg_init.mp4", "run a")
		d.close("g/manifest.mpd", mpd(0, 0))
		settle()
		if !manifestInFlight.Load() {
			t.Fatal("the manifest of the first run is not in flight")
		}
		d.close("g/s/video/1/seg_init.mp4", "run b")
		d.close("g/s/audio/1/seg_init.mp4", "run b")
		time.Sleep(time.Minute)
		for _, key := range []string{"g/s/video/1/seg_init.mp4", "g/s/audio/1/seg_init.mp4"} {
			if got := d.bucket.content(key); got != "run b" {
				t.Errorf("%s holds %q after the manifest's PUT has ended, want %q", key, got, "run b")
			}
		}
	})
}

// A manifest can be read before the closing of a chunk that it names is reported: the content that the name had before
// does not serve, when it arrives only now.
func TestContentThatArrivesAfterTheNameHasNewOneDoesNotServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		slow := make(chan struct{})
		d.bucket.before = func(_ context.Context, key string) error {
			switch key {
			case "g/s/f4vSeg1-Frag1":
				<-slow
			case "g/s/bootstrap":
				if got := d.bucket.content("g/s/f4vSeg1-Frag1"); got != "run b, fragment 1" {
					t.Errorf("the bootstrap of the second run is put with %q", got)
				}
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "x"))
		d.close("g/s/f4vSeg1-Frag1", "run a, fragment 1")
		settle() // its upload is in flight
		d.remove("g/s/f4vSeg1-Frag1")
		d.write("g/s/f4vSeg1-Frag1", "run b, fragment 1")
		d.close("g/s/bootstrap", abst(1, 1))
		settle()
		close(slow)
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/bootstrap") != abst(1, 1) {
			t.Error("the bootstrap does not arrive")
		}
	})
}

// The same, where the content that the name had before is found in the bucket after a start.
func TestContentThatIsFoundAfterTheNameHasNewOneDoesNotServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if got := d.bucket.content("g/s/f4vSeg1-Frag1"); key == "g/s/bootstrap" && got != "run b, fragment 1" {
				t.Errorf("the bootstrap of the second run is put with %q", got)
			}
			return nil
		}
		ended := d.start()
		d.close("g/s/f4vSeg1-Frag1", "run a, fragment 1")
		settle()
		d.end()
		<-ended
		time.Sleep(time.Second)
		d.restart()
		d.start()
		d.close("g/s/s.f4m", f4m("live", "x"))
		d.closed("g/s/f4vSeg1-Frag1")
		d.remove("g/s/f4vSeg1-Frag1")
		d.write("g/s/f4vSeg1-Frag1", "run b, fragment 1")
		d.close("g/s/bootstrap", abst(1, 1))
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/bootstrap") != abst(1, 1) {
			t.Error("the bootstrap does not arrive")
		}
	})
}

// An object of the run before does not stand for a chunk that was deleted before its upload, and for which the spool had no room.
func TestObjectOfTheRunBeforeDoesNotStandForALostChunk(t *testing.T) {
	for name, again := range map[string]bool{"in one run of the daemon": false, "after a start": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, dashLayout, Settings{DrainTimeout: time.Second, SpoolMax: 1})
				inits := []string{"g/s/video/1/seg_init.mp4", "g/s/audio/1/seg_init.mp4"}
				var away atomic.Bool
				d.bucket.before = func(_ context.Context, key string) error {
					if away.Load() && strings.Contains(key, "seg_init") {
						return errors.New("connection refused")
					}
					return nil
				}
				ended := d.start()
				for _, p := range inits {
					d.write(p, "run a")
				}
				d.close("g/manifest.mpd", mpd(0, -1))
				time.Sleep(3 * time.Second)
				if again {
					d.end()
					<-ended
					d.restart()
					d.start()
				}
				away.Store(true)
				d.segments("b", 0)
				for _, p := range inits {
					d.write(p, "run b")
				}
				d.close("g/manifest.mpd", mpd(0, 0))
				settle()
				for _, p := range inits {
					d.remove(p)
				}
				away.Store(false)
				time.Sleep(time.Minute)
				if f, _ := d.up.Figures(t.Context()); f.Lost != 2 {
					t.Errorf("%d init segments are counted as lost, want 2", f.Lost)
				}
			})
		})
	}
}

// After a restart, an init segment that only the spool has may be known before the manifest that names it. When the stream starts
// anew before that init segment is looked for, the manifest does not get the new run's.
func TestOldRunIsNotPublishedWithANewInitSegmentAfterARestart(t *testing.T) {
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	s := newSchedule(8, 2, began, slog.New(slog.DiscardHandler))
	src := New(Settings{Workers: 8}, slog.New(slog.DiscardHandler)).Source(t.TempDir(), dashLayout, &Destination{}, nobodyExpects{})
	const manifest, init, segment = "g/manifest.mpd", "g/s/video/1/seg_init.mp4", "g/s/video/1/segment_0.m4s"
	read := func(content string, now time.Time, segments ...string) {
		s.manifestClosed(src, manifest, reading{
			refs: append([]string{init}, segments...),
			snapshot: &snapshot{content: []byte(content), sum: sha256.Sum256([]byte(content)), others: 1,
				parsed: media.Manifest{Segments: len(segments)}, modTime: now, readAt: now},
		}, now)
	}
	version := func(inode uint64) media.Version {
		return media.Version{Size: 9, ModTime: at(time.Duration(inode)), Inode: inode}
	}

	s.chunkKept(src, init, version(1), at(time.Second))
	s.chunkClosed(src, segment, version(2), at(2*time.Second))
	read("run a", at(3*time.Second), segment)
	s.sweep(at(4 * time.Second))
	s.chunkClosed(src, init, version(3), at(5*time.Second)) // and that the one before was deleted was never reported
	read("run b", at(5*time.Second))
	for d := 6 * time.Second; d < 8*time.Second; d += 100 * time.Millisecond {
		for j, ok := s.next(at(d)); ok; j, ok = s.next(at(d)) {
			if j.snapshot != nil && string(j.snapshot.content) == "run a" {
				t.Fatal("the manifest of the run before is published")
			}
			s.done(result{job: j}, at(d))
		}
	}
	if !src.files[init].confirmed {
		t.Fatal("nothing is uploaded")
	}
}

// A segment that was deleted before the manifest was read that names it does not come back: what has its name next is of another
// run, also if nobody remembers the one before.
func TestOldRunIsNotPublishedWithASegmentThatWasAwayWhenItWasRead(t *testing.T) {
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	s := newSchedule(8, 2, began, slog.New(slog.DiscardHandler))
	src := New(Settings{Workers: 8}, slog.New(slog.DiscardHandler)).Source(t.TempDir(), hdsLayout, &Destination{}, nobodyExpects{})
	version := func(inode uint64) media.Version {
		return media.Version{Size: 9, ModTime: at(time.Duration(inode)), Inode: inode}
	}
	read := func(content string, now time.Time, refs []string, onDisk []media.Version) {
		s.manifestClosed(src, "g/s/bootstrap", reading{refs: refs, onDisk: onDisk, snapshot: &snapshot{content: []byte(content),
			sum: sha256.Sum256([]byte(content)), parsed: media.Manifest{Segments: len(refs)}, modTime: now, readAt: now}}, now)
	}

	s.chunkClosed(src, "g/s/f4vSeg1-Frag2", version(2), at(time.Second))
	read("run a", at(2*time.Second), []string{"g/s/f4vSeg1-Frag1", "g/s/f4vSeg1-Frag2"}, []media.Version{{}, version(2)})
	s.chunkClosed(src, "g/s/f4vSeg1-Frag1", version(3), at(3*time.Second))
	read("run b", at(3*time.Second), []string{"g/s/f4vSeg1-Frag1", "g/s/f4vSeg1-Frag9"}, []media.Version{version(3), version(9)})
	for d := 4 * time.Second; d < 9*time.Second; d += 100 * time.Millisecond {
		for j, ok := s.next(at(d)); ok; j, ok = s.next(at(d)) {
			if j.snapshot != nil {
				t.Fatalf("the manifest of %s is published", j.snapshot.content)
			}
			s.done(result{job: j}, at(d))
		}
	}
	if !src.files["g/s/f4vSeg1-Frag1"].confirmed || !src.files["g/s/f4vSeg1-Frag2"].confirmed {
		t.Fatal("not all is uploaded")
	}
}

// A fragment that was given up is in no manifest's way: while it is uploaded after all, viewers may get it. When it is written once
// more meanwhile, the next manifest waits until no cache has the first one.
func TestManifestWaitsForCachesOfAFragmentThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fragment, bootstrap = "g/s/f4vSeg1-Frag1", "g/s/bootstrap"
		d := newDeskFor(t, hdsLayout, Settings{})
		d.bucket.mayMiss[fragment] = true
		goOn := make(chan struct{})
		var uploaded, published time.Time
		d.bucket.before = func(_ context.Context, key string) error {
			switch {
			case key == fragment && d.bucket.count(key) == 1:
				<-goOn
			case key == fragment:
				uploaded = time.Now()
			case key == bootstrap:
				published = time.Now()
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "x"))
		d.close(bootstrap, abst(1, 1))
		time.Sleep(10 * time.Second)
		if d.bucket.content(bootstrap) == "" {
			t.Fatal("the bootstrap waits for a fragment that was never there")
		}
		d.fragment("first", 1)
		settle() // it is in flight
		d.remove(fragment)
		d.fragment("second", 1)
		d.fragment("second", 2)
		d.close(bootstrap, abst(1, 2))
		settle()
		close(goOn)
		time.Sleep(10 * time.Second)
		if d.bucket.content(bootstrap) != abst(1, 2) || uploaded.IsZero() {
			t.Fatal("the new bootstrap is not published")
		}
		if waited := published.Sub(uploaded); waited < returnedCacheTime {
			t.Errorf("it is published %v after the fragment got other content", waited)
		}
	})
}

// Of what waits of a run, nothing is published with an init segment of the next one, whatever is known of its own.
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
		before func(s *schedule, src *Source)      // that
		then   func(s *schedule, src *Source) bool // and after it
	}{
		{"it was gone, and never seen", media.Version{}, nil, nil},
		{"it was there, and its closing never reported", version(1), nil, nil},
		{"only the spool had it, and has given it up", media.Version{}, func(s *schedule, src *Source) {
			s.chunkKept(src, init, version(1), at(time.Second))
			s.evicted(src, init)
			s.releaseUnnamed(at(-time.Hour))
			clear(s.unnamed)
		}, nil},
		{"it was uploaded", version(1), func(s *schedule, src *Source) { s.chunkClosed(src, init, version(1), at(time.Second)) }, nil},
		{"it was asked for, and is absent", media.Version{}, nil, func(s *schedule, src *Source) bool {
			s.absent(src, init)
			return true
		}},
		{"the same manifest is read once more", version(1), nil, func(s *schedule, src *Source) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSchedule(8, 2, began, slog.New(slog.DiscardHandler))
			src := New(Settings{Workers: 8}, slog.New(slog.DiscardHandler)).Source(t.TempDir(), dashLayout, &Destination{}, nobodyExpects{})
			read := func(content string, written, now time.Duration, inits media.Version, segments ...string) {
				onDisk := []media.Version{inits}
				for range segments {
					onDisk = append(onDisk, version(2))
				}
				s.manifestClosed(src, manifest, reading{refs: append([]string{init}, segments...), onDisk: onDisk,
					snapshot: &snapshot{content: []byte(content), sum: sha256.Sum256([]byte(content)), others: 1,
						parsed: media.Manifest{Segments: len(segments)}, modTime: at(written), readAt: at(now)}}, at(now))
			}
			if c.before != nil {
				c.before(s, src)
			}
			s.chunkClosed(src, segment, version(2), at(2*time.Second))
			read("run a", 3*time.Second, 4*time.Second, c.onDisk, segment)
			if c.then != nil && !c.then(s, src) {
				read("run a", 3*time.Second, 5*time.Second, c.onDisk, segment)
			}
			s.chunkClosed(src, init, version(6), at(6*time.Second))
			read("run b", 7*time.Second, 7*time.Second, version(6), segment, "g/s/video/1/segment_4000.m4s")
			for d := 8 * time.Second; d < 15*time.Second; d += 100 * time.Millisecond {
				for j, ok := s.next(at(d)); ok; j, ok = s.next(at(d)) {
					if j.snapshot != nil && string(j.snapshot.content) == "run a" {
						t.Fatal("the manifest of the run before is published")
					}
					s.done(result{job: j}, at(d))
				}
			}
			if !src.files[init].confirmed {
				t.Fatal("nothing is uploaded")
			}
		})
	}
}
