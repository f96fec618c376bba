package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	"ems-sidecar/uploader/spool"
)

// inSpool returns the paths of all that is kept in the root's spool.
func (d *desk) inSpool() (paths []string) {
	d.t.Helper()
	err := filepath.WalkDir(filepath.Join(d.dir, spool.DirName), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			paths = append(paths, p)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return paths
}

// R6: with the bucket away for a minute and EMS deleting as it goes, every chunk arrives, and
// nothing stays in the spool.
func TestChunksThatAreDeletedInAnOutageArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		away := d.bucket.outage()
		d.start()
		for n := range 15 {
			d.write(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
			d.close("g/s/playlist.m3u8", playlist(max(0, n-4), n))
			d.closed(fmt.Sprintf("g/s/%d.ts", n))
			if n >= 7 {
				d.remove(fmt.Sprintf("g/s/%d.ts", n-7))
			}
			time.Sleep(4 * time.Second)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		for n := range 15 {
			if got := d.bucket.content(fmt.Sprintf("g/s/%d.ts", n)); got != fmt.Sprint("chunk ", n) {
				t.Errorf("chunk %d is %q in the bucket", n, got)
			}
		}
		if d.bucket.content("g/s/playlist.m3u8") != playlist(10, 14) {
			t.Errorf("the playlist is %q", d.bucket.content("g/s/playlist.m3u8"))
		}
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
	})
}

// R6: what was deleted in an outage arrives also if the daemon ends in it and another is started
// later.
func TestChunksInTheSpoolArriveAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.up.settings.DrainTimeout = time.Second
		d.bucket.before = func(context.Context, string) error { return errors.New("connection refused") }
		ended := d.start()
		for n := range 3 {
			d.close(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
		}
		settle()
		d.remove("g/s/0.ts")
		d.end()
		<-ended
		d.bucket.before = nil
		d.restart()
		d.start()
		time.Sleep(time.Minute)
		if got := d.bucket.content("g/s/0.ts"); got != "chunk 0" {
			t.Errorf("the chunk that only the spool has is %q in the bucket", got)
		}
		if d.bucket.content("g/s/1.ts") != "" {
			t.Error("a chunk that has its name was uploaded before its closing was reported: it may be being written")
		}
	})
}

// A new version of a name takes the old one's place in the spool.
func TestSpoolKeepsTheNewestVersionOfAName(t *testing.T) {
	for _, how := range []string{"in place", "as a new file"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				away := d.bucket.outage()
				d.start()
				d.close("g/s/0.ts", "old")
				if how == "as a new file" {
					d.remove("g/s/0.ts")
				}
				d.close("g/s/0.ts", "newer")
				d.remove("g/s/0.ts")
				away.Store(false)
				time.Sleep(time.Minute)
				if got := d.bucket.content("g/s/0.ts"); got != "newer" {
					t.Errorf("the bucket has %q", got)
				}
				if left := d.inSpool(); len(left) > 0 {
					t.Errorf("%q are still in the spool", left)
				}
			})
		})
	}
}

// Where no link is possible, the file is held open, and that is logged once.
func TestFilesAreHeldOpenWhereTheyCannotBeLinked(t *testing.T) {
	other, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		t.Skip("no second file system: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(other) })
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{SpoolDir: other})
		away := d.bucket.outage()
		d.start()
		for n := range 5 {
			d.close(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
			d.remove(fmt.Sprintf("g/s/%d.ts", n))
		}
		away.Store(false)
		time.Sleep(time.Minute)
		for n := range 5 {
			if got := d.bucket.content(fmt.Sprintf("g/s/%d.ts", n)); got != fmt.Sprint("chunk ", n) {
				t.Errorf("chunk %d is %q in the bucket", n, got)
			}
		}
		if n := len(d.log.lines(slog.LevelWarn, "cannot be linked")); n != 1 {
			t.Errorf("%d log lines tell that files are held open, want 1", n)
		}
	})
}

// R8: the spool gives up the oldest first, says so once for each stream, and counts them all.
func TestFullSpoolGivesUpTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{SpoolMax: 3 * int64(len("chunk 0"))})
		away := d.bucket.outage()
		d.start()
		for n := range 8 {
			d.close(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
			d.remove(fmt.Sprintf("g/s/%d.ts", n))
			settle()
		}
		if left := d.inSpool(); len(left) != 3 {
			t.Errorf("%q are in the spool, want the three newest", left)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		for n := range 8 {
			want := ""
			if n >= 5 {
				want = fmt.Sprint("chunk ", n)
			}
			if got := d.bucket.content(fmt.Sprintf("g/s/%d.ts", n)); got != want {
				t.Errorf("chunk %d is %q in the bucket, want %q", n, got, want)
			}
		}
		f, _ := d.up.Figures(t.Context())
		if n := len(d.log.lines(slog.LevelError, "the spool is full")); n != 1 || f.Lost != 5 {
			t.Errorf("%d log lines tell of the full spool, want 1; %d chunks are counted as lost, want 5", n, f.Lost)
		}
	})
}

// outage has every PUT fail until it is over.
func (b *bucket) outage() *atomic.Bool {
	var away atomic.Bool
	away.Store(true)
	b.before = func(context.Context, string) error {
		if away.Load() {
			return errors.New("connection refused")
		}
		return nil
	}
	return &away
}

// restart makes another uploader for the same disk and bucket.
func (d *desk) restart() {
	d.report(func() { // files that the one before expected may be looked at
		d.up = New(d.up.settings, slog.New(d.log))
		d.src = d.up.Source(d.dir, d.src.layout, d.dest, d)
		if twin := d.twin; twin != nil {
			dest := &Destination{Store: d.bucket, Destination: twin.dest.Destination}
			d.twin = d.up.Source(d.dir, twin.layout, dest, d)
		}
		d.ctx, d.end = context.WithCancel(d.t.Context())
	})
}

// What the spool has is not taken for whole if the name is still there: EMS may be writing it again.
func TestSpooledFileThatIsWrittenAnewIsLeftToItsClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.HDS, Bootstrap: "bootstrap"}, Settings{})
		d.up.settings.DrainTimeout = time.Second
		d.bucket.before = func(context.Context, string) error { return errors.New("connection refused") }
		ended := d.start()
		d.close("g/s/f4vSeg1-Frag1", "the first run's")
		d.end()
		<-ended
		d.bucket.before = nil
		d.write("g/s/f4vSeg1-Frag1", "half") // in place: it is the same file
		d.restart()
		d.start()
		time.Sleep(10 * time.Second)
		if got := d.bucket.content("g/s/f4vSeg1-Frag1"); got != "" {
			t.Errorf("the bucket has %q of a fragment that is being written", got)
		}
		d.close("g/s/f4vSeg1-Frag1", "the second run's")
		time.Sleep(10 * time.Second)
		if got := d.bucket.content("g/s/f4vSeg1-Frag1"); got != "the second run's" {
			t.Errorf("the bucket has %q", got)
		}
	})
}

// The watcher reports a file again when a manifest names it, and all files when it scans.
func TestFileThatIsReportedAgainDoesNotStayInTheSpool(t *testing.T) {
	for what, name := range map[string]string{
		"uploaded":            "g/s/1.ts",
		"with too long a key": "g/s/" + strings.Repeat("long/", 210) + "1.ts",
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				d.close(name, "x")
				settle()
				d.closed(name)
				settle()
				if left := d.inSpool(); len(left) > 0 {
					t.Errorf("%d files are still in the spool", len(left))
				}
			})
		})
	}
}

// After a start, the spool leaves a chunk to its closing if the name is still there. It is uploaded
// also if EMS deletes the name before the closing is reported.
func TestChunkOfTheSpoolThatIsDeletedAtTheStartArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.up.settings.DrainTimeout = time.Second
		away := d.bucket.outage()
		ended := d.start()
		d.close("g/s/1.ts", "chunk 1")
		d.end()
		<-ended
		away.Store(false)
		d.restart()
		d.start()
		settle()
		d.remove("g/s/1.ts")
		time.Sleep(time.Minute)
		if got := d.bucket.content("g/s/1.ts"); got != "chunk 1" {
			t.Errorf("the bucket has %q", got)
		}
	})
}

// A deletion may be reported when there is a file of that name again, which is uploaded already.
func TestFileThatIsThereAgainIsNotTakenForDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.start()
		d.close("g/s/f4vSeg1-Frag1", "x")
		settle()
		d.report(func() { d.src.Removed(d.ctx, "g/s/f4vSeg1-Frag1") })
		d.closed("g/s/f4vSeg1-Frag1")
		settle()
		if n := d.bucket.count("g/s/f4vSeg1-Frag1"); n != 1 {
			t.Errorf("%d PUTs, want 1", n)
		}
	})
}

// With backlog = skip, chunks that rolled out of the playlist in an outage are left out; the
// playlist's are not.
func TestBacklogIsSkippedOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.SkipBacklog = true
		away := d.bucket.outage()
		d.start()
		for n := range 40 {
			d.write(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
			d.close("g/s/playlist.m3u8", playlist(max(0, n-4), n))
			d.closed(fmt.Sprintf("g/s/%d.ts", n))
			if n >= 7 {
				d.remove(fmt.Sprintf("g/s/%d.ts", n-7))
			}
			time.Sleep(4 * time.Second)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		for n := 35; n < 40; n++ {
			if got := d.bucket.content(fmt.Sprintf("g/s/%d.ts", n)); got != fmt.Sprint("chunk ", n) {
				t.Errorf("chunk %d of the newest playlist is %q in the bucket", n, got)
			}
		}
		f, _ := d.up.Figures(t.Context())
		if n := len(d.bucket.keys()); f.Skipped < 10 || f.Lost > 0 || n > 41-int(f.Skipped) {
			t.Errorf("%d chunks are skipped, %d lost, %d objects are in the bucket", f.Skipped, f.Lost, n)
		}
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
	})
}

// A slowComparison is a bucket that waits before it compares, and may not answer.
type slowComparison struct {
	*bucket
	wait chan struct{}
	err  error // of the first comparison
}

func (s *slowComparison) Same(ctx context.Context, key string, body Body, size int64, modTime time.Time) (bool, error) {
	<-s.wait
	if err := s.err; err != nil {
		s.err = nil
		return false, err
	}
	return s.bucket.Same(ctx, key, body, size, modTime)
}

// A recording that EMS goes on with while the old one is compared, so that it may be deleted, is
// one to upload.
func TestRecordingThatIsWrittenOnceMoreArrivesAlsoIfItIsDeleted(t *testing.T) {
	for name, err := range map[string]error{"compared": nil, "no answer": errors.New("no answer")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, media.Layout{Format: media.Recording}, Settings{})
				d.dest.DeleteLocal, d.dest.DeleteLocalAfter = true, time.Minute
				wait := make(chan struct{})
				d.dest.Store = &slowComparison{d.bucket, wait, err}
				d.start()
				d.close("r/1.flv", "old")
				time.Sleep(2 * time.Minute) // it is being compared
				d.close("r/1.flv", "old and more")
				if err := os.Remove(filepath.Join(d.dir, "r/1.flv")); err != nil {
					t.Fatal(err)
				}
				close(wait)
				time.Sleep(time.Minute)
				if got := d.bucket.content("r/1.flv"); got != "old and more" {
					t.Errorf("the bucket has %q", got)
				}
			})
		})
	}
}

// What is uploaded only because a manifest names it is kept, too: cleanupDestination deletes the
// init segments of a DASH stream with all others.
func TestInitSegmentsThatAreDeletedInAnOutageArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		away := d.bucket.outage()
		d.start()
		inits := []string{"g/s/video/1/seg_init.mp4", "g/s/audio/1/seg_init.mp4"}
		d.close(inits[0], "init, before the manifest")
		d.segments("a", 0)
		d.close("g/manifest.mpd", mpd(0, 0))
		d.close(inits[1], "init, after it")
		time.Sleep(3 * time.Second)
		for _, p := range inits {
			d.remove(p)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		for _, p := range inits {
			if d.bucket.content(p) == "" {
				t.Errorf("%s is not in the bucket", p)
			}
		}
		if d.bucket.content("g/manifest.mpd") != mpd(0, 0) {
			t.Errorf("the bucket has %q", d.bucket.content("g/manifest.mpd"))
		}
		for n := range 1 {
			d.remove(fmt.Sprintf("g/s/video/1/segment_%d.m4s", 4000*n))
			d.remove(fmt.Sprintf("g/s/audio/1/segment_%d.m4s", 4000*n))
		}
		time.Sleep(time.Minute)
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
	})
}

// A manifest that is deleted and written once more leaves a moment in which it names nothing. An
// init segment that is rewritten then, where the spool has the one before, leaves the spool like
// any other when it is uploaded.
func TestInitSegmentThatIsRewrittenWhileItsManifestIsAwayLeavesTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		away := d.bucket.outage()
		d.start()
		d.close("g/s/video/1/seg_init.mp4", "run a")
		d.close("g/s/audio/1/seg_init.mp4", "run a")
		d.close("g/manifest.mpd", mpd(0, -1))
		settle() // they are kept, and nothing is in flight
		d.remove("g/manifest.mpd")
		d.close("g/s/video/1/seg_init.mp4", "run b")
		d.close("g/s/audio/1/seg_init.mp4", "run b")
		d.close("g/manifest.mpd", mpd(0, -1))
		away.Store(false)
		time.Sleep(time.Minute)
		if got := d.bucket.content("g/s/video/1/seg_init.mp4"); got != "run b" {
			t.Errorf("the init segment is %q in the bucket", got)
		}
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
	})
}

// After a restart, the spool's init segments wait for a manifest to name them, but not for ever: it
// may be deleted.
func TestInitSegmentThatNoManifestNamesAnyMoreLeavesTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		d.up.settings.DrainTimeout = time.Second
		away := d.bucket.outage()
		ended := d.start()
		d.close("g/manifest.mpd", mpd(0, -1))
		d.close("g/s/video/1/seg_init.mp4", "one that is deleted, too")
		d.close("g/s/audio/1/seg_init.mp4", "one that stays on the disk")
		settle()
		d.remove("g/manifest.mpd")
		d.remove("g/s/video/1/seg_init.mp4")
		ended = d.restarted(ended)
		if left := d.inSpool(); len(left) != 2 {
			t.Fatalf("the spool has %q", left)
		}
		away.Store(false)
		time.Sleep(15 * time.Minute)
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
		d.end()
		<-ended
	})
}

// A version is kept before the schedule is told of it. What the schedule makes of the one before
// does not concern it.
func TestNewVersionIsKeptAlthoughTheOldOneIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.outage()
		d.start()
		const p = "g/s/1.ts"
		old := d.close(p, "old")
		settle()
		d.write(p, "newer")
		fi, err := os.Stat(filepath.Join(d.dir, p))
		if err != nil {
			t.Fatal(err)
		}
		d.src.keep(d.ctx, p, media.VersionOf(fi))
		d.src.spool.Release(p, old)
		settle()
		if n := len(d.inSpool()); n != 1 {
			t.Errorf("%d files are kept, want the new version", n)
		}
	})
}

// What is in the spool of a format, or of a spool_dir, that the config has no more is not forgotten
// without a word.
func TestSpoolsOfAnotherConfigAreSaid(t *testing.T) {
	for name, dir := range map[string]string{"in the root": "", "elsewhere": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{SpoolDir: dir})
				want := []string{spool.Place(d.dir, "") + "/dash"}
				if dir != "" {
					want = append(want, spool.Place(d.dir, "")+"/hls", spool.Place("/former", dir)+"/hls")
				}
				for _, p := range append(want, spool.Place(d.dir, dir)+"/hls") {
					if err := errors.Join(os.MkdirAll(p+"/g/s", 0o700), os.WriteFile(p+"/g/s/1", []byte("x"), 0o600)); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.MkdirAll(spool.Place(d.dir, "")+"/mss/g", 0o700); err != nil { // has nothing
					t.Fatal(err)
				}
				d.start()
				settle()
				said := d.log.lines(slog.LevelWarn, "that no section uploads")
				for _, p := range want {
					if !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "spool="+p+" ") }) {
						t.Errorf("%s is not said", p)
					}
				}
				if len(said) != len(want) {
					t.Errorf("said: %q", said)
				}
			})
		})
	}
}

// R8: a root that other formats share has files that are never this one's: nothing is remembered of
// them.
func TestFilesOfOtherFormatsAreNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		for n := range 100 {
			d.close(fmt.Sprintf("g/s/video/1/segment_%d.m4s", n), "DASH")
		}
		settle()
		if remembered := d.names(); remembered > 0 {
			t.Errorf("%d files are remembered", remembered)
		}
	})
}
