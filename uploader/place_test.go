package uploader

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

func TestRootThatVanishedDeletesNothing(t *testing.T) {
	for name, comesBack := range map[string]bool{"for good": false, "for a while": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.mirror()
				d.start()
				d.close("g/s/1.ts", "x")
				d.live("g/s", 2, 3, 0)
				settle()
				d.remove("g/s/1.ts") // EMS deletes it: no one can know while the root is away
				away := d.dir + ".away"
				if err := os.Rename(d.dir, away); err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(away)
				d.gone("g/s/2.ts")
				d.gone("g/s/playlist.m3u8")
				time.Sleep(overdue)
				if n := len(d.bucket.keys()); n != 4 {
					t.Errorf("the bucket has %q", d.bucket.keys())
				}
				if n := len(d.log.lines(slog.LevelWarn, "nothing is deleted from the bucket while the root is not there")); n != 1 {
					t.Errorf("%d log lines tell that the root is missing", n)
				}
				if !comesBack {
					return
				}
				if err := os.Rename(away, d.dir); err != nil {
					t.Fatal(err)
				}
				time.Sleep(overdue)
				d.wantThere("g/s/2.ts", "g/s/3.ts", "g/s/playlist.m3u8")
				d.wantGone("g/s/1.ts")
			})
		})
	}
}

// Another directory in the root's place knows nothing of the files of the former, also once files
// of it were seen.
func TestRootThatWasReplacedDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.live("g/s", 1, 3, 0)
		settle()
		if err := os.Rename(d.dir, d.dir+".away"); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(d.dir + ".away")
		d.live("g/t", 1, 3, 0)
		for _, name := range []string{"1.ts", "2.ts", "3.ts", "playlist.m3u8"} {
			d.gone("g/s/" + name)
		}
		time.Sleep(time.Hour)
		d.wantThere("g/s/1.ts", "g/s/2.ts", "g/s/3.ts", "g/s/playlist.m3u8")
		if n := len(d.log.lines(slog.LevelWarn, "which is no deletion")); n != 1 {
			t.Errorf("%d log lines, want 1", n)
		}
		d.remove("g/t/playlist.m3u8") // the new root's own deletions count
		time.Sleep(overdue)
		d.wantGone("g/t/playlist.m3u8")
	})
}

// A disk that was mounted in the root shows its mount point when it is unmounted: an empty
// directory, on another device.
func TestNameOnADiskThatWasUnmountedIsNotDeleted(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "s"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := disk.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	top, err := root.Stat(".")
	if err != nil {
		t.Fatal(err)
	}
	here := disk.Device(top)
	for device, want := range map[uint64]publish.Finding{here: publish.Deleted, here + 1: publish.Elsewhere} {
		if got := findIn(root, "s/1.ts", &publish.Place{Root: top, Device: device}); got != want {
			t.Errorf("with the device of the file less that of its directory being %d, the finding is %d, want %d", device-here, got, want)
		}
	}
}

func TestOtherPrefixesAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.dest.Prefix = "a/"
		other := &Destination{Store: d.bucket, Destination: publish.Destination{Bucket: "b", Prefix: "a/g/"}} // has keys below the first one's prefix
		src := d.up.Source(t.TempDir(), media.Layout{Format: media.HLS}, other, d)
		d.bucket.mayMiss["a/g/s/1.ts"] = true
		d.start()
		d.live("g/s", 1, 2, 0)
		d.live("g/t", 1, 2, 0)
		p := filepath.Join(src.dir, "s", "1.ts")
		if err := errors.Join(os.Mkdir(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("another root's"), 0o644)); err != nil {
			t.Fatal(err)
		}
		d.removeAll("g")
		time.Sleep(overdue)
		// The playlist, which names the object that stays, is gone.
		if keys := d.bucket.keys(); !slices.Equal(keys, []string{"a/g/s/1.ts"}) {
			t.Errorf("the bucket has %q, want what another root has a file of", keys)
		}
		for _, batch := range d.bucket.deleted() {
			for _, key := range batch {
				if !strings.HasPrefix(key, "a/") {
					t.Errorf("%s is deleted", key)
				}
			}
		}
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(overdue)
		d.wantGone("a/g/s/1.ts")
	})
}

// A file of another root has the same key, and that root is not there just now.
func TestOtherRootThatIsAwayKeepsItsObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		src := d.up.Source(t.TempDir(), media.Layout{Format: media.HLS}, d.dest, d)
		d.start()
		d.live("g/s", 1, 2, 0)
		d.close("g/s/3.ts", "x")
		p := filepath.Join(src.dir, "g", "s", "3.ts")
		err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("another root's"), 0o644))
		fi, statErr := os.Stat(p)
		if err := errors.Join(err, statErr); err != nil {
			t.Fatal(err)
		}
		d.report(func() { src.Closed(d.ctx, "g/s/3.ts", media.VersionOf(fi)) })
		settle()
		if err := os.Rename(src.dir, src.dir+".away"); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(src.dir + ".away")
		d.remove("g/s/3.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/3.ts")
	})
}

// The root is replaced before a closing in the former one is applied.
func TestClosingThatIsReportedAfterItsRootVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.live("g/s", 1, 2, 0)
		settle()
		fi, err := os.Stat(filepath.Join(d.dir, "g/s/1.ts"))
		if err := errors.Join(err, os.Rename(d.dir, d.dir+".away"), os.MkdirAll(filepath.Join(d.dir, "g/s"), 0o755)); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(d.dir + ".away")
		d.report(func() { d.src.Closed(d.ctx, "g/s/1.ts", media.VersionOf(fi)) })
		d.live("g/s", 3, 4, 0) // the new root's
		d.gone("g/s/1.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts")
	})
}

// A spool that is not in the root does not tell in which directory the files were that an earlier
// run kept.
func TestSpoolElsewhereDeletesNothingAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{SpoolDir: t.TempDir()})
		d.mirror()
		d.up.settings.DrainTimeout = time.Second
		away := d.bucket.outage()
		ended := d.start()
		d.close("g/s/1.ts", "x")
		d.live("g/s", 2, 3, 0)
		settle()
		d.remove("g/s/1.ts")
		d.end()
		<-ended
		d.restart()
		d.start()
		d.closed("g/s/2.ts")
		d.closed("g/s/3.ts")
		d.closed("g/s/playlist.m3u8")
		away.Store(false)
		time.Sleep(2 * overdue)
		d.wantThere("g/s/1.ts")
	})
}
