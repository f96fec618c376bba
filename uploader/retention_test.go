package uploader

import (
	"context"
	"errors"
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

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// mirror has objects follow their files after a minute.
func (d *desk) mirror() {
	d.dest.Delete, d.dest.DeleteDelay = true, time.Minute
}

// overdue is long enough for any deletion that is due after mirror's delay, and for one more after
// that.
const overdue = 5 * time.Minute

// removeAll removes the directory and reports each file in it, as a watcher would.
func (d *desk) removeAll(dir string) {
	d.t.Helper()
	var names []string
	err := filepath.WalkDir(filepath.Join(d.dir, dir), func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(d.dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err := errors.Join(err, os.RemoveAll(filepath.Join(d.dir, dir))); err != nil {
		d.t.Fatal(err)
	}
	for _, name := range names {
		d.gone(name)
	}
}

// gone reports the name to be gone, whether it is or not.
func (d *desk) gone(name string) {
	d.report(func() { d.each(func(src *Source) { src.Removed(d.ctx, name) }) })
}

// roll plays the segments of g/s as a rolling stream of EMS does that keeps five old ones.
func (d *desk) roll(first, last int) {
	for n := first; n <= last; n++ {
		d.write(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
		d.close("g/s/playlist.m3u8", playlist(max(1, n-4), n))
		if old := n - 10; old >= 1 {
			d.remove(fmt.Sprintf("g/s/%d.ts", old))
		}
		d.closed(fmt.Sprintf("g/s/%d.ts", n))
		time.Sleep(4 * time.Second) // in a bubble: no time passes
	}
}

func (d *desk) wantThere(keys ...string) {
	d.t.Helper()
	for _, key := range keys {
		if !d.bucket.has(key) {
			d.t.Errorf("%s is not in the bucket any more", key)
		}
	}
}

func (d *desk) wantGone(keys ...string) {
	d.t.Helper()
	for _, key := range keys {
		if d.bucket.has(key) {
			d.t.Errorf("%s is still in the bucket", key)
		}
	}
}

func TestObjectFollowsItsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.close("g/s/1.ts", "x")
		d.live("g/s", 2, 3, time.Second)
		d.remove("g/s/1.ts")
		time.Sleep(time.Minute - time.Second)
		d.wantThere("g/s/1.ts")
		time.Sleep(12 * time.Second)
		d.wantGone("g/s/1.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/2.ts", "g/s/3.ts", "g/s/playlist.m3u8")
		if f, _ := d.up.Figures(t.Context()); f.Deleted != 1 {
			t.Errorf("%d deletions are counted", f.Deleted)
		}
		if n := len(d.log.lines(slog.LevelInfo, "deleted=1")); n != 1 {
			t.Errorf("%d minutes' lines tell of one deletion, want 1", n)
		}
		if known := d.names(); known != 3 {
			t.Errorf("%d files are known, want the 3 that are there", known)
		}
	})
}

func TestNothingIsDeletedUnlessAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.roll(1, 20)
		d.removeAll("g")
		time.Sleep(overdue)
		if n := len(d.bucket.keys()); n != 21 {
			t.Errorf("the bucket has %d objects, want 21", n)
		}
	})
}

// A rolling stream leaves in the bucket what is on disk, and what was deleted there within the last
// minute or so.
func TestRollingStreamLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.roll(1, 200)
		if n := len(d.bucket.keys()); n < 11+14 || n > 11+14+4 {
			t.Errorf("the bucket has %d objects", n)
		}
		if n := len(d.log.lines(slog.LevelInfo, "objects deleted")); n != 0 {
			t.Errorf("%d lines on single deletions", n)
		}
	})
}

// A playlist that cannot be published keeps the published one's chunks, and they get their delay
// from when it can.
func TestWhatThePublishedManifestNamesIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		var away atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if away.Load() && strings.HasSuffix(key, ".m3u8") {
				return errors.New("reset")
			}
			return nil
		}
		d.start()
		d.roll(1, 5)
		away.Store(true)
		d.roll(6, 30)
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts", "g/s/5.ts")
		away.Store(false)
		time.Sleep(50 * time.Second)
		if d.bucket.sequence("g/s/playlist.m3u8") != 26 {
			t.Fatal("the new playlist is not published")
		}
		d.wantThere("g/s/1.ts", "g/s/5.ts")
		time.Sleep(overdue)
		d.wantGone("g/s/1.ts", "g/s/5.ts")
	})
}

func TestWhatAWaitingManifestNamesIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		var away atomic.Bool
		away.Store(true)
		d.bucket.before = func(_ context.Context, key string) error {
			if away.Load() && key == "g/s/7.ts" {
				return errors.New("reset")
			}
			return nil
		}
		d.start()
		d.close("g/s/6.ts", "x")
		d.live("g/s", 1, 1, 0) // 6 is not in the published playlist, but in the one that waits for 7
		d.close("g/s/7.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(6, 7))
		d.remove("g/s/6.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/6.ts")
		away.Store(false)
		time.Sleep(overdue)
		if d.bucket.sequence("g/s/playlist.m3u8") != 6 {
			t.Error("the playlist is not published")
		}
		d.wantThere("g/s/6.ts")
	})
}

// An appending EMS deletes its playlist at each chunk and creates it again a moment later.
func TestPlaylistThatIsDeletedAndCreatedAgainStays(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.mirror()
			d.dest.DeleteDelay = delay
			d.start()
			for n := 1; n <= 60; n++ {
				d.write(fmt.Sprintf("g/s/%d.ts", n), "x")
				if n > 1 {
					d.remove("g/s/playlist.m3u8")
					time.Sleep(time.Duration(n) * time.Millisecond)
				}
				d.close("g/s/playlist.m3u8", playlist(1, n))
				d.closed(fmt.Sprintf("g/s/%d.ts", n))
				time.Sleep(4 * time.Second)
			}
			if n := len(d.bucket.deleted()); n != 0 {
				t.Errorf("with a delay of %v, %q are deleted", delay, d.bucket.deleted())
			}
		})
	}
}

// A name that is on the disk keeps its object; and one that comes back is not
// gone.
func TestNameOnTheDiskKeepsItsObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/2.ts", "x")
		d.live("g/s", 3, 3, 0)
		d.gone("g/s/1.ts")
		d.remove("g/s/2.ts")
		time.Sleep(50 * time.Second)
		d.close("g/s/2.ts", "x")
		time.Sleep(30 * time.Second)
		d.remove("g/s/2.ts")
		time.Sleep(50 * time.Second)
		d.wantThere("g/s/1.ts", "g/s/2.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts")
		d.wantGone("g/s/2.ts")
	})
}

func TestNothingIsDeletedWhenTheDaemonEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		var slow atomic.Bool
		d.bucket.before = func(ctx context.Context, _ string) error {
			if slow.Load() {
				time.Sleep(15 * time.Second)
			}
			return nil
		}
		d.up.settings.MinThroughput = 1 // so that there is time for the slow one
		ended := d.start()
		d.close("g/s/1.ts", "x")
		d.live("g/s", 2, 3, 0)
		d.remove("g/s/1.ts")
		time.Sleep(58 * time.Second)
		slow.Store(true)
		d.close("g/s/4.ts", "a chunk that is being sent")
		settle()
		d.end()
		<-ended
		d.wantThere("g/s/1.ts", "g/s/4.ts")
		d.restart()
		d.start()
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts", "g/s/2.ts", "g/s/3.ts")
	})
}

// With cleanupDestination, EMS deletes all of a stream when it starts again.
func TestManyDeletionsAtOnceAreMadeInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.start()
		const old = 2300
		for n := 1; n <= old; n++ {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
		}
		d.close("g/s/playlist.m3u8", playlist(1, old))
		time.Sleep(4 * time.Second)
		for n := 1; n <= old; n++ {
			d.remove(fmt.Sprintf("g/s/%d.ts", n))
		}
		time.Sleep(4 * time.Second)
		d.close("g/s/new_1.ts", "x")
		d.close("g/s/playlist.m3u8", strings.ReplaceAll(playlist(1, 1), "1.ts", "new_1.ts"))
		time.Sleep(overdue)
		if keys := d.bucket.keys(); len(keys) != 2 {
			t.Errorf("the bucket has %d objects", len(keys))
		}
		var sizes []int
		for _, batch := range d.bucket.deleted() {
			sizes = append(sizes, len(batch))
		}
		if !slices.Equal(sizes, []int{1000, 1000, 300}) {
			t.Errorf("the requests delete %v objects", sizes)
		}
		if n := len(d.log.lines(slog.LevelInfo, "objects deleted")); n != 3 {
			t.Errorf("%d lines, want one for each request", n)
		}
	})
}

// Viewers must not meet a playlist of which the chunks are gone: it goes first, and the master
// before it.
func TestRemovedFolderGoesFromTheMasterDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.close("g/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n")
		d.live("g/s", 1, 3, 0)
		settle()
		d.removeAll("g/s")
		time.Sleep(time.Hour)
		d.wantThere("g/playlist.m3u8", "g/s/playlist.m3u8", "g/s/1.ts") // the master still names it
		d.removeAll("g")
		time.Sleep(2 * overdue)
		want := [][]string{{"g/playlist.m3u8"}, {"g/s/playlist.m3u8"}, {"g/s/1.ts", "g/s/2.ts", "g/s/3.ts"}}
		if got := d.bucket.deleted(); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("deleted in the order %q, want %q", got, want)
		}
		d.up.tell(t.Context(), func(s *publish.Schedule, now time.Time) { s.Sweep(now) })
		f, _ := d.up.Figures(t.Context())
		files, streams := d.names(), f.Streams
		if files != 0 || streams != 0 {
			t.Errorf("%d files and %d streams are still known", files, streams)
		}
		// The same stream comes back, with the same playlist.
		d.close("g/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n")
		d.live("g/s", 1, 3, 0)
		settle()
		d.wantThere("g/playlist.m3u8", "g/s/playlist.m3u8", "g/s/1.ts", "g/s/2.ts", "g/s/3.ts")
	})
}

// What EMS deletes before its upload is uploaded first.
func TestChunkOfTheSpoolIsDeletedAfterItsUpload(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.mirror()
			d.up.settings.DrainTimeout = time.Second
			away := d.bucket.outage()
			ended := d.start()
			d.close("g/s/1.ts", "x")
			d.live("g/s", 2, 3, 0)
			d.remove("g/s/1.ts")
			time.Sleep(3 * time.Minute)
			if restart {
				d.end()
				<-ended
				d.restart()
				d.start()
				d.closed("g/s/2.ts")
				d.closed("g/s/3.ts")
				d.closed("g/s/playlist.m3u8")
			}
			away.Store(false)
			time.Sleep(30 * time.Second)
			d.wantThere("g/s/1.ts", "g/s/playlist.m3u8")
			time.Sleep(20 * time.Second)
			d.wantThere("g/s/1.ts")
			time.Sleep(time.Minute)
			d.wantGone("g/s/1.ts")
		})
	}
}

// After a start, the bucket has the manifest of the run before, of which it is unknown what it
// names.
func TestWhatAManifestOfTheRunBeforeMayNameIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		ended := d.start()
		d.live("g/s", 1, 5, 0)
		settle()
		d.end()
		<-ended
		var stuck atomic.Bool
		stuck.Store(true)
		d.bucket.before = func(_ context.Context, key string) error {
			if stuck.Load() && key == "g/s/6.ts" {
				return errors.New("reset")
			}
			return nil
		}
		d.restart()
		d.start()
		for n := range 5 {
			d.closed(fmt.Sprintf("g/s/%d.ts", n+1))
		}
		d.close("g/s/6.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(2, 6))
		d.remove("g/s/1.ts")
		time.Sleep(time.Hour)
		d.wantThere("g/s/1.ts")
		stuck.Store(false)
		time.Sleep(overdue)
		d.wantGone("g/s/1.ts")
	})
}

// An operator moves recordings away to make room; that is no reason to lose the only other copy.
func TestRecordingStaysInTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.Recording}, Settings{})
		d.mirror()
		d.start()
		d.close("r.ts", "x")
		settle()
		d.remove("r.ts")
		time.Sleep(overdue)
		d.wantThere("r.ts")
	})
}

// What the published manifest names stays also without any delay.
func TestWhatAManifestNamesIsNotDeletedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.dest.DeleteDelay = 0
		var stuck atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if stuck.Load() && key == "g/s/4.ts" {
				return errors.New("reset")
			}
			return nil
		}
		d.start()
		d.live("g/s", 1, 2, 0)
		settle()
		stuck.Store(true)
		d.close("g/s/3.ts", "x")
		d.close("g/s/4.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(3, 4))
		settle()
		d.remove("g/s/1.ts") // the published one names it
		d.remove("g/s/3.ts") // the one that waits names it
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts", "g/s/3.ts")
		stuck.Store(false)
		time.Sleep(overdue)
		d.wantThere("g/s/3.ts")
		d.wantGone("g/s/1.ts")
	})
}

// A player that has the playlist of a moment ago still asks for what it names.
func TestDelayBeginsWhenNoManifestNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.live("g/s", 1, 2, 0)
		settle()
		d.remove("g/s/1.ts")
		time.Sleep(10 * time.Minute)
		d.close("g/s/3.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(2, 3))
		time.Sleep(time.Minute - d.dest.DeletionInterval())
		d.wantThere("g/s/1.ts")
		time.Sleep(2 * d.dest.DeletionInterval())
		d.wantGone("g/s/1.ts")
	})
}

// What was deleted twice was deleted once.
func TestNameThatIsDeletedTwiceIsDeletedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.close("g/s/1.ts", "x")
		d.live("g/s", 2, 2, 0)
		settle()
		d.remove("g/s/1.ts")
		d.close("g/s/1.ts", "x")
		settle()
		d.remove("g/s/1.ts")
		time.Sleep(overdue)
		if got := d.bucket.deleted(); len(got) != 1 || len(got[0]) != 1 {
			t.Errorf("deleted: %q", got)
		}
		if f, _ := d.up.Figures(t.Context()); f.Deleted != 1 {
			t.Errorf("%d deletions are counted", f.Deleted)
		}
	})
}

// What is not deleted is not remembered for it either.
func TestRemovedFilesAreForgottenWhereNothingIsDeleted(t *testing.T) {
	for name, format := range map[string]media.Format{"recordings": media.Recording, "keep": media.HLS} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, media.Layout{Format: format}, Settings{})
				if format == media.Recording {
					d.mirror()
				}
				d.start()
				d.close("g/s/1.ts", "x")
				settle()
				d.remove("g/s/1.ts")
				if known := d.names(); known != 0 {
					t.Errorf("%d files are known", known)
				}
			})
		})
	}
}

// A PUT without an answer may yet bring an old playlist back: what that names has to be there.
func TestWhatALatePutNamesIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.dest.DeleteDelay = time.Second
		d.dest.Store = &lateStore{bucket: d.bucket, key: "g/s/playlist.m3u8", delay: 30 * time.Second}
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true // the late one
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/2.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 2)) // this one
		time.Sleep(3 * time.Second)
		d.close("g/s/3.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(2, 3))
		d.remove("g/s/1.ts")
		time.Sleep(28 * time.Second)
		d.wantThere("g/s/1.ts") // the late one is there, or a moment ago
		time.Sleep(overdue)
		d.wantGone("g/s/1.ts")
	})
}

// Another host writes the same stream: what its playlist names is not known.
func TestWhatAnotherWriterMayNameIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.dest.DeleteDelay = 5 * time.Second
		d.start()
		for n := range 60 { // so long that the bucket was asked again
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
			if n == 10 {
				d.bucket.rival("g/s/playlist.m3u8", playlist(2, 3))
			}
			if n < 10 {
				d.close("g/s/playlist.m3u8", playlist(max(0, n-4), n))
			}
			time.Sleep(4 * time.Second)
		}
		if len(d.log.lines(slog.LevelError, "another writer publishes")) != 1 {
			t.Fatal("the other writer is not noticed")
		}
		d.remove("g/s/2.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/2.ts")
	})
}

// After a start, a listing tells what the bucket has of files that are deleted before it is there.
func TestFilesDeletedRightAfterTheStartLoseTheirObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		ended := d.start()
		const old = 3 * publish.AskedSingly
		for n := range old {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
		}
		d.close("g/s/playlist.m3u8", playlist(old-2, old-1))
		time.Sleep(10 * time.Second)
		d.restarted(ended)
		for n := range old - 5 {
			d.remove(fmt.Sprintf("g/s/%d.ts", n))
		}
		time.Sleep(overdue)
		if n := len(d.bucket.keys()); n != 6 {
			t.Errorf("the bucket has %d objects, want 6", n)
		}
	})
}

// A child playlist that was deleted while the daemon was away is in the bucket still. That its
// master is deleted there does not tell what the child names.
func TestChunksOfAChildOnTheDiskStayWhenItsMasterIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		ended := d.start()
		d.live("g/s", 1, 2, 0)
		d.close("g/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n")
		time.Sleep(time.Minute)
		if err := os.Remove(filepath.Join(d.dir, "g/s/playlist.m3u8")); err != nil {
			t.Fatal(err)
		}
		d.restarted(ended)
		time.Sleep(time.Minute)
		d.remove("g/playlist.m3u8")
		time.Sleep(20 * time.Minute) // the child is forgotten
		if d.bucket.has("g/playlist.m3u8") {
			t.Fatal("the master is not deleted")
		}
		d.remove("g/s/1.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts")
	})
}

// In DASH, the manifest is in the group's directory, and its chunks are in others.
func TestRemovedFolderOfDASHGoesManifestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, dashLayout, Settings{})
		d.mirror()
		d.start()
		for _, kind := range []string{"video", "audio"} {
			d.close("g/s/"+kind+"/1/seg_init.mp4", "x")
		}
		for n := range 3 {
			d.segments("run", n)
		}
		d.close("g/manifest.mpd", mpd(0, 2))
		time.Sleep(10 * time.Second)
		if n := len(d.bucket.keys()); n != 9 {
			t.Fatalf("the bucket has %q", d.bucket.keys())
		}
		d.removeAll("g")
		time.Sleep(overdue)
		if keys := d.bucket.keys(); len(keys) != 0 {
			t.Errorf("the bucket has %q", keys)
		}
		if got := d.bucket.deleted(); !slices.Equal(got[0], []string{"g/manifest.mpd"}) {
			t.Errorf("deleted: %q", got)
		}
	})
}

// R5: what was read of a playlist is published, also if the file is gone for longer than the delay;
// and deleted after that.
func TestLastPlaylistIsPublishedBeforeItIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		var stuck atomic.Bool
		stuck.Store(true)
		d.bucket.before = func(_ context.Context, key string) error {
			if stuck.Load() && key == "g/s/2.ts" {
				return errors.New("reset")
			}
			return nil
		}
		d.start()
		d.live("g/s", 1, 1, 0)
		d.close("g/s/2.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 2, "#EXT-X-ENDLIST"))
		settle()
		d.remove("g/s/playlist.m3u8")
		time.Sleep(overdue)
		d.wantThere("g/s/playlist.m3u8")
		stuck.Store(false)
		time.Sleep(40 * time.Second)
		if !strings.Contains(d.bucket.content("g/s/playlist.m3u8"), "ENDLIST") {
			t.Error("the end is not published")
		}
		time.Sleep(overdue)
		d.wantGone("g/s/playlist.m3u8")
	})
}

// While a deletion takes long, nothing is looked at; the delay begins when the playlist is gone all
// the same.
func TestDelayBeginsWhenThePlaylistIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		var gone atomic.Bool
		d.bucket.beforeDelete = func(keys []string) error {
			if slices.Contains(keys, "g/s/playlist.m3u8") {
				time.Sleep(2 * time.Minute)
				gone.Store(true)
			}
			return nil
		}
		d.start()
		d.live("g/s", 1, 2, 0)
		settle()
		d.removeAll("g/s")
		for !gone.Load() {
			time.Sleep(time.Second)
		}
		time.Sleep(50 * time.Second)
		d.wantGone("g/s/playlist.m3u8")
		d.wantThere("g/s/1.ts", "g/s/2.ts")
		time.Sleep(30 * time.Second)
		d.wantGone("g/s/1.ts", "g/s/2.ts")
	})
}
