package uploader

import (
	"context"
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

const dashManifest = "g/manifest.mpd"

var dashTracks = []string{"video", "audio"}

// newRunsDesk returns a desk for DASH on which streams may return.
func newRunsDesk(t *testing.T) *desk {
	d := newDeskFor(t, dashLayout, Settings{})
	d.dest.ReconnectWindow = time.Minute
	d.dest.now.Store(&terms{window: time.Minute})
	d.bucket.mayRestart[dashManifest] = true // its times are those of the first Period
	return d
}

// An emsRun is a run of the stream g/s.
type emsRun struct {
	*desk
	what  string
	began time.Time
}

func (r *emsRun) mpd(first, last int) string {
	began := r.began.UTC().Format(time.RFC3339)
	return strings.Replace(mpd(first, last), `type="dynamic"`, `type="dynamic" availabilityStartTime="`+began+`"`, 1)
}

func (r *emsRun) name() string { return media.RunName(r.began) }

func dashChunk(track string, n int) string {
	return fmt.Sprintf("g/s/%s/1/segment_%d.m4s", track, 4000*n)
}

func dashInit(track string) string { return "g/s/" + track + "/1/seg_init.mp4" }

// content is what the chunk has.
func (r *emsRun) content(track string, n int) string {
	return fmt.Sprintf("run %s, %s %d", r.what, track, n)
}

// begin begins a run as EMS does: the manifest, which names nothing but the init segments, and then
// those.
func (d *desk) begin(what string) *emsRun {
	r := &emsRun{d, what, time.Now().Truncate(time.Second)}
	d.placed(dashManifest, r.mpd(0, -1))
	time.Sleep(5 * time.Millisecond)
	for _, track := range dashTracks {
		d.placed(dashInit(track), "run "+what+" "+track)
	}
	return r
}

// place writes a file at once: what is expected is looked at in the meantime, and the watcher, which would
// not report a file that is being written, is none here.
func (d *desk) place(name, content string) {
	d.t.Helper()
	d.write(name+".tmp", content)
	if err := os.Rename(filepath.Join(d.dir, name+".tmp"), filepath.Join(d.dir, name)); err != nil {
		d.t.Fatal(err)
	}
}

// placed is place, and reports the file closed.
func (d *desk) placed(name, content string) {
	d.t.Helper()
	d.place(name, content)
	d.closed(name)
}

// chunks writes chunks, the last five of which are listed. The manifest is closed just before the chunks
// that it names last.
func (r *emsRun) chunks(first, last int) {
	for n := first; n <= last; n++ {
		time.Sleep(4 * time.Second)
		for _, track := range dashTracks {
			if err := os.Remove(filepath.Join(r.dir, dashChunk(track, n))); err == nil {
				r.report(func() { r.src.Removed(r.ctx, dashChunk(track, n)) })
			}
			r.place(dashChunk(track, n), r.content(track, n))
		}
		r.placed(dashManifest, r.mpd(max(0, n-4), n))
		for _, track := range dashTracks {
			r.closed(dashChunk(track, n))
		}
	}
}

// wantObjects tests that the bucket has the chunks under the name of their run.
func (r *emsRun) wantObjects(first, last int) {
	r.t.Helper()
	for _, track := range dashTracks {
		want := map[string]string{dashInit(track): "run " + r.what + " " + track}
		for n := first; n <= last; n++ {
			want[dashChunk(track, n)] = r.content(track, n)
		}
		for p, content := range want {
			key := media.InRun(p, r.name())
			if got := r.bucket.content(key); got != content {
				r.t.Errorf("%s has %q, want %q", key, got, content)
			}
			if header := r.bucket.header(key); !strings.HasSuffix(header, "immutable") {
				r.t.Errorf("%s has %q", key, header)
			}
		}
	}
}

// wantPeriods tests how the published manifest begins its Periods, which are of these runs.
func (d *desk) wantPeriods(runs ...*emsRun) {
	d.t.Helper()
	content := d.bucket.content(dashManifest)
	at := 0
	for _, r := range runs {
		i := strings.Index(content[at:], "s/video/1/"+r.name()+"/segment_$Time$")
		if i < 0 {
			d.t.Errorf("run %s has no Period where it should be in\n%s", r.what, content)
			return
		}
		at += i
	}
	if n := strings.Count(content, "<Period"); n != len(runs) {
		d.t.Errorf("%d Periods, want %d in\n%s", n, len(runs), content)
	}
}

// wantOnce tests that no chunk was sent twice, and none without a name of its run.
func (d *desk) wantOnce() {
	d.t.Helper()
	seen := map[string]bool{}
	for _, key := range d.bucket.sent() {
		if _, run := dashLayout.CutRun(key); key != dashManifest && (run == "" || seen[key]) {
			d.t.Errorf("%s is sent; before: %v", key, seen[key])
		}
		seen[key] = true
	}
}

func TestR3AReturnedStreamGoesOnInTheSameMPD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		ended := d.start()
		a := d.begin("a")
		a.chunks(0, 6)
		settle()
		d.wantPeriods(a)
		time.Sleep(8 * time.Second)
		b := d.begin("b")
		time.Sleep(3 * time.Second)
		d.wantPeriods(a) // it has nothing to play yet
		b.chunks(0, 2)
		settle()
		d.wantPeriods(a, b)
		a.wantObjects(0, 6)
		b.wantObjects(0, 2)
		if got := d.bucket.content(dashManifest); !strings.Contains(got, `availabilityStartTime="`+a.began.UTC().Format(time.RFC3339)) ||
			!strings.Contains(got, fmt.Sprintf(`start="PT%vS"`, b.began.Sub(a.began).Seconds())) {
			t.Errorf("the times are not those of the first run:\n%s", got)
		}
		d.wantOnce()
		if lines := d.log.lines(slog.LevelWarn, ""); len(lines) > 0 {
			t.Errorf("warnings: %q", lines)
		}
		if lines := d.log.lines(slog.LevelInfo, "stream returned"); len(lines) != 1 {
			t.Errorf("%q", lines)
		}

		// After a restart the names are the same, and nothing is sent again.
		ended = d.restarted(ended)
		time.Sleep(time.Minute)
		if sent := d.bucket.sent(); len(sent) > 0 {
			t.Errorf("after a restart: PUTs of %q", sent)
		}
		b.desk = d
		b.chunks(3, 3)
		settle()
		d.wantPeriods(a, b)
		b.wantObjects(0, 3)
		d.wantOnce()

		// The daemon is away while the next run begins.
		d.end()
		<-ended
		time.Sleep(time.Second)
		c := &emsRun{d, "c", time.Now().Truncate(time.Second)}
		for _, track := range dashTracks {
			d.place(dashInit(track), "run c "+track)
			time.Sleep(4 * time.Second)
			d.place(dashChunk(track, 0), c.content(track, 0))
		}
		d.place(dashManifest, c.mpd(0, 0))
		d.bucket.mu.Lock()
		d.bucket.puts = nil
		d.bucket.mu.Unlock()
		d.restart()
		d.start()
		d.scan()
		time.Sleep(10 * time.Second)
		d.wantPeriods(a, b, c)
		b.wantObjects(0, 3)
		c.wantObjects(0, 0)
		d.wantOnce()
	})
}

// With reconnect_window = 0, all is published as EMS writes it.
func TestWithoutAWindowNamesOfDASHAreThoseOnTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		d.bucket.mayRestart[dashManifest] = true
		d.start()
		for _, what := range []string{"a", "b"} {
			r := d.begin(what)
			r.chunks(0, 2)
			time.Sleep(10 * time.Second)
			if got := d.bucket.content(dashManifest); got != r.mpd(0, 2) {
				t.Errorf("the manifest is\n%s", got)
			}
			if got := d.bucket.content(dashChunk("video", 1)); got != r.content("video", 1) {
				t.Errorf("the chunk is %q", got)
			}
		}
		if n := len(d.bucket.keys()); n != 9 {
			t.Errorf("there are %q", d.bucket.keys())
		}
		if got := d.bucket.header(dashChunk("video", 1)); !strings.HasSuffix(got, "max-age=2") {
			t.Errorf("headers: %q", got)
		}
	})
}

// R6: a chunk is of its run, also if it is uploaded when another one has its name, and if the daemon
// was killed in between.
func TestR6AChunkThatWaitsStaysInItsRun(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", killed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newRunsDesk(t)
				var away atomic.Bool
				d.bucket.before = func(context.Context, string) error {
					if away.Load() {
						return errors.New("reset")
					}
					return nil
				}
				ended := d.start()
				a := d.begin("a")
				a.chunks(0, 1)
				settle()
				away.Store(true)
				a.chunks(2, 3)
				time.Sleep(3 * time.Second)
				b := d.begin("b")
				b.chunks(0, 3)
				settle()
				if killed {
					d.end()
					<-ended
					time.Sleep(time.Second)
					d.restart()
					d.start()
					d.scan()
					time.Sleep(time.Second)
				}
				away.Store(false)
				time.Sleep(time.Minute)
				a.wantObjects(0, 3)
				b.wantObjects(0, 3)
				d.wantPeriods(a, b)
				if left := mustGlob(t, d.dir, ".ems-sidecar/dash/*/*/*/*/*/*.m4s"); len(left) > 0 {
					t.Errorf("the spool still has %q", left)
				}
			})
		})
	}
}

// The closings of a run's last chunks, and of the next one's first, may be reported in any order with
// those of the manifests.
func TestAChunkIsOfTheRunInWhichItWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		d.start()
		a := d.begin("a")
		a.chunks(0, 1)
		time.Sleep(4 * time.Second)
		for _, track := range dashTracks {
			d.place(dashChunk(track, 2), a.content(track, 2))
		}
		d.placed(dashManifest, a.mpd(0, 2))
		time.Sleep(200 * time.Millisecond) // the encoder is back at once, in the same second or the next
		b := d.begin("b")
		for _, track := range dashTracks {
			d.closed(dashChunk(track, 2))
		}
		time.Sleep(2 * time.Second)
		a.wantObjects(0, 2)
		d.wantPeriods(a)
		if got := d.bucket.content(dashManifest); strings.Count(got, `t="8000"`) != 2 {
			t.Errorf("the last chunk is not listed:\n%s", got)
		}
		b.chunks(0, 1)

		// The other way round: the manifest's closing comes last.
		time.Sleep(8 * time.Second)
		c := &emsRun{d, "c", time.Now().Truncate(time.Second)}
		d.place(dashManifest, c.mpd(0, -1))
		for _, track := range dashTracks {
			d.place(dashInit(track), "run c "+track)
			d.closed(dashInit(track))
			d.placed(dashChunk(track, 0), c.content(track, 0))
		}
		time.Sleep(time.Second)
		c.wantObjects(0, 0)
		d.placed(dashManifest, c.mpd(0, 0))
		time.Sleep(5 * time.Second)
		a.wantObjects(0, 2)
		b.wantObjects(0, 1)
		c.wantObjects(0, 0)
		d.wantPeriods(a, b, c)
		d.wantOnce()
	})
}

// Other writers write the first manifest of a run when its first chunk is whole. What they write before is
// not taken for content of the run before.
func TestNothingOfARunIsReplacedByTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		d.start()
		a := d.begin("a")
		a.chunks(0, 2)
		time.Sleep(4 * time.Second)
		b := &emsRun{d, "b", time.Now().Truncate(time.Second)}
		for _, track := range dashTracks {
			d.placed(dashInit(track), "run b "+track)
			time.Sleep(20 * time.Second)
			d.placed(dashChunk(track, 0), b.content(track, 0))
		}
		a.wantObjects(0, 2)
		d.placed(dashManifest, b.mpd(0, 0))
		time.Sleep(5 * time.Second)
		a.wantObjects(0, 2)
		b.wantObjects(0, 0)
		d.wantPeriods(a, b)
		d.wantOnce()

		// What is changed within a run is uploaded again, when the run goes on.
		b.placed(dashChunk("video", 0), "mended")
		b.chunks(1, 1)
		time.Sleep(5 * time.Second)
		if got := d.bucket.content(media.InRun(dashChunk("video", 0), b.name())); got != "mended" {
			t.Errorf("the chunk is %q", got)
		}
	})
}

// With delete = mirror, what no manifest lists any more is deleted, although other files have the names.
func TestMirrorDeletesTheFilesOfAFormerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		d.mirror()
		d.start()
		a := d.begin("a")
		a.chunks(0, 3)
		time.Sleep(8 * time.Second)
		b := d.begin("b")
		b.chunks(0, 4)
		a.wantObjects(0, 3)
		time.Sleep(overdue)
		a.wantObjects(3, 3) // the last ones are listed until the Period leaves
		d.wantPeriods(a, b)
		b.chunks(5, 16)
		time.Sleep(overdue)
		d.wantPeriods(b)
		b.wantObjects(0, 16)
		for _, key := range d.bucket.keys() {
			if strings.Contains(key, a.name()) {
				t.Errorf("%s is still there", key)
			}
		}
	})
}

// Chunks that no manifest names are uploaded all the same, as they are called.
func TestChunksWithoutAManifestAreUploaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		d.start()
		d.placed(dashChunk("video", 0), "x")
		time.Sleep(runPatience / 2)
		if keys := d.bucket.keys(); len(keys) > 0 {
			t.Errorf("before it can be known of which run they are, there are %q", keys)
		}
		time.Sleep(runPatience)
		if keys := d.bucket.keys(); !slices.Equal(keys, []string{dashChunk("video", 0)}) {
			t.Errorf("there are %q", keys)
		}
	})
}

// An MPD that cannot be rewritten is published as it is, and so are its chunks. The log says so once.
func TestAnMPDThatCannotBeContinuedIsPublishedAsItIs(t *testing.T) {
	for name, change := range map[string]*strings.Replacer{
		"a BaseURL": strings.NewReplacer("<SegmentTemplate", "<BaseURL>./</BaseURL><SegmentTemplate"),
		"Periods":   strings.NewReplacer("</MPD>", `<Period id="b" start="PT9999S"></Period></MPD>`),
	} {
		t.Run(name, func(t *testing.T) { testFixedMPD(t, change) })
	}
}

func testFixedMPD(t *testing.T, change *strings.Replacer) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		d.start()
		for _, what := range []string{"a", "b"} {
			r := &emsRun{d, what, time.Now().Truncate(time.Second)}
			text := change.Replace(r.mpd(0, 0))
			for _, track := range dashTracks {
				d.placed(dashInit(track), what)
				d.placed(dashChunk(track, 0), r.content(track, 0))
			}
			d.placed(dashManifest, text)
			time.Sleep(20 * time.Second)
			if got := d.bucket.content(dashManifest); got != text {
				t.Errorf("it is published as\n%s", got)
			}
			if got := d.bucket.content(dashChunk("video", 0)); got != r.content("video", 0) {
				t.Errorf("the chunk is %q", got)
			}
		}
		if lines := d.log.lines(slog.LevelWarn, "playlist cannot be continued"); len(lines) != 1 {
			t.Errorf("the log says %q", lines)
		}
	})
}

func TestEndDoesNotWaitForQuestionsAboutFormerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRunsDesk(t)
		ended := d.start()
		a := d.begin("a")
		a.chunks(0, 2)
		time.Sleep(5 * time.Second)
		d.begin("b").chunks(0, 2)
		time.Sleep(5 * time.Second)
		began := time.Now()
		d.up.tell(d.ctx, func(s *publish.Schedule, now time.Time) {
			for n := range 200 {
				s.Reread(d.src.plan, media.InRun(dashChunk("video", 100+n), a.name()), now)
			}
			d.end()
		})
		<-ended
		if took := time.Since(began); took >= leaveTime {
			t.Errorf("the end took %v", took)
		}
	})
}
