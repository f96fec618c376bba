package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/internal/long"
	"ems-sidecar/uploader/archive"
)

// A mortalStore fails every request once it is dead, as if the process were.
type mortalStore struct {
	*bucket
	dead atomic.Bool
}

var errDead = errors.New("the process was killed")

func (s *mortalStore) Put(ctx context.Context, o Object) error {
	if s.dead.Load() {
		return errDead
	}
	return s.bucket.Put(ctx, o)
}

func (s *mortalStore) Delete(ctx context.Context, keys []string) error {
	if s.dead.Load() {
		return errDead
	}
	return s.bucket.Delete(ctx, keys)
}

// killed ends the uploader at once, and starts another one.
func (d *desk) killed(ended chan struct{}) chan struct{} {
	d.t.Helper()
	d.dest.Store.(*mortalStore).dead.Store(true)
	d.end()
	<-ended
	dest := &Destination{Destination: d.dest.Destination, Store: &mortalStore{bucket: d.bucket}}
	d.dest = dest
	return d.restarted(ended)
}

// newArchiveDesk returns a desk whose streams are archived, and whose process can be killed.
func newArchiveDesk(t *testing.T) *desk {
	d := newDesk(t, Settings{})
	d.up.settings.DrainTimeout = time.Second
	d.dest.Store, d.dest.Archive = &mortalStore{bucket: d.bucket}, true
	time.Sleep(10 * time.Minute) // the first segment began before that
	return d
}

// archived returns the playlists below g/s/archive, in order, and the segments of each.
func (d *desk) archived() (names []string, segments map[string][]string) {
	d.t.Helper()
	segments = make(map[string][]string)
	for _, key := range d.bucket.keys() {
		p, ok := strings.CutPrefix(key, "g/s/")
		if _, is := archive.ParseName(p); !ok || !is {
			continue
		}
		names = append(names, p)
		segments[p] = d.segmentsOf(key)
	}
	return names, segments
}

func (d *desk) segmentsOf(key string) (names []string) {
	d.t.Helper()
	list, err := hls.Parse([]byte(d.bucket.content(key)))
	if err != nil {
		d.t.Fatalf("%s: %v", key, err)
	}
	for _, s := range list.Segments {
		names = append(names, path.Join(path.Dir(key), s.URI))
	}
	return names
}

// numbers returns the segments of g/s from first to last.
func numbers(first, last int) (names []string) {
	for n := first; n <= last; n++ {
		names = append(names, fmt.Sprintf("g/s/%d.ts", n))
	}
	return names
}

// end ends the stream g/s behind a segment.
func (d *desk) endStream(last int) {
	d.close("g/s/playlist.m3u8", playlist(last-4, last, "#EXT-X-ENDLIST"))
}

// A stream of 70 minutes has two hours in the archive, and a playlist of both at its end.
func TestStreamIsArchivedByHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.start()
		d.roll(1, 1050)
		d.endStream(1050)
		time.Sleep(time.Minute)
		names, segments := d.archived()
		const dir = "archive/2000-01-01T00-09-56Z/"
		want := []string{dir + "2000-01-01T00-09-56Z.m3u8", dir + "2000-01-01T01-00-00Z.m3u8", dir + "playlist.m3u8"}
		if !slices.Equal(names, want) {
			t.Fatalf("the archive has %q, want %q", names, want)
		}
		if !slices.Equal(slices.Concat(segments[names[0]], segments[names[1]]), numbers(1, 1050)) {
			t.Errorf("the hours have %d and %d segments", len(segments[names[0]]), len(segments[names[1]]))
		}
		if !slices.Equal(segments[names[2]], numbers(1, 1050)) {
			t.Errorf("the whole has %d segments", len(segments[names[2]]))
		}
		if h := d.bucket.header("g/s/" + names[2]); h != "application/vnd.apple.mpegurl; max-age=3600" {
			t.Errorf("the whole has the headers %s", h)
		}
	})
}

// The archive goes on after a restart, and after a kill, of which it lists what it had not yet listed.
func TestArchiveGoesOnAfterTheProcess(t *testing.T) {
	for name, stop := range map[string]func(d *desk, ended chan struct{}) chan struct{}{
		"it was stopped": (*desk).restarted,
		"it was killed":  (*desk).killed,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newArchiveDesk(t)
				ended := d.start()
				d.roll(1, 100)
				ended = stop(d, ended)
				d.roll(101, 200)
				stop(d, ended)
				d.roll(201, 220)
				d.endStream(220)
				time.Sleep(time.Minute)
				names, segments := d.archived()
				if len(names) != 2 || !slices.Equal(segments[names[1]], numbers(1, 220)) {
					t.Errorf("the archive has %q; the whole has %v", names, segments[names[len(names)-1]])
				}
				if text := d.bucket.content("g/s/" + names[1]); strings.Contains(text, "DISCONTINUITY") || strings.Count(text, "EXTINF:4.000") != 220 {
					t.Errorf("the whole has a seam, or other durations:\n%s", text)
				}
				if lines := d.log.lines(slog.LevelWarn, "hole"); len(lines) > 0 {
					t.Errorf("the log has %q", lines)
				}
			})
		})
	}
}

// With delete = mirror, what an archive names stays, also that of an earlier process; and what it does
// not name is deleted. The bucket of these tests fails if anything is deleted that a playlist names.
func TestR2MirrorKeepsWhatAnArchiveNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.mirror()
		ended := d.start()
		d.roll(1, 100)
		ended = d.killed(ended)
		d.roll(101, 130) // EMS deletes chunks of the run before
		time.Sleep(overdue)
		d.end()
		<-ended
		d.dest = &Destination{Destination: d.dest.Destination, Store: d.bucket}
		d.dest.Archive = false // what was archived stays all the same
		d.restarted(ended)
		d.roll(131, 160)
		time.Sleep(overdue)
		names, segments := d.archived()
		if want := numbers(1, 130); len(names) != 1 || !slices.Equal(segments[names[0]], want) {
			t.Errorf("the archive has %q", segments)
		}
		d.wantThere(numbers(1, 130)...)
		d.wantGone(numbers(131, 145)...)
	})
}

// The DVR playlist lists more than the live one, goes on after a kill, and keeps its chunks as long as it
// names them.
func TestDVRKeepsItsChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.dest.Archive, d.dest.DVR = false, 10*time.Minute
		d.mirror()
		ended := d.start()
		d.roll(1, 200)
		d.killed(ended)
		d.roll(201, 300)
		time.Sleep(overdue)
		listed := d.segmentsOf("g/s/dvr.m3u8")
		if n := len(listed); n < 150 || n >= 166 || listed[n-1] != "g/s/300.ts" {
			t.Errorf("it has %d segments, the last %s", n, listed[n-1])
		}
		d.wantThere(listed...)
		d.wantGone(numbers(1, 30)...) // what left it just before the kill stays, as ever
		d.wantGone(numbers(60, 130)...)
		if h := d.bucket.header("g/s/dvr.m3u8"); h != "application/vnd.apple.mpegurl; max-age=2" {
			t.Errorf("it has the headers %s", h)
		}
		d.endStream(300)
		time.Sleep(time.Minute)
		if !strings.HasSuffix(d.bucket.content("g/s/dvr.m3u8"), "#EXT-X-ENDLIST\r\n") {
			t.Error("it does not end with the live playlist")
		}
	})
}

// On a slow line, the live playlist jumps, and what it passed is uploaded later. The archive waits for it,
// and goes on behind a seam if it does not come.
func TestArchiveWaitsForWhatTheLivePlaylistPassed(t *testing.T) {
	for name, comes := range map[string]bool{"it comes": true, "it does not come": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newArchiveDesk(t)
				d.mirror()
				d.start()
				d.roll(1, 20)
				d.live("g/s", 31, 35, 4*time.Second)
				want := slices.Concat(numbers(1, 20), numbers(31, 35))
				if comes {
					want = numbers(1, 35)
					for n := 21; n <= 30; n++ {
						d.close(fmt.Sprintf("g/s/%d.ts", n), "late")
						d.remove(fmt.Sprintf("g/s/%d.ts", n))
					}
				}
				time.Sleep(overdue)
				d.endStream(35)
				time.Sleep(time.Minute)
				names, segments := d.archived()
				whole := names[len(names)-1]
				if !slices.Equal(segments[whole], want) {
					t.Errorf("the whole has %v", segments[whole])
				}
				seams := strings.Count(d.bucket.content("g/s/"+whole), "#EXT-X-DISCONTINUITY\r\n")
				lines := len(d.log.lines(slog.LevelWarn, "hole"))
				if comes && seams+lines != 0 || !comes && (seams != 1 || lines != 1) {
					t.Errorf("%d seams, %d lines", seams, lines)
				}
			})
		})
	}
}

var daySegments = long.Int("day", 1100, 21_600, "how many segments of 4 s the archive of a day has")

// A stream of a day, with kills and delete = mirror: nothing is missing in the whole broadcast, which is
// made of its hours, nor in a clip of all of it.
func TestArchiveOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.mirror()
		ended := d.start()
		n, killed := daySegments(), 0
		for first := 1; first <= n; first += n / 4 {
			last := min(n, first+n/4-1)
			d.roll(first, last)
			if last < n {
				ended = d.killed(ended)
				killed++
			}
		}
		c, segments, err := d.clip(ClipRequest{From: "-48h", Name: "all"})
		if err != nil || !slices.Equal(segments, numbers(1, n)) || c.Seams != 0 {
			t.Errorf("the clip %+v has %d segments, %v", c, len(segments), err)
		}
		d.endStream(n)
		time.Sleep(2 * time.Minute)
		names, listed := d.archived()
		whole := names[len(names)-1]
		if !slices.Equal(listed[whole], numbers(1, n)) || len(names) != 1+(n*4+600)/3600+1 {
			t.Errorf("the whole %s of %d playlists has %d segments", whole, len(names), len(listed[whole]))
		}
		d.wantThere(numbers(1, n)...)
		puts, bytes := 0, 0
		for _, key := range d.bucket.sent() {
			if strings.Contains(key, "/archive/") {
				puts++
			}
		}
		for _, name := range names {
			bytes += len(d.bucket.content("g/s/" + name))
		}
		t.Logf("%d segments, %d kills; %d playlists of %d bytes, the whole %d, and %d puts of them since the last kill; a clip of all has %d bytes",
			n, killed, len(names), bytes, len(d.bucket.content("g/s/"+whole)), puts, len(d.bucket.content(c.Key)))
	})
}

// Archives and clips expire by the time of their last PUT, with the chunks that nothing else names. What a
// clip or an hour that stays names, stays. That of streams that are gone from the disk expires, too.
func TestArchivesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.mirror()
		d.dest.ArchiveKeep = 3 * time.Hour
		ended := d.start()
		d.roll(1, 1800) // two hours
		if _, _, err := d.clip(ClipRequest{From: "-90m", To: "-89m", Name: "goal"}); err != nil {
			t.Fatal(err)
		}
		d.endStream(1800)
		time.Sleep(time.Minute)
		before, _ := d.archived()
		if len(before) != 4 {
			t.Fatalf("the archive has %q", before)
		}
		time.Sleep(2 * time.Hour) // the first hour was put last three hours ago, but the whole names its chunks
		if now, _ := d.archived(); len(now) != 3 {
			t.Errorf("the archive has %q", now)
		}
		d.wantThere(numbers(1, 1800)...)
		d.removeAll("g/s")
		d.end()
		<-ended
		d.dest = &Destination{Destination: d.dest.Destination, Store: &mortalStore{bucket: d.bucket}}
		d.restarted(ended)
		d.live("g/other", 1, 5, time.Second)
		time.Sleep(4 * time.Hour)
		if now, _ := d.archived(); len(now) != 0 {
			t.Errorf("the archive has %q", now)
		}
		d.wantGone("g/s/clips/goal/playlist.m3u8")
		d.wantGone(numbers(1, 1795)...)
		d.wantThere(numbers(1796, 1800)...) // the live playlist in the bucket names them
		d.wantThere("g/other/1.ts")
		if n := len(d.log.lines(slog.LevelInfo, "archive has expired")); n < 2 {
			t.Errorf("%d lines", n)
		}
	})
}

// Of a stream that stops without an end, the last chunks are listed after two minutes. After an hour, the
// broadcast has ended.
func TestArchiveOfAStreamThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.start()
		d.roll(1, 20)
		time.Sleep(archive.Idle + time.Second)
		if names, segments := d.archived(); len(names) != 1 || !slices.Equal(segments[names[0]], numbers(1, 20)) {
			t.Errorf("the archive has %v", segments)
		}
		time.Sleep(archive.Away)
		names, segments := d.archived()
		if len(names) != 2 || !slices.Equal(segments[names[1]], numbers(1, 20)) || !strings.HasSuffix(d.bucket.content("g/s/"+names[0]), "#EXT-X-ENDLIST\r\n") {
			t.Errorf("the archive has %v", segments)
		}
		d.roll(21, 40)
		time.Sleep(archive.Idle + time.Second)
		if names, segments := d.archived(); len(names) != 3 || !slices.Equal(segments[names[2]], numbers(21, 40)) {
			t.Errorf("the next archive has %q %v", names, segments[names[len(names)-1]])
		}
	})
}
