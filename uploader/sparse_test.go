package uploader

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"

	"ems-sidecar/media"
)

// A sparse file of any size costs its writer nothing.
func TestManifestThatIsTooLargeIsNotRead(t *testing.T) {
	for name, format := range map[string]media.Format{
		"playlist.m3u8": media.HLS, "manifest.mpd": media.DASH, "x.f4m": media.HDS, "manifest.ismc": media.MSS, "bootstrap": media.HDS,
	} {
		for _, size := range []int64{maxManifest + 1, 3 << 30} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDeskFor(t, media.Layout{Format: format, Bootstrap: "bootstrap"}, Settings{})
					d.start()
					d.write("g/s/"+name, "")
					if err := os.Truncate(filepath.Join(d.dir, "g/s", name), size); err != nil {
						t.Fatal(err)
					}
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					for range 3 {
						d.closed("g/s/" + name)
					}
					runtime.ReadMemStats(&after)
					if got := after.TotalAlloc - before.TotalAlloc; got > maxManifest {
						t.Errorf("%d bytes were needed", got)
					}
					if lines := d.log.lines(slog.LevelWarn, "manifest is not published"); len(lines) != 1 {
						t.Errorf("want one warning: %q", lines)
					}
				})
			})
		}
	}
}

func TestManifestThatWasReadableInBetweenIsReportedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		for _, content := range []string{"no playlist", "still none", playlist(1, 1), "none again"} {
			d.close("g/s/playlist.m3u8", content)
		}
		if lines := d.log.lines(slog.LevelWarn, "manifest is not published"); len(lines) != 2 {
			t.Errorf("want two warnings: %q", lines)
		}
	})
}

// To know what a bootstrap's fragments are called, F4Ms beside it are read: as much as one manifest
// may have, and no more.
func TestLargeF4MsBesideABootstrapAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.start()
		for _, name := range []string{"g/s/a.f4m", "g/s/b.F4M", "g/c.f4m", "g/d.f4m"} {
			d.write(name, "")
			if err := os.Truncate(filepath.Join(d.dir, name), maxManifest-1); err != nil {
				t.Fatal(err)
			}
		}
		d.write("g/huge.f4m", "")
		if err := os.Truncate(filepath.Join(d.dir, "g/huge.f4m"), 3<<30); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d.close("g/s/bootstrap", abst(1, 1))
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 8*maxManifest {
			t.Errorf("%d bytes were needed", got)
		}
	})
}
