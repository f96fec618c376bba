package uploader

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/publish"
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
		if waited := published.Sub(uploaded); waited < publish.ReturnedCacheTime {
			t.Errorf("it is published %v after the fragment got other content", waited)
		}
	})
}
