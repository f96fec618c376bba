package uploader

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// abst returns a bootstrap of n fragments from first on, of 4 s each, in EMS's form. The stream's
// clock begins at begin milliseconds.
func abst(first, n int, begin ...int) string {
	at := 4000 * (first - 1)
	for _, ms := range begin {
		at += ms
	}
	be := binary.BigEndian
	box := func(name string, body []byte) []byte {
		return append(append(be.AppendUint32(nil, uint32(8+len(body))), name...), body...)
	}
	segments := append(be.AppendUint32(nil, 0), 0)                                          // version and flags, no qualities
	segments = be.AppendUint32(be.AppendUint32(be.AppendUint32(segments, 1), 1), uint32(n)) // one run: segment 1
	runs := append(be.AppendUint32(be.AppendUint32(nil, 0), 1000), 0)                       // the timescale
	runs = be.AppendUint32(be.AppendUint32(runs, 1), uint32(first))                         // one run
	runs = be.AppendUint32(be.AppendUint64(runs, uint64(at)), 4000)                         // its time and duration
	body := append(be.AppendUint32(be.AppendUint32(nil, 0), 1), 0x20)                       // live
	body = be.AppendUint64(be.AppendUint32(body, 1000), uint64(at+4000*n))                  // CurrentMediaTime
	body = append(be.AppendUint64(body, 0), 0, 0, 0, 0, 0)                                  // no id, servers, qualities, DRM, metadata
	body = append(append(append(append(body, 1), box("asrt", segments)...), 1), box("afrt", runs)...)
	return string(box("abst", body))
}

func f4m(streamType, media string) string {
	return `<?xml version="1.0" encoding="utf-8"?><manifest xmlns="http://ns.adobe.com/f4m/1.0"><id>f4v</id><streamType>` + streamType + `</streamType>` +
		`<bootstrapInfo id="b" profile="named" url="bootstrap"></bootstrapInfo><media bootstrapInfoId="b" url="f4v">` + media + `</media></manifest>`
}

const f4mSet = `<?xml version="1.0" encoding="utf-8"?><manifest xmlns="http://ns.adobe.com/f4m/2.0"><media bitrate="1" href="s/s.f4m"></media></manifest>`

var hdsLayout = media.Layout{Format: media.HDS, Bootstrap: "bootstrap"}

// fragments closes the fragments, with content that tells the run.
func (d *desk) fragment(run string, n int) {
	d.close(fmt.Sprintf("g/s/f4vSeg1-Frag%d", n), fmt.Sprintf("run %s, fragment %d", run, n))
}

func TestHDSFragmentsThenBootstrapThenManifests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.Contains(key, "Frag") {
				time.Sleep(time.Second)
			}
			return nil
		}
		d.start()
		// In EMS's order.
		d.close("g/manifest.f4m", f4mSet)
		d.close("g/s/s.f4m", f4m("live", "start"))
		d.fragment("a", 1)
		d.close("g/s/bootstrap", abst(1, 1))
		settle()
		if keys := d.bucket.keys(); len(keys) != 0 {
			t.Errorf("before the fragment is there, the bucket holds %q", keys)
		}
		time.Sleep(time.Second)
		settle()
		if want := "g/s/f4vSeg1-Frag1 g/s/bootstrap g/s/s.f4m g/manifest.f4m"; d.bucket.order() != want {
			t.Errorf("order of PUTs %q, want %q", d.bucket.order(), want)
		}
		// At the end, the F4M says so: a player that stops asking must have seen the last
		// bootstrap.
		d.fragment("a", 2)
		d.close("g/s/bootstrap", abst(1, 2))
		d.close("g/s/s.f4m", f4m("recorded", "end"))
		time.Sleep(2 * time.Second)
		if want := " g/s/f4vSeg1-Frag2 g/s/bootstrap g/s/s.f4m"; !strings.HasSuffix(d.bucket.order(), want) {
			t.Errorf("order of PUTs %q, want %q at the end", d.bucket.order(), want)
		}
	})
}

// A bootstrap does not say what its fragments are called.
func TestHDSBootstrapWaitsForAnF4M(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.start()
		d.fragment("a", 1)
		d.close("g/s/bootstrap", abst(1, 1))
		time.Sleep(time.Minute)
		if n := len(d.log.lines(slog.LevelWarn, "waits for an F4M")); n != 1 || d.bucket.count("g/s/bootstrap") != 0 {
			t.Errorf("%d warnings, %d PUTs of the bootstrap", n, d.bucket.count("g/s/bootstrap"))
		}
		d.close("g/s/s.f4m", f4m("live", "late"))
		time.Sleep(publish.StartPatience) // it could be the first of a new run
		settle()
		if want := "g/s/f4vSeg1-Frag1 g/s/bootstrap g/s/s.f4m"; d.bucket.order() != want {
			t.Errorf("order of PUTs %q, want %q", d.bucket.order(), want)
		}
		// At a start, files are reported in any order.
		e := newDeskFor(t, hdsLayout, Settings{})
		e.start()
		e.write("g/s/s.f4m", f4m("live", "there already"))
		e.fragment("a", 1)
		e.close("g/s/bootstrap", abst(1, 1))
		settle()
		if want := "g/s/f4vSeg1-Frag1 g/s/bootstrap"; e.bucket.order() != want {
			t.Errorf("order of PUTs %q, want %q", e.bucket.order(), want)
		}
	})
}

// An encoder comes back: EMS numbers from 1 again. No bootstrap of the new run may lead to a
// fragment of the old one.
func TestNamesThatComeBackAreNotServedFromTheRunBefore(t *testing.T) {
	for _, reported := range []string{"before its bootstrap", "after its bootstrap"} {
		t.Run(reported, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, hdsLayout, Settings{})
				d.bucket.mayRestart["g/s/bootstrap"] = true
				var newRun atomic.Bool
				d.bucket.before = func(_ context.Context, key string) error {
					time.Sleep(100 * time.Millisecond)
					if key == "g/s/s.f4m" && newRun.Load() && d.bucket.content("g/s/bootstrap") != abst(1, 1, 7) {
						t.Error("the new F4M is put while the bootstrap is the old one")
					}
					if key == "g/s/bootstrap" && newRun.Load() && d.bucket.content("g/s/f4vSeg1-Frag1") != "run b, fragment 1" {
						t.Errorf("the new bootstrap is put while fragment 1 is %q", d.bucket.content("g/s/f4vSeg1-Frag1"))
					}
					return nil
				}
				d.start()
				d.close("g/s/s.f4m", f4m("live", "run a"))
				d.fragment("a", 1)
				d.close("g/s/bootstrap", abst(1, 1))
				time.Sleep(4 * time.Second)
				d.fragment("a", 2)
				d.close("g/s/bootstrap", abst(1, 2))
				time.Sleep(4 * time.Second)
				newRun.Store(true)
				d.close("g/s/s.f4m", f4m("live", "run b"))
				time.Sleep(4 * time.Second)
				began := time.Now()
				d.write("g/s/f4vSeg1-Frag1", "run b, fragment 1")
				if reported == "before its bootstrap" {
					d.closed("g/s/f4vSeg1-Frag1")
				}
				d.close("g/s/bootstrap", abst(1, 1, 7))
				if reported == "after its bootstrap" {
					time.Sleep(50 * time.Millisecond) // the watcher lets it settle
					d.closed("g/s/f4vSeg1-Frag1")
				}
				for d.bucket.count("g/s/bootstrap") < 3 && time.Since(began) < time.Minute {
					time.Sleep(10 * time.Millisecond)
				}
				// Caches may keep the old fragment for so long.
				if waited := time.Since(began); waited < publish.ReturnedCacheTime || waited > publish.ReturnedCacheTime+time.Second {
					t.Errorf("the new bootstrap is put after %v", waited)
				}
				if h := d.bucket.header("g/s/f4vSeg1-Frag1"); h != "video/f4f; public, max-age=2" {
					t.Errorf("a fragment whose name comes back has the headers %q", h)
				}
			})
		})
	}
}

// What waits of a run whose names stand for other content now is not published any more.
func TestOldRunIsNotPublishedWithTheNamesOfTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.bucket.mayRestart["g/s/bootstrap"] = true
		slow := make(chan struct{})
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/f4vSeg1-Frag3" {
				<-slow
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "run a"))
		for n := 1; n <= 3; n++ {
			d.fragment("a", n)
			d.close("g/s/bootstrap", abst(1, n))
			settle()
		}
		for n := 1; n <= 2; n++ {
			d.fragment("b", n)
			d.close("g/s/bootstrap", abst(1, n, 7))
		}
		close(slow)
		time.Sleep(time.Minute)
		if got, want := d.bucket.count("g/s/bootstrap"), 3; got != want {
			t.Errorf("%d PUTs of the bootstrap, want %d: two of the first run and the last", got, want)
		}
		if d.bucket.content("g/s/bootstrap") != abst(1, 2, 7) {
			t.Errorf("the bucket ends with %q", d.bucket.content("g/s/bootstrap"))
		}
	})
}

// The same, where only the fragments on disk tell that there is a new run: it has more of them
// already.
func TestOldRunIsNotPublishedWhenTheNewOneHasOvertakenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.bucket.mayRestart["g/s/bootstrap"] = true
		slow := map[string]chan struct{}{"g/s/f4vSeg1-Frag3": make(chan struct{}), "g/s/f4vSeg1-Frag4": make(chan struct{})}
		d.bucket.before = func(_ context.Context, key string) error {
			if c := slow[key]; c != nil {
				<-c
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "run a"))
		for n := 1; n <= 3; n++ {
			d.fragment("a", n)
			d.close("g/s/bootstrap", abst(1, n))
			settle()
		}
		time.Sleep(time.Second)
		for n := 1; n <= 4; n++ {
			d.fragment("b", n)
		}
		d.close("g/s/bootstrap", abst(1, 4, 7))
		close(slow["g/s/f4vSeg1-Frag3"])
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/bootstrap") != abst(1, 2) {
			t.Error("a bootstrap of the first run is put after fragments of the second")
		}
		close(slow["g/s/f4vSeg1-Frag4"])
		settle()
		if d.bucket.content("g/s/bootstrap") != abst(1, 4, 7) {
			t.Error("the second run does not arrive")
		}
	})
}

// One stream of a group that is stuck does not keep a group's manifest from naming another one.
func TestHDSStreamThatIsStuckDoesNotHoldUpItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		v1 := func(streams ...string) string {
			text := `<manifest xmlns="http://ns.adobe.com/f4m/1.0"><streamType>live</streamType>`
			for _, s := range streams {
				text += fmt.Sprintf(`<bootstrapInfo id="%[1]s" url="%[1]s/bootstrap"/><media bootstrapInfoId="%[1]s" url="%[1]s/f4v"/>`, s)
			}
			return text + "</manifest>"
		}
		var stuck atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if stuck.Load() && strings.HasPrefix(key, "g/s/f4v") {
				return fmt.Errorf("403 AccessDenied: %w", ErrPermanent)
			}
			return nil
		}
		d.start()
		d.close("g/manifest_v1.f4m", v1("s"))
		d.fragment("a", 1)
		d.close("g/s/bootstrap", abst(1, 1))
		settle()
		stuck.Store(true)
		d.fragment("a", 2)
		d.close("g/s/bootstrap", abst(1, 2))
		d.close("g/t/f4vSeg1-Frag1", "x")
		d.close("g/manifest_v1.f4m", v1("s", "t"))
		d.close("g/t/bootstrap", abst(1, 1))
		time.Sleep(publish.SiblingPatience + time.Second)
		if got := d.bucket.content("g/manifest_v1.f4m"); got != v1("s", "t") {
			t.Errorf("the bucket has %q", got)
		}
	})
}

// mpd returns an MPD in EMS's form: one representation each of video and audio.
func mpd(first, last int) string {
	text := `<?xml version="1.0"?><MPD type="dynamic" xmlns="urn:mpeg:dash:schema:mpd:2011"><Period start="PT0S">`
	for _, track := range []string{"video", "audio"} {
		text += fmt.Sprintf(`<AdaptationSet><Representation bandwidth="1" id="%[1]s"><SegmentTemplate initialization="s/%[1]s/1/seg_init.mp4" media="s/%[1]s/1/segment_$Time$.m4s" timescale="1000"><SegmentTimeline>`, track)
		for n := first; n <= last; n++ {
			text += fmt.Sprintf(`<S d="4000" t="%d"/>`, 4000*n)
		}
		text += `</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>`
	}
	return text + "</Period></MPD>"
}

var dashLayout = media.Layout{Format: media.DASH}

func (d *desk) segments(run string, n int) {
	for _, track := range []string{"video", "audio"} {
		d.close(fmt.Sprintf("g/s/%s/1/segment_%d.m4s", track, 4000*n), fmt.Sprintf("run %s, %s %d", run, track, n))
	}
}

func TestDASHLiveEdgeFirstAcrossDirectories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{Workers: 4}) // one for each stream
		d.bucket.before = func(context.Context, string) error { time.Sleep(time.Second); return nil }
		for n := range 30 { // found by the first scan
			d.write(fmt.Sprintf("g/s/video/1/segment_%d.m4s", 4000*n), "x")
			d.write(fmt.Sprintf("g/s/audio/1/segment_%d.m4s", 4000*n), "x")
		}
		d.write("g/s/video/1/seg_init.mp4", "init")
		d.write("g/s/audio/1/seg_init.mp4", "init")
		d.start()
		for n := range 30 {
			d.closed(fmt.Sprintf("g/s/video/1/segment_%d.m4s", 4000*n))
			d.closed(fmt.Sprintf("g/s/audio/1/segment_%d.m4s", 4000*n))
		}
		d.close("g/manifest.mpd", mpd(25, 29))
		time.Sleep(15 * time.Second)
		if d.bucket.content("g/manifest.mpd") != mpd(25, 29) {
			t.Errorf("after the time for 15 requests, 12 of which the manifest needs, there are %q", d.bucket.order())
		}
		time.Sleep(time.Minute)
		if n := len(d.bucket.keys()); n != 63 {
			t.Errorf("%d objects at the end, want 63", n)
		}
	})
}

// When a stream starts again, EMS writes the manifest, which names nothing but the init segments,
// and then those.
func TestDASHNewStartWaitsForItsInitSegments(t *testing.T) {
	for name, told := range map[string]bool{"told by the watcher": true, "found when it is read again": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, dashLayout, Settings{})
				d.bucket.mayRestart["g/manifest.mpd"] = true
				var newRun atomic.Bool
				d.bucket.before = func(_ context.Context, key string) error {
					if got := d.bucket.content("g/s/video/1/seg_init.mp4"); key == "g/manifest.mpd" && newRun.Load() && got != "run b" {
						t.Errorf("the new manifest is put while the init segment is %q", got)
					}
					return nil
				}
				d.start()
				inits := func(run string, told bool) {
					for _, track := range []string{"video", "audio"} {
						d.write("g/s/"+track+"/1/seg_init.mp4", run)
						if told {
							d.closed("g/s/" + track + "/1/seg_init.mp4")
						}
					}
				}
				d.close("g/manifest.mpd", mpd(0, -1))
				settle() // it is seen that the init segments are not there
				inits("run a", true)
				time.Sleep(4 * time.Second)
				if lines := d.log.lines(slog.LevelWarn, ""); len(lines) > 0 {
					t.Errorf("warnings at a normal start: %q", lines)
				}
				if n := d.bucket.count("g/manifest.mpd"); n != 1 {
					t.Errorf("%d PUTs of the manifest that names init segments only, want 1", n)
				}
				for n := range 3 {
					d.segments("a", n)
					d.close("g/manifest.mpd", mpd(0, n))
					time.Sleep(4 * time.Second)
				}
				newRun.Store(true)
				d.close("g/manifest.mpd", mpd(0, -1))
				time.Sleep(5 * time.Millisecond)
				inits("run b", told)
				time.Sleep(4 * time.Second)
				if d.bucket.content("g/manifest.mpd") != mpd(0, -1) {
					t.Errorf("4 s after the new start, the bucket has %q", d.bucket.content("g/manifest.mpd"))
				}
				d.segments("b", 0)
				d.close("g/manifest.mpd", mpd(0, 0))
				time.Sleep(3 * time.Second)
				if d.bucket.content("g/manifest.mpd") != mpd(0, 0) || d.bucket.content("g/s/audio/1/segment_0.m4s") != "run b, audio 0" {
					t.Errorf("the bucket ends with %q and %q", d.bucket.content("g/manifest.mpd"), d.bucket.content("g/s/audio/1/segment_0.m4s"))
				}
			})
		})
	}
}

// EMS deletes all of a run in one burst when the next one starts: what was not uploaded by then,
// and finds no room in the spool, can never arrive, and a manifest that names it is not published.
func TestManifestOfARunThatWasCleanedUpIsNotPublishedWithHoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{SpoolMax: 1})
		d.bucket.mayRestart["g/manifest.mpd"] = true
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.HasSuffix(key, "segment_8000.m4s") {
				return errors.New("connection reset")
			}
			return nil
		}
		d.start()
		for _, track := range []string{"video", "audio"} {
			d.close("g/s/"+track+"/1/seg_init.mp4", "init")
		}
		for n := range 3 {
			d.segments("a", n)
			d.close("g/manifest.mpd", mpd(0, n))
			time.Sleep(4 * time.Second)
		}
		d.remove("g/manifest.mpd")
		for n := range 3 {
			d.remove(fmt.Sprintf("g/s/video/1/segment_%d.m4s", 4000*n))
			d.remove(fmt.Sprintf("g/s/audio/1/segment_%d.m4s", 4000*n))
		}
		time.Sleep(3 * time.Minute) // the bucket would have complained
		if d.bucket.content("g/manifest.mpd") != mpd(0, 1) {
			t.Errorf("the bucket has %q", d.bucket.content("g/manifest.mpd"))
		}
		if n := len(d.log.lines(slog.LevelWarn, "manifest is dropped")); n != 1 {
			t.Errorf("%d lines say that the manifest is given up, want 1: %q", n, d.log.lines(slog.LevelWarn, ""))
		}
	})
}

func ismc(first, last int) string {
	text := `<SmoothStreamingMedia IsLive="TRUE" TimeScale="1000"><StreamIndex Type="video" Url="s/video/{bitrate}/{start_time}.fmp4"><QualityLevel Bitrate="1"/>`
	for n := first; n <= last; n++ {
		text += fmt.Sprintf(`<c d="6000" t="%d"/>`, 6000*n)
	}
	return text + "</StreamIndex></SmoothStreamingMedia>"
}

// EMS changes an MSS chunk once more, two chunks later, just before the manifest names it: it is
// sent once, as it is then. The last two of a stream never are; they are sent in the end, too.
func TestMSSChunkIsSentOnceAsItsManifestNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.MSS}, Settings{})
		d.start()
		chunk := func(n int, state string) {
			d.close(fmt.Sprintf("g/s/video/1/%d.fmp4", 6000*n), fmt.Sprintf("chunk %d %s", n, state))
		}
		for n := range 10 {
			if n >= 2 {
				// The watcher reports the manifest at once, and the chunks when they have settled.
				p := fmt.Sprintf("g/s/video/1/%d.fmp4", 6000*(n-2))
				d.write(p, fmt.Sprintf("chunk %d patched", n-2))
				d.close("g/manifest.ismc", ismc(max(0, n-6), n-2))
				settle()
				d.closed(p)
			}
			chunk(n, "whole")
			settle()
			if want := ismc(max(0, n-6), n-2); n >= 2 && d.bucket.content("g/manifest.ismc") != want {
				t.Errorf("after chunk %d, the bucket has %q", n, d.bucket.content("g/manifest.ismc"))
			}
			time.Sleep(6 * time.Second)
		}
		time.Sleep(publish.LateSettle)
		for n := range 10 {
			key, want := fmt.Sprintf("g/s/video/1/%d.fmp4", 6000*n), fmt.Sprintf("chunk %d patched", n)
			if n >= 8 {
				want = fmt.Sprintf("chunk %d whole", n)
			}
			if d.bucket.content(key) != want || d.bucket.count(key) != 1 {
				t.Errorf("%s is %q after %d PUTs, want %q after one", key, d.bucket.content(key), d.bucket.count(key), want)
			}
		}
	})
}

// A patch that comes when viewers have the chunk already holds no one up, and does arrive.
func TestMSSLatePatchDoesNotHoldUpManifests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.MSS}, Settings{})
		var failing atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if failing.Load() && key == "g/s/video/1/0.fmp4" {
				return fmt.Errorf("400 BadRequest: %w", ErrPermanent)
			}
			return nil
		}
		d.start()
		d.close("g/s/video/1/0.fmp4", "whole")
		d.close("g/manifest.ismc", ismc(0, 0))
		time.Sleep(publish.SiblingPatience) // no patch comes
		settle()
		failing.Store(true)
		d.close("g/s/video/1/0.fmp4", "patched")
		d.close("g/s/video/1/6000.fmp4", "whole")
		d.close("g/manifest.ismc", ismc(0, 1))
		time.Sleep(publish.SiblingPatience)
		settle()
		if d.bucket.content("g/manifest.ismc") != ismc(0, 1) {
			t.Errorf("the manifest waits for the patch: %q", d.bucket.content("g/manifest.ismc"))
		}
		failing.Store(false)
		time.Sleep(2 * publish.RefusedProbe)
		if got := d.bucket.content("g/s/video/1/0.fmp4"); got != "patched" {
			t.Errorf("the bucket has %q", got)
		}
	})
}

// A few bytes can claim billions of fragments.
func TestManifestThatClaimsTooMuchIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.start()
		d.close("g/s/s.f4m", f4m("live", "x"))
		d.close("g/s/bootstrap", abst(1, media.MaxReferences+1))
		settle()
		if n := len(d.log.lines(slog.LevelError, "manifest is not published")); n == 0 || d.names() > 3 {
			t.Errorf("%d warnings, %d files known", n, d.names())
		}
	})
}

var recordings = media.Layout{Format: media.Recording}

// Gigabytes are not sent again because the daemon was started again.
func TestRecordingThatTheBucketHasIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.start()
		for _, name := range []string{"same.mp4", "resized.mp4", "retimed.mp4", "new.mp4"} {
			d.write(name, "content")
			fi, err := os.Stat(filepath.Join(d.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if name != "new.mp4" {
				d.bucket.objects[name] = []byte("content")
				d.bucket.modTimes[name] = fi.ModTime()
			}
		}
		d.bucket.objects["resized.mp4"] = []byte("other")
		d.bucket.modTimes["retimed.mp4"] = d.bucket.modTimes["retimed.mp4"].Add(-time.Nanosecond)
		for _, name := range []string{"same.mp4", "resized.mp4", "retimed.mp4", "new.mp4"} {
			d.closed(name)
		}
		settle()
		got := strings.Fields(d.bucket.order())
		slices.Sort(got)
		if len(got) != 2 || got[0] != "new.mp4" || !strings.HasPrefix(got[1], "resized-") {
			t.Errorf("sent: %q", got)
		}
		if !d.bucket.resumable["new.mp4"] {
			t.Error("a recording is not sent in parts that outlive the process")
		}
	})
}

// Recordings have workers of their own.
func TestRecordingsDoNotHoldUpLiveChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 1, BulkWorkers: 2})
		r := d.up.Source(d.dir+"/rec", recordings, d.dest, silentExpecter{})
		release := make(chan struct{})
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.HasSuffix(key, ".mp4") {
				<-release
			}
			return nil
		}
		d.start()
		for n := range 10 {
			name := fmt.Sprintf("%d.mp4", n)
			d.write("rec/"+name, "x")
			fi, _ := os.Stat(filepath.Join(d.dir, "rec", name))
			r.Closed(d.ctx, name, media.VersionOf(fi))
		}
		d.live("g/s", 1, 5, time.Second)
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 1 || d.bucket.content("g/s/5.ts") == "" {
			t.Errorf("with %d recordings on their way, the bucket has %q", d.bucket.atMost(), d.bucket.keys())
		}
		if most := d.bucket.atMost(); most > 3 {
			t.Errorf("%d requests at once", most)
		}
		close(release)
		settle()
		if n := len(d.bucket.keys()); n != 5+1+10 {
			t.Errorf("%d objects at the end", n)
		}
	})
}

// A stop does not wait for hours until gigabytes are up; the next start goes on.
func TestRecordingInFlightAtTheStopIsLoggedAsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.bucket.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		ended := d.start()
		d.write("r.mp4", "x")
		if err := os.Truncate(filepath.Join(d.dir, "r.mp4"), 1<<30); err != nil { // may take hours
			t.Fatal(err)
		}
		d.closed("r.mp4")
		settle()
		d.end()
		<-ended
		if lines := d.log.lines(slog.LevelWarn, "stopped before everything was published chunks=1 manifests=0 one_of_them=r.mp4"); len(lines) != 1 {
			t.Errorf("what is left is not said: %q", d.log.lines(slog.LevelInfo, ""))
		}
	})
}

func TestRecordingIsDeletedFromTheDiskOnlyIfItEqualsItsObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.dest.DeleteLocal, d.dest.DeleteLocalAfter = true, time.Hour
		d.start()
		onDisk := func(name string) bool {
			_, err := os.Stat(filepath.Join(d.dir, name))
			return err == nil
		}
		for _, name := range []string{"good.mp4", "spoilt.mp4", "rewritten.mp4", "incomparable.mp4"} {
			d.close(name, "content of "+name)
		}
		d.bucket.incomparable["incomparable.mp4"] = true
		time.Sleep(59 * time.Minute)
		if !onDisk("good.mp4") {
			t.Fatal("deleted before its time")
		}
		d.bucket.mu.Lock()
		d.bucket.objects["spoilt.mp4"] = []byte("content of spoilt.mp3")
		d.bucket.mu.Unlock()
		d.close("rewritten.mp4", "other content")
		time.Sleep(10 * time.Minute)
		if onDisk("good.mp4") || !onDisk("spoilt.mp4") || !onDisk("rewritten.mp4") || !onDisk("incomparable.mp4") {
			t.Errorf("on disk: good %v, spoilt %v, rewritten %v, incomparable %v", onDisk("good.mp4"), onDisk("spoilt.mp4"),
				onDisk("rewritten.mp4"), onDisk("incomparable.mp4"))
		}
		time.Sleep(2 * time.Hour)
		if onDisk("spoilt.mp4") || d.bucket.content("spoilt.mp4") != "content of spoilt.mp4" {
			t.Errorf("an object that was spoilt is %q", d.bucket.content("spoilt.mp4"))
		}
		if onDisk("rewritten.mp4") || d.bucket.content("rewritten.mp4") != "content of rewritten.mp4" || !slices.Contains(d.bucket.contents(), "other content") {
			t.Errorf("of a file that was rewritten, the bucket has %q", d.bucket.contents())
		}
		if n := len(d.log.lines(slog.LevelWarn, "cannot be compared")); n != 1 || !onDisk("incomparable.mp4") {
			t.Errorf("%d warnings about what cannot be compared", n)
		}
	})
}

// Only what is surely a recording of ours that is gone is cleared up: the bucket may have other
// users.
func TestAbandonedUploadsAreAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		dest := &Destination{Store: d.bucket, Destination: publish.Destination{Bucket: "b", Prefix: "rec/"}}
		d.up.Source(d.dir+"/recordings", recordings, dest, silentExpecter{})
		d.write("recordings/there.mp4", "x")
		d.write("recordings/sub/there.mp4", "x")
		d.write("rec/live.ts", "x")
		keep := []string{
			"rec/there.mp4", "rec/sub/there.mp4", "rec/live.ts", // on disk, the last one as a live chunk
			"rec/other/gone.mp4",   // there is no such directory here
			"rec/sub/database.bak", // no recording
			"other/gone.mp4",       // below another prefix
		}
		d.bucket.unfinished = append(slices.Clone(keep), "rec/gone.mp4", "rec/sub/gone.ts")
		d.start()
		settle()
		if left := d.bucket.left(); !slices.Equal(left, keep) {
			t.Errorf("left are %q", left)
		}
		d.bucket.mu.Lock()
		d.bucket.unfinished = append(d.bucket.unfinished, "rec/later.mp4")
		d.bucket.mu.Unlock()
		time.Sleep(abandonedCheck + time.Minute)
		if left := d.bucket.left(); !slices.Equal(left, keep) {
			t.Errorf("a day later, left are %q", left)
		}
	})
}

// When a DASH stream is restarted, EMS writes the manifest twice, and then the init segments.
func TestDASHManifestOfANewStartThatIsClosedTwiceWaitsForItsInitSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		d.bucket.mayRestart["g/manifest.mpd"] = true
		inits := []string{"g/s/video/1/seg_init.mp4", "g/s/audio/1/seg_init.mp4"}
		var newRun atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if got := d.bucket.content(inits[0]); key == "g/manifest.mpd" && newRun.Load() && got != "run b" {
				t.Errorf("the new manifest is put while the init segment is %q", got)
			}
			return nil
		}
		d.start()
		for _, p := range inits {
			d.close(p, "run a")
		}
		d.segments("a", 0)
		d.close("g/manifest.mpd", mpd(0, 0))
		time.Sleep(4 * time.Second)
		newRun.Store(true)
		d.close("g/manifest.mpd", mpd(0, -1))
		d.close("g/manifest.mpd", mpd(0, -1))
		time.Sleep(5 * time.Millisecond)
		for _, p := range inits {
			d.close(p, "run b")
		}
		time.Sleep(4 * time.Second)
		if d.bucket.content("g/manifest.mpd") != mpd(0, -1) {
			t.Errorf("4 s after the new start, the bucket has %q", d.bucket.content("g/manifest.mpd"))
		}
	})
}
