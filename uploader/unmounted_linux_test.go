package uploader

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// mountedAt mounts a directory of a file system of its own at dir, and returns what does so again.
func mountedAt(t *testing.T, dir string) (remount func()) {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, ""); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	remount = func() {
		if err := syscall.Mount(disk, dir, "", syscall.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount()
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return remount
}

// unmount fails where the daemon has a file open.
func unmount(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
}

// R6: a root that is unmounted in an outage and mounted again has lost nothing, whatever is asked
// of it meanwhile.
func TestChunksOfARootThatIsUnmountedForAWhileArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		remount := mountedAt(t, d.dir)
		away := d.bucket.outage()
		d.start()
		for n := range 6 {
			d.write(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
			d.close("g/s/playlist.m3u8", playlist(max(0, n-4), n))
			d.closed(fmt.Sprintf("g/s/%d.ts", n))
		}
		time.Sleep(time.Second)
		d.remove("g/s/0.ts")
		settle()
		unmount(t, d.dir)
		d.report(func() { d.src.Removed(d.ctx, "g/s/1.ts") }) // a watcher may see that before it sees why
		away.Store(false)                                     // what is read now is not there
		time.Sleep(5 * time.Minute)
		if keys := d.bucket.keys(); len(keys) > 0 {
			t.Errorf("the bucket has %q while nothing is mounted", keys)
		}
		remount()
		time.Sleep(2 * time.Minute)
		for n := range 6 {
			if got := d.bucket.content(fmt.Sprintf("g/s/%d.ts", n)); got != fmt.Sprint("chunk ", n) {
				t.Errorf("chunk %d is %q in the bucket", n, got)
			}
		}
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 5) {
			t.Errorf("the playlist is %q", got)
		}
		f, _ := d.up.Figures(t.Context())
		if lines := d.log.lines(slog.LevelWarn, "lost"); f.Lost != 0 || len(lines) > 0 {
			t.Errorf("%d chunks are counted as lost: %q", f.Lost, lines)
		}
		if n := len(d.log.lines(slog.LevelWarn, "is its file system not mounted")); n != 1 {
			t.Errorf("%d log lines tell that nothing is mounted", n)
		}
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
	})
}

// A root that is another directory for good does not bring its files back: no one waits for them
// for ever.
func TestChunksOfARootThatIsReplacedAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		away := d.bucket.outage()
		d.start()
		d.close("g/s/0.ts", "chunk 0")
		time.Sleep(time.Second)
		if err := os.Rename(d.dir, d.dir+".old"); err != nil {
			t.Fatal(err)
		}
		away.Store(false)
		time.Sleep(2 * time.Minute)
		if f, _ := d.up.Figures(t.Context()); f.Lost != 0 {
			t.Error("a chunk is taken for lost while there is no root")
		}
		if err := os.MkdirAll(filepath.Join(d.dir, "g"), 0o755); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if f, _ := d.up.Figures(t.Context()); f.Lost != 1 {
			t.Errorf("%d chunks are lost with the root, want 1", f.Lost)
		}
		if n := len(d.log.lines(slog.LevelError, "root was replaced")); n != 1 {
			t.Errorf("%d log lines, want 1", n)
		}
	})
}
