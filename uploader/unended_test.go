package uploader

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// unendedList returns a playlist whose last line has no line end.
func unendedList(first, last int) string { return strings.TrimSuffix(playlist(first, last), "\r\n") }

// Some writers never end the last line. Such a playlist is published when two closings agree, or when
// it stays as it is, and its stream moves.
func TestPlaylistWithoutAFinalLineEndIsPublished(t *testing.T) {
	const key = "g/s/playlist.m3u8"
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		for n := 1; n <= 6; n++ {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
			d.close(key, unendedList(max(1, n-2), n))
			settle()
			if strings.Contains(d.bucket.content(key), fmt.Sprintf("%d.ts", n)) {
				t.Errorf("version %d is taken for whole at once", n)
			}
			if n == 3 {
				d.closed(key)
				settle()
			} else {
				time.Sleep(unendedWait + 100*time.Millisecond)
			}
			if got := d.bucket.content(key); got != unendedList(max(1, n-2), n) {
				t.Errorf("version %d: the bucket has %q", n, got)
			}
			time.Sleep(2 * time.Second)
		}
		if lines := d.log.lines(slog.LevelWarn, ""); len(lines) > 0 {
			t.Errorf("%q", lines)
		}
	})
}

// A name that was cut off is no file's. The playlist waits for its next closing, also if its writer
// was killed and leaves it so for long.
func TestPlaylistThatWasCutOffIsNeverPublished(t *testing.T) {
	const key = "g/s/playlist.m3u8"
	whole := playlist(1, 2)
	for name, cut := range map[string]string{
		"in a segment": strings.TrimSuffix(whole, ".ts\r\n"),
		"in a key":     whole + `#EXT-X-KEY:METHOD=AES-128,URI="a.ke`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				for _, file := range []string{"1.ts", "2.ts", "a.key"} {
					d.close("g/s/"+file, "x")
				}
				d.close(key, cut)
				for range 10 {
					time.Sleep(10 * time.Second)
					d.closed(key)
				}
				if got := d.bucket.content(key); got != "" {
					t.Errorf("the bucket has %q", got)
				}
				if n := len(d.log.lines(slog.LevelWarn, "manifest is not published")); n == 0 {
					t.Error("nothing is logged")
				}
				d.close(key, whole)
				settle()
				if got := d.bucket.content(key); got != whole {
					t.Errorf("whole, the bucket has %q", got)
				}
			})
		})
	}
}

// The file that is named last may come later than the playlist.
func TestPlaylistWithoutAFinalLineEndWaitsForItsLastFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", unendedList(1, 2))
		time.Sleep(5 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != "" {
			t.Errorf("before, the bucket has %q", got)
		}
		d.close("g/s/2.ts", "x")
		time.Sleep(6 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != unendedList(1, 2) {
			t.Errorf("the bucket has %q", got)
		}
		if lines := d.log.lines(slog.LevelWarn, ""); len(lines) > 0 {
			t.Errorf("%q", lines)
		}
	})
}
