package environment

import (
	"bytes"
	"ems-sidecar/internal/e2e"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// attackFiles is a local user who may write below the root, and a publisher who chooses the names
// of directories. What is made is taken away again after a while.
func (a *attack) attackFiles() {
	strikes := []func(dir string) error{
		func(dir string) error {
			return os.Symlink(filepath.Join(a.outside, "segment_1.ts"), filepath.Join(dir, "segment_1.ts"))
		},
		func(dir string) error {
			return os.Symlink(filepath.Join(a.outside, "playlist.m3u8"), filepath.Join(dir, "playlist.m3u8"))
		},
		func(dir string) error { return os.Symlink(a.outside, filepath.Join(dir, "live")) },
		func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "playlist.m3u8"), []byte(e2e.M3u8(
				"../../../private/segment_1.ts", a.outside+"/segment_1.ts", "file://"+a.outside+"/segment_1.ts", "..%2f..%2f..%2fprivate/segment_1.ts")), 0o644)
		},
		func(dir string) error { return os.WriteFile(filepath.Join(dir, "server.key"), []byte(canary), 0o644) },
		func(dir string) error { return os.WriteFile(filepath.Join(dir, "notes.txt"), []byte(canary), 0o644) },
		func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "playlist.m3u8"), 0o644) },
		func(dir string) error {
			if err := syscall.Mkfifo(filepath.Join(dir, "x.f4m"), 0o644); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("none"), 0o644)
		},
		func(dir string) error { return sparse(filepath.Join(dir, "playlist.m3u8"), 3<<30) },
		func(dir string) error { return sparse(filepath.Join(dir, "manifest.mpd"), 3<<30) },
		func(dir string) error { return os.Mkdir(filepath.Join(dir, "playlist.m3u8"), 0o755) },
		func(dir string) error {
			var b bytes.Buffer
			b.WriteString("#EXTM3U\r\n")
			for i := range 60_000 {
				fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d\r\nv%d/playlist.m3u8\r\n", i+1, i)
			}
			return os.WriteFile(filepath.Join(dir, "playlist.m3u8"), b.Bytes(), 0o644)
		},
		func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "manifest.mpd"), []byte(`<?xml version="1.0"?><MPD type="dynamic"><Period><AdaptationSet>`+
				`<Representation id="a" bandwidth="1"><SegmentTemplate timescale="1" media="s$Time$.m4s"><SegmentTimeline><S t="0" d="1" r="524000"/>`+
				`</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`), 0o644)
		},
		func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", 500)), 0o755)
		},
	}
	a.every(500*time.Millisecond, func(random *rand.Rand, n int) {
		names := []string{"evil/a b", "evil/-rf", "evil/quo'te\"", "evil/\x1b[31m", "evil/new\nline", "evil/%2e%2e", "evil/s"}
		dir := filepath.Join(a.root, fmt.Sprintf("%s %d", names[n%len(names)], n))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			a.t.Error(err)
			return
		}
		if err := strikes[n%len(strikes)](dir); err != nil {
			a.t.Error(err)
		}
		if old := n - 2*len(strikes); old >= 0 {
			if err := os.RemoveAll(filepath.Join(a.root, fmt.Sprintf("%s %d", names[old%len(names)], old))); err != nil {
				a.t.Error(err)
			}
		}
	})
	a.swap("segment_9.ts", func(p string) error { return os.WriteFile(p, []byte("inside"), 0o644) }, filepath.Join(a.outside, "segment_1.ts"))
	a.swap("live", func(p string) error {
		if err := os.Mkdir(p, 0o755); err != nil && !os.IsExist(err) {
			return err
		}
		return os.WriteFile(filepath.Join(p, "segment_1.ts"), []byte("inside"), 0o644)
	}, a.outside)
}

// swap makes a name by turns what make makes and a link that leads out.
func (a *attack) swap(name string, make func(p string) error, out string) {
	dir := filepath.Join(a.root, "evil/swap "+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		a.t.Fatal(err)
	}
	p := filepath.Join(dir, name)
	a.every(7*time.Millisecond, func(_ *rand.Rand, n int) {
		os.RemoveAll(p)
		if n%2 == 0 {
			if err := make(p); err != nil {
				a.t.Error(err)
			}
		} else if err := os.Symlink(out, p); err != nil {
			a.t.Error(err)
		}
		if n%40 == 0 {
			playlist := filepath.Join(dir, "playlist.m3u8")
			if err := os.WriteFile(playlist, []byte(e2e.M3u8(name, name+"/segment_1.ts")), 0o644); err != nil {
				a.t.Error(err)
			}
		}
	})
}

// sparse makes a file of the size that takes no room on the disk.
func sparse(p string, size int64) error {
	f, err := os.Create(p)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(size)
}
