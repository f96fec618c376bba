package uploader

import (
	"context"
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
)

// vod publishes an ended playlist of n segments.
func (d *desk) vod(n int) {
	for k := 1; k <= n; k++ {
		d.close(fmt.Sprintf("g/s/%d.ts", k), fmt.Sprint("chunk ", k))
	}
	d.close("g/s/playlist.m3u8", playlist(1, n, "#EXT-X-ENDLIST"))
}

// What the store loses is there again after a minute or two: of a live manifest itself and the
// newest chunk, and of one that has ended, or does not move, all that it names.
func TestObjectThatTheStoreLosesIsUploadedAgain(t *testing.T) {
	live := func(d *desk, first, last int) { d.live("g/s", first, last, 4*time.Second) }
	for _, c := range []struct {
		name   string
		before func(d *desk)
		lost   []string
		after  func(d *desk)
		within time.Duration
	}{
		{"the newest chunk", func(d *desk) { live(d, 1, 30) }, []string{"g/s/30.ts"}, nil, 2 * time.Minute},
		{"the playlist of a live stream that goes on", func(d *desk) { live(d, 1, 30) }, []string{"g/s/playlist.m3u8"},
			func(d *desk) { live(d, 31, 32) }, 0},
		{"the playlist of a live stream that stands still", func(d *desk) { live(d, 1, 30) }, []string{"g/s/playlist.m3u8"}, nil, 3 * time.Minute},
		{"a chunk of a stream that stands still", func(d *desk) { live(d, 1, 30) }, []string{"g/s/27.ts"}, nil, 3 * time.Minute},
		{"all of a stream that has ended", func(d *desk) { d.vod(5) },
			[]string{"g/s/playlist.m3u8", "g/s/1.ts", "g/s/2.ts", "g/s/3.ts", "g/s/4.ts", "g/s/5.ts"}, nil, 65 * time.Second},
		{"a chunk of a stream that has ended", func(d *desk) { d.vod(5) }, []string{"g/s/3.ts"}, nil, 65 * time.Second},
		{"chunks of a long stream that has ended", func(d *desk) { d.vod(300) }, []string{"g/s/7.ts", "g/s/300.ts"}, nil, 65 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				c.before(d)
				time.Sleep(2 * time.Second)
				d.wantThere(c.lost...)
				d.bucket.mu.Lock()
				for _, key := range c.lost {
					delete(d.bucket.objects, key)
				}
				d.bucket.mu.Unlock()
				if c.after != nil {
					c.after(d)
				}
				time.Sleep(c.within)
				d.wantThere(c.lost...)
				if f, _ := d.up.Figures(t.Context()); f.Lost != 0 {
					t.Errorf("%d objects are counted as lost", f.Lost)
				}
			})
		})
	}
}

func TestInitSegmentThatTheStoreLosesIsUploadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		d.start()
		d.close("g/s/video/1/seg_init.mp4", "init")
		d.close("g/s/audio/1/seg_init.mp4", "init")
		d.segments("a", 1)
		d.close("g/manifest.mpd", strings.Replace(mpd(1, 1), "dynamic", "static", 1))
		time.Sleep(2 * time.Second)
		d.wantThere("g/manifest.mpd")
		d.bucket.mu.Lock()
		delete(d.bucket.objects, "g/s/video/1/seg_init.mp4")
		d.bucket.mu.Unlock()
		time.Sleep(time.Minute)
		d.wantThere("g/s/video/1/seg_init.mp4")
	})
}

// What the store loses and the disk has no more is one error, and counted as lost.
func TestObjectThatTheStoreLosesForGoodIsLoggedAndCounted(t *testing.T) {
	for name, lost := range map[string]string{"a chunk": "g/s/3.ts", "the playlist": "g/s/playlist.m3u8"} {
		for _, reported := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, its deletion from the disk reported %v", name, reported), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDesk(t, Settings{})
					d.start()
					d.vod(5)
					time.Sleep(4 * time.Minute) // no late PUT is waited for any more
					d.close("g/s/playlist.m3u8", playlist(1, 5, "#EXT-X-ENDLIST", ""))
					time.Sleep(2 * time.Second)
					if err := os.Remove(filepath.Join(d.dir, lost)); err != nil {
						t.Fatal(err)
					}
					if reported {
						d.gone(lost)
					}
					d.bucket.mu.Lock()
					delete(d.bucket.objects, lost)
					d.bucket.mu.Unlock()
					time.Sleep(7 * time.Minute) // it is looked for twice
					if f, _ := d.up.Figures(t.Context()); f.Lost != 1 {
						t.Errorf("%d objects are counted as lost, want 1", f.Lost)
					}
					if lines := d.log.lines(slog.LevelError, "is lost"); len(lines) != 1 || !strings.Contains(lines[0], "stream=g/s") || !strings.Contains(lines[0], "key="+lost) {
						t.Errorf("%q", lines)
					}
				})
			})
		}
	}
}

// A bucket that refused everything may be another one when it is back: what viewers see is looked
// for in it.
func TestBucketThatComesBackEmptyIsFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var refused atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if refused.Load() {
				return fmt.Errorf("%w: %w", ErrPermanent, ErrBucket)
			}
			return nil
		}
		d.start()
		d.live("g/quiet", 1, 5, 0)
		d.live("g/s", 1, 5, 4*time.Second)
		settle()
		d.bucket.mu.Lock()
		refused.Store(true)
		clear(d.bucket.objects)
		d.bucket.mu.Unlock()
		d.close("g/s/6.ts", "x")
		settle()
		refused.Store(false)
		time.Sleep(3 * time.Minute)
		d.wantThere("g/quiet/playlist.m3u8", "g/quiet/1.ts", "g/quiet/5.ts", "g/s/playlist.m3u8", "g/s/1.ts", "g/s/6.ts")
	})
}

// A store that does not tell what it has is not sent everything again. Only the playlist is, once:
// a PUT of the daemon's earlier run could have replaced it.
func TestChunksThatTheStoreDoesNotTellOfAreNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.Store = silentStore{d.bucket}
		d.start()
		d.vod(5)
		time.Sleep(10 * time.Minute)
		sent := d.bucket.sent()
		slices.Sort(sent)
		if want := []string{"g/s/1.ts", "g/s/2.ts", "g/s/3.ts", "g/s/4.ts", "g/s/5.ts", "g/s/playlist.m3u8", "g/s/playlist.m3u8"}; !slices.Equal(sent, want) {
			t.Errorf("the PUTs are %q, want %q", sent, want)
		}
	})
}
