package uploader

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// parts writes the part files of an mp4 recording, as EMS has them while it records.
func (d *desk) parts(name, media string) {
	d.t.Helper()
	for _, end := range []string{".info", ".track1", ".track2"} {
		d.write(name+end, "x")
		d.touch(name + end)
	}
	d.write(name+mediaPart, media)
	d.touch(name + mediaPart)
}

// touch gives a file the time of the test's bubble.
func (d *desk) touch(p string) {
	d.t.Helper()
	now := time.Now()
	if err := os.Chtimes(filepath.Join(d.dir, p), now, now); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) unfinished() []string {
	return d.log.lines(slog.LevelWarn, "did not finish this recording")
}

func TestRecordingThatEMSDoesNotFinishIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.parts("a/b/killed.mp4", "half a recording") // EMS was killed before the start
		d.parts("live.mp4", "0")
		d.start()
		for n := range 20 { // one goes on
			time.Sleep(time.Minute)
			d.parts("live.mp4", strings.Repeat("x", n))
		}
		got := d.unfinished()
		if len(got) != 1 || !strings.Contains(got[0], "a/b/killed.mp4 ") {
			t.Fatalf("%q", got)
		}
		time.Sleep(24 * time.Hour)
		if got = d.unfinished(); len(got) != 2 || !strings.Contains(got[1], "live.mp4") {
			t.Errorf("a day later: %q", got)
		}
		d.parts("live.mp4", "goes on")
		time.Sleep(time.Hour)
		if got = d.unfinished(); len(got) != 3 {
			t.Errorf("after it went on and stopped again: %q", got)
		}
		if f, _ := d.up.Figures(t.Context()); f.Unfinished != 3 {
			t.Errorf("counted: %d", f.Unfinished)
		}
		if got := d.bucket.keys(); len(got) > 0 {
			t.Errorf("the bucket has %q", got)
		}
	})
}

func TestRecordingThatIsBeingFinishedIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.parts("long.mp4", "20 GB")
		d.start()
		for n := range 15 { // EMS makes the mp4
			d.write("long.mp4", strings.Repeat("x", n))
			d.touch("long.mp4")
			time.Sleep(time.Minute)
		}
		for _, end := range []string{".info", ".track1", ".track2", mediaPart} {
			if err := os.Remove(filepath.Join(d.dir, "long.mp4"+end)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		if got := d.unfinished(); len(got) > 0 {
			t.Errorf("%q", got)
		}
	})
}

// What is remembered is what is there.
func TestPartFilesThatAreGoneAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		for n := range 20 {
			d.parts(fmt.Sprintf("%d.mp4", n), "x")
		}
		d.write(".hidden/x.mp4.mdat", "x")
		known := d.up.lookForUnfinished(d.ctx, d.src, nil, time.Now())
		if len(known) != 20 {
			t.Errorf("%d are known", len(known))
		}
		if err := os.Remove(filepath.Join(d.dir, "7.mp4.mdat")); err != nil {
			t.Fatal(err)
		}
		if known = d.up.lookForUnfinished(d.ctx, d.src, known, time.Now()); len(known) != 19 {
			t.Errorf("%d are known", len(known))
		}
		if err := os.Rename(d.dir, d.dir+"-away"); err != nil {
			t.Fatal(err)
		}
		if known = d.up.lookForUnfinished(d.ctx, d.src, known, time.Now()); len(known) != 19 {
			t.Errorf("while the root is away, %d are known", len(known))
		}
	})
}
