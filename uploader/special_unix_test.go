//go:build unix

package uploader

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// specials make something at a path that is no regular file.
var specials = map[string]func(p string) error{
	"FIFO":           func(p string) error { return syscall.Mkfifo(p, 0o644) },
	"directory":      func(p string) error { return os.Mkdir(p, 0o755) },
	"link to itself": func(p string) error { return os.Symlink(filepath.Base(p), p) },
	"link to a FIFO": func(p string) error {
		fifo := filepath.Join(filepath.Dir(p), ".fifo")
		if err := syscall.Mkfifo(fifo, 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return os.Symlink(".fifo", p)
	},
	"socket": func(p string) error { return syscall.Mknod(p, syscall.S_IFSOCK|0o644, 0) },
	"device": func(p string) error { // /dev/zero
		if runtime.GOOS != "linux" {
			return fs.ErrPermission
		}
		return syscall.Mknod(p, syscall.S_IFCHR|0o644, 1<<8|5)
	},
}

// eachSpecial runs a test in a bubble for each of them. To make one, the test calls put.
func eachSpecial(t *testing.T, layout media.Layout, test func(t *testing.T, d *desk, put func(name string))) {
	for what, put := range specials {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, layout, Settings{})
				test(t, d, func(name string) {
					p := filepath.Join(d.dir, name)
					err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), put(p))
					if errors.Is(err, fs.ErrPermission) {
						t.Skip(err)
					}
					if err != nil {
						t.Fatal(err)
					}
				})
			})
		})
	}
}

// Between the watcher's look and the uploader's open, a name may become any kind of file.
func TestManifestThatIsNoFileAnyMoreIsLeftAlone(t *testing.T) {
	eachSpecial(t, media.Layout{Format: media.HLS}, func(t *testing.T, d *desk, put func(string)) {
		d.start()
		put("g/s/playlist.m3u8")
		d.src.Closed(d.ctx, "g/s/playlist.m3u8", media.Version{Size: 1})
		d.live("g/t", 1, 3, time.Second)
		time.Sleep(time.Minute)
		if d.bucket.sequence("g/t/playlist.m3u8") != 1 {
			t.Error("another stream is not published")
		}
		if lines := d.log.lines(slog.LevelWarn, "g/s"); len(lines) > 0 {
			t.Errorf("it is the watcher's to say what it is: %q", lines)
		}
	})
}

// It is as if it was deleted: what the spool has kept of it arrives.
func TestChunkThatIsNoFileAnyMoreArrivesFromTheSpool(t *testing.T) {
	eachSpecial(t, media.Layout{Format: media.HLS}, func(t *testing.T, d *desk, put func(string)) {
		away := d.bucket.outage()
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/a.key", "k")
		d.close("g/s/playlist.m3u8", playlist(1, 1, `#EXT-X-KEY:METHOD=AES-128,URI="a.key"`))
		settle()
		for _, name := range []string{"g/s/1.ts", "g/s/a.key"} {
			if err := os.Remove(filepath.Join(d.dir, name)); err != nil {
				t.Fatal(err)
			}
			put(name)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		for key, want := range map[string]string{"g/s/1.ts": "x", "g/s/a.key": "k"} {
			if got := d.bucket.content(key); got != want {
				t.Errorf("%s is %q in the bucket", key, got)
			}
		}
	})
}

func TestF4MThatIsNoFileHoldsUpNoBootstrap(t *testing.T) {
	eachSpecial(t, hdsLayout, func(t *testing.T, d *desk, put func(string)) {
		d.start()
		put("g/s/x.f4m")
		put("g/y.f4m")
		d.fragment("1", 1)
		d.close("g/s/bootstrap", abst(1, 1))
		d.close("g/s/s.f4m", f4m("live", "x"))
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/bootstrap") == "" || d.bucket.content("g/s/s.f4m") == "" {
			t.Error("the stream is not published")
		}
	})
}

func TestChunkThatIsNoFileIsNotKept(t *testing.T) {
	eachSpecial(t, media.Layout{Format: media.HLS}, func(t *testing.T, d *desk, put func(string)) {
		d.start()
		put("g/s/1.ts")
		d.src.Closed(d.ctx, "g/s/1.ts", media.Version{Size: 1})
		settle()
		if got := d.inSpool(); len(got) > 0 {
			t.Errorf("the spool has %q", got)
		}
		if d.bucket.content("g/s/1.ts") != "" {
			t.Error("it is uploaded")
		}
	})
}

// Nothing of the kind is in a spool by itself, but everyone who may write to the root can put it
// there.
func TestSpoolWithSomethingElseInItHoldsUpNothing(t *testing.T) {
	for _, name := range []string{".ems-sidecar", ".ems-sidecar/hls", ".ems-sidecar/hls/g", ".ems-sidecar/hls/g/s", ".ems-sidecar/hls/g/s/1.ts", ".ems-sidecar/hls/.new"} {
		t.Run(name, func(t *testing.T) {
			eachSpecial(t, media.Layout{Format: media.HLS}, func(t *testing.T, d *desk, put func(string)) {
				put(name)
				d.start()
				d.live("g/s", 1, 3, time.Second)
				time.Sleep(2 * time.Minute)
				if d.bucket.sequence("g/s/playlist.m3u8") != 1 || d.bucket.content("g/s/1.ts") == "" {
					t.Errorf("the stream is not published: %q", d.log.lines(slog.LevelWarn, ""))
				}
			})
		})
	}
}

// A root that is replaced by a FIFO is no root, and what is uploaded of it waits until it is back.
func TestRootThatIsNoDirectoryAnyMoreIsWaitedFor(t *testing.T) {
	eachSpecial(t, media.Layout{Format: media.HLS}, func(t *testing.T, d *desk, put func(string)) {
		away := d.bucket.outage()
		d.start()
		d.close("g/s/1.ts", "x")
		settle()
		if err := os.Rename(d.dir, d.dir+"-moved"); err != nil {
			t.Fatal(err)
		}
		put("")
		if fi, err := os.Lstat(d.dir); err != nil || fi.IsDir() {
			t.Skip("it is a directory")
		}
		t.Cleanup(func() { os.RemoveAll(filepath.Join(filepath.Dir(d.dir), ".fifo")) })
		away.Store(false)
		time.Sleep(time.Minute)
		if err := errors.Join(os.RemoveAll(d.dir), os.Rename(d.dir+"-moved", d.dir)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if d.bucket.content("g/s/1.ts") != "x" {
			t.Errorf("the chunk does not arrive: %q", d.log.lines(slog.LevelWarn, ""))
		}
	})
}
