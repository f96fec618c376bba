package uploader

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// vanish deletes chunks of g/s before anything was seen of them.
func (d *desk) vanish(from, to int) {
	for n := from; n <= to; n++ {
		d.bucket.mayMiss[fmt.Sprintf("g/s/%d.ts", n)] = false // R2 is checked at each PUT
		if err := os.Remove(filepath.Join(d.dir, fmt.Sprintf("g/s/%d.ts", n))); err != nil {
			d.t.Fatal(err)
		}
	}
}

// When EMS deletes the newest chunks at the end of a stream before they were seen, no playlist is
// published that names them, and viewers learn of the end.
func TestR2EndOfAStreamNamesNothingThatWasDeletedUnseen(t *testing.T) {
	const end = "#EXT-X-ENDLIST"
	for _, c := range []struct {
		name   string
		unseen int    // chunks after the fifth that are deleted unseen
		last   string // the playlist that EMS leaves
		want   string
	}{
		{"one chunk", 1, playlist(2, 6, end), playlist(2, 5, end)},
		{"two chunks", 2, playlist(3, 7, end), playlist(3, 5, end)},
		{"no end is written", 1, playlist(2, 6), playlist(1, 5)},
		{"nothing of it is there", 5, playlist(6, 10, end), playlist(1, 5)},
	} {
		for _, deleted := range []bool{false, true} { // the playlist, too
			for _, restarted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, playlist deleted %v, restarted %v", c.name, deleted, restarted), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						d := newDesk(t, Settings{})
						ended := d.start()
						d.live("g/s", 1, 5, 4*time.Second)
						for n := range c.unseen {
							d.write(fmt.Sprintf("g/s/%d.ts", 6+n), "x")
						}
						d.write("g/s/playlist.m3u8", c.last)
						d.vanish(6, 5+c.unseen)
						d.closed("g/s/playlist.m3u8")
						if deleted {
							d.remove("g/s/playlist.m3u8")
						}
						time.Sleep(2 * time.Minute)
						if restarted {
							d.restarted(ended)
							time.Sleep(2 * time.Minute)
							if n := len(d.bucket.sent()); n != 0 {
								t.Errorf("%d PUTs after a restart", n)
							}
						}
						if got := d.bucket.content("g/s/playlist.m3u8"); got != c.want {
							t.Errorf("viewers see %q", got)
						}
						if len(d.log.lines(slog.LevelWarn, "chunk is lost")) == 0 {
							t.Error("the loss is not logged")
						}
					})
				})
			}
		}
	}
}

// When a live stream goes on, viewers see its next playlist, with what is missing in its middle.
func TestStreamGoesOnAfterAChunkThatWasDeletedUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.live("g/s", 1, 5, 4*time.Second)
		d.write("g/s/6.ts", "x")
		d.write("g/s/playlist.m3u8", playlist(2, 6))
		d.vanish(6, 6)
		d.closed("g/s/playlist.m3u8")
		time.Sleep(4 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 5) {
			t.Errorf("viewers see %q", got)
		}
		d.bucket.mayMiss["g/s/6.ts"] = true
		d.write("g/s/7.ts", "y")
		d.close("g/s/playlist.m3u8", playlist(3, 7))
		d.closed("g/s/7.ts")
		time.Sleep(4 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != gapped(playlist(3, 7), "6.ts") {
			t.Errorf("viewers see %q", got)
		}
		d.close("g/s/playlist.m3u8", playlist(3, 7, "#EXT-X-ENDLIST"))
		settle()
		if got := d.bucket.content("g/s/playlist.m3u8"); got != gapped(playlist(3, 7, "#EXT-X-ENDLIST"), "6.ts") {
			t.Errorf("viewers see %q", got)
		}
	})
}

// What the playlist still names when it ends earlier is waited for.
func TestR2PlaylistThatEndsEarlierWaitsForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var away atomic.Bool
		away.Store(true)
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/5.ts" && away.Load() {
				return ErrPermanent
			}
			return nil
		}
		d.start()
		d.live("g/s", 1, 4, 4*time.Second)
		d.close("g/s/5.ts", "x")
		d.write("g/s/6.ts", "x")
		d.write("g/s/playlist.m3u8", playlist(2, 6, "#EXT-X-ENDLIST"))
		d.vanish(6, 6)
		d.closed("g/s/playlist.m3u8")
		time.Sleep(5 * time.Minute)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 4) {
			t.Errorf("viewers see %q", got)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(2, 5, "#EXT-X-ENDLIST") {
			t.Errorf("viewers see %q at last", got)
		}
	})
}

// gapped returns the playlist with a gap for a chunk that can never arrive.
func gapped(playlist, chunk string) string {
	segment := "#EXTINF:4.000,\r\n" + chunk
	return strings.Replace(playlist, segment, "#EXT-X-GAP\r\n"+segment, 1)
}

// A daemon that is stopped publishes the ends of the streams that have left the disk: the next one would
// not learn of them. The others wait for it, and so do those that have only just stopped: the host may be
// starting again.
func TestR5EndOfAStreamThatHasLeftTheDiskDoesNotWaitForTheNextStart(t *testing.T) {
	for name, c := range map[string]struct {
		left  bool
		since time.Duration
		ends  bool
	}{
		"it has left":             {true, 40 * time.Second, true},
		"it has left just now":    {true, 10 * time.Second, false},
		"it is still on the disk": {false, 40 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.dest.ReconnectWindow = time.Minute
				d.dest.now.Store(&terms{window: time.Minute})
				ended := d.start()
				d.live("g/s", 1, 5, 4*time.Second)
				d.close("g/s/playlist.m3u8", playlist(1, 5, "#EXT-X-ENDLIST"))
				settle()
				if c.left {
					for _, name := range d.files() {
						d.remove(name)
					}
				}
				time.Sleep(c.since)
				if got := d.bucket.content("g/s/playlist.m3u8"); strings.Contains(got, "#EXT-X-ENDLIST") {
					t.Errorf("the end does not wait:\n%s", got)
				}
				d.end()
				<-ended
				got := d.bucket.content("g/s/playlist.m3u8")
				if strings.HasSuffix(got, "5.ts\r\n#EXT-X-ENDLIST\r\n") != c.ends || !strings.Contains(got, "5.ts") {
					t.Errorf("the daemon leaves\n%s", got)
				}
			})
		})
	}
}

// A playlist that says that it is a recording is published as it is: as a live one without its end, it
// would have viewers begin where it ends.
func TestR5EndOfAPlaylistOfTypeVODDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.ReconnectWindow = time.Minute
		d.start()
		whole := strings.Replace(playlist(1, 3, "#EXT-X-ENDLIST"), "#EXTM3U\r\n", "#EXTM3U\r\n#EXT-X-PLAYLIST-TYPE:VOD\r\n", 1)
		for n := 1; n <= 3; n++ {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
		}
		d.close("g/s/playlist.m3u8", whole)
		settle()
		if got := d.bucket.content("g/s/playlist.m3u8"); got != whole {
			t.Errorf("published is\n%s\nwant\n%s", got, whole)
		}
	})
}

// When an encoder drops, EMS makes a VOD of an appending list. For those who watch, it is a live stream.
func TestR5EndOfAnAppendingPlaylistWaitsAlthoughItIsAVODThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.ReconnectWindow = time.Minute
		d.start()
		typed := func(kind string, n int, end string) string {
			return strings.Replace(playlist(1, n, end), "#EXTM3U\r\n", "#EXTM3U\r\n#EXT-X-PLAYLIST-TYPE:"+kind+"\r\n", 1)
		}
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", typed("EVENT", 1, ""))
		settle()
		d.close("g/s/2.ts", "x")
		d.close("g/s/playlist.m3u8", typed("VOD", 2, "#EXT-X-ENDLIST"))
		settle()
		if got := d.bucket.content("g/s/playlist.m3u8"); strings.Contains(got, "ENDLIST") || !strings.Contains(got, "2.ts") {
			t.Errorf("in the window, published is\n%s", got)
		}
		time.Sleep(2 * time.Minute)
		settle()
		if got, want := d.bucket.content("g/s/playlist.m3u8"), typed("VOD", 2, "#EXT-X-ENDLIST"); got != want {
			t.Errorf("after it, published is\n%s\nwant\n%s", got, want)
		}
	})
}

// So it is if the run was over before any list of it was published, and viewers had the end of another.
func TestR5EndOfAShortAppendingRunWaitsAfterAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.ReconnectWindow = time.Minute
		d.start()
		run := func(began int, chunks int) {
			list := "#EXTM3U\r\n#EXT-X-PLAYLIST-TYPE:VOD\r\n#EXT-X-TARGETDURATION:2\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n"
			for n := 1; n <= chunks; n++ {
				name := fmt.Sprintf("segment_%d_%d.ts", began, n)
				d.close("g/s/"+name, "x")
				list += "#EXTINF:2.000,\r\n" + name + "\r\n"
			}
			d.close("g/s/playlist.m3u8", list+"#EXT-X-ENDLIST\r\n")
			settle()
		}
		const began = 1796073633139
		run(began, 3)
		if got := d.bucket.content("g/s/playlist.m3u8"); !strings.Contains(got, "_3.ts") || strings.Contains(got, "ENDLIST") {
			t.Errorf("in the window of the first run, published is\n%s", got)
		}
		time.Sleep(5 * time.Minute)
		run(began+300_000, 1)
		want := fmt.Sprintf("segment_%d_1.ts", began+300_000)
		if got := d.bucket.content("g/s/playlist.m3u8"); !strings.Contains(got, want) || strings.Contains(got, "ENDLIST") {
			t.Errorf("in the window of the second run, published is\n%s", got)
		}
		time.Sleep(2 * time.Minute)
		settle()
		if got := d.bucket.content("g/s/playlist.m3u8"); !strings.Contains(got, want) || !strings.Contains(got, "ENDLIST") {
			t.Errorf("after it, published is\n%s", got)
		}
	})
}
