package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A stream ends during an outage and its files are deleted: all that is left to do are questions, which are
// no probes, so nothing ever finds out that the bucket is back.
func TestSuspectLaneThatOnlyQuestionsWaitForOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var broken atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if broken.Load() {
				return fmt.Errorf("403 InvalidAccessKeyId: %w", errors.Join(ErrPermanent, ErrBucket))
			}
			return nil
		}
		d.bucket.mayMiss["g/s/2.ts"] = true
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		settle()
		broken.Store(true)
		d.close("g/s/2.ts", "x")
		settle()
		d.close("g/s/playlist.m3u8", playlist(1, 2, "#EXT-X-ENDLIST"))
		d.remove("g/s/1.ts")
		d.remove("g/s/2.ts")
		time.Sleep(time.Minute)
		broken.Store(false)
		time.Sleep(time.Hour)
		if !strings.Contains(d.bucket.content("g/s/playlist.m3u8"), "ENDLIST") {
			t.Errorf("an hour after the bucket is back, the end is not there; log %q", d.log.lines(slog.LevelInfo, ""))
		}
	})
}

// An init segment or a key has the same name in each run, and makes a new start no old playlist.
func TestSuspectNewStartWithTheSameInitSegmentIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.start()
		withMap := func(first, last int, run string) string {
			p := strings.ReplaceAll(playlist(first, last), ".ts", run+".ts")
			return strings.Replace(p, "#EXTINF", "#EXT-X-MAP:URI=\"init.mp4\"\r\n#EXTINF", 1)
		}
		d.write("g/s/init.mp4", "init")
		for _, run := range []string{"a", "b"} {
			for n := 1; n <= 30; n++ {
				d.write(fmt.Sprintf("g/s/%d%s.ts", n, run), "x")
				d.close("g/s/playlist.m3u8", withMap(max(1, n-4), n, run))
				d.closed(fmt.Sprintf("g/s/%d%s.ts", n, run))
				time.Sleep(4 * time.Second)
				if run == "b" && n == 10 {
					break
				}
			}
		}
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 6 {
			t.Errorf("media sequence %d is published, want 6 of the second run; %d warnings", got,
				len(d.log.lines(slog.LevelWarn, "went back")))
		}
	})
}

// What made the old content wait says nothing about the new.
func TestSuspectNewContentDoesNotServeTheOldOnesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/1.ts" && d.bucket.count(key) == 1 {
				return fmt.Errorf("400 BadRequest: %w", ErrPermanent)
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "x")
		settle()
		d.close("g/s/1.ts", "xx")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		time.Sleep(2 * time.Second)
		if d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Error("2s after the new content is closed, it is not there")
		}
	})
}
