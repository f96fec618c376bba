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
)

// mirror has objects follow their files after a minute.
func (d *desk) mirror() {
	d.dest.Delete, d.dest.DeleteDelay = true, time.Minute
}

// overdue is long enough for any deletion that is due after mirror's delay, and for one more after that.
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
	d.report(func() { d.src.Removed(d.ctx, name) })
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
		known := true
		d.up.tell(t.Context(), func(*schedule, time.Time) { _, known = d.src.files["g/s/1.ts"] })
		settle()
		if known {
			t.Error("the deleted file is not forgotten")
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

// A rolling stream leaves in the bucket what is on disk, and what was deleted there within the last minute or so.
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

// A playlist that cannot be published keeps the published one's chunks, and they get their delay from when it can.
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

// An appending EMS deletes its playlist at each chunk and creates it anew a moment later.
func TestPlaylistThatIsDeletedAndCreatedAnewStays(t *testing.T) {
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

// Whatever was reported, a name that is on disk keeps its object; and one that comes back is not gone.
func TestNameThatIsThereKeepsItsObject(t *testing.T) {
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

func TestRootThatVanishedDeletesNothing(t *testing.T) {
	for name, comesBack := range map[string]bool{"for good": false, "for a while": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.mirror()
				d.start()
				d.close("g/s/1.ts", "x")
				d.live("g/s", 2, 3, 0)
				settle()
				d.remove("g/s/1.ts") // EMS's own deletion, of which nobody can be sure while the root is away
				away := d.dir + ".away"
				if err := os.Rename(d.dir, away); err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(away)
				d.gone("g/s/2.ts")
				d.gone("g/s/playlist.m3u8")
				time.Sleep(overdue)
				if n := len(d.bucket.keys()); n != 4 {
					t.Errorf("the bucket has %q", d.bucket.keys())
				}
				if n := len(d.log.lines(slog.LevelWarn, "nothing is deleted from the bucket while the root is not there")); n != 1 {
					t.Errorf("that the root is not there is said %d times", n)
				}
				if !comesBack {
					return
				}
				if err := os.Rename(away, d.dir); err != nil {
					t.Fatal(err)
				}
				time.Sleep(overdue)
				d.wantThere("g/s/2.ts", "g/s/3.ts", "g/s/playlist.m3u8")
				d.wantGone("g/s/1.ts")
			})
		})
	}
}

// Another directory in the root's place knows nothing of the files of the former, also once files of it were seen.
func TestRootThatWasReplacedDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.live("g/s", 1, 3, 0)
		settle()
		if err := os.Rename(d.dir, d.dir+".away"); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(d.dir + ".away")
		d.live("g/t", 1, 3, 0)
		for _, name := range []string{"1.ts", "2.ts", "3.ts", "playlist.m3u8"} {
			d.gone("g/s/" + name)
		}
		time.Sleep(time.Hour)
		d.wantThere("g/s/1.ts", "g/s/2.ts", "g/s/3.ts", "g/s/playlist.m3u8")
		if n := len(d.log.lines(slog.LevelWarn, "which is no deletion")); n != 1 {
			t.Errorf("that is said %d times", n)
		}
		d.remove("g/t/playlist.m3u8") // the new root's own deletions count
		time.Sleep(overdue)
		d.wantGone("g/t/playlist.m3u8")
	})
}

// A disk that was mounted in the root shows its mount point when it is unmounted: an empty directory, on another device.
func TestDiskThatWasUnmountedDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.live("g/s", 1, 3, 0)
		settle()
		d.up.tell(t.Context(), func(*schedule, time.Time) {
			for _, f := range d.src.files {
				f.gone.place = &place{f.gone.place.root, f.gone.place.device + 1}
			}
		})
		d.removeAll("g/s")
		time.Sleep(time.Hour)
		if n := len(d.bucket.keys()); n != 4 {
			t.Errorf("the bucket has %q", d.bucket.keys())
		}
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

func TestOtherPrefixesAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.dest.Prefix = "a/"
		other := &Destination{Store: d.bucket, Bucket: "b", Prefix: "a/g/"} // has keys below the first one's prefix
		src := d.up.Source(t.TempDir(), media.Layout{Format: media.HLS}, other, d)
		d.bucket.mayMiss["a/g/s/1.ts"] = true
		d.start()
		d.live("g/s", 1, 2, 0)
		d.live("g/t", 1, 2, 0)
		p := filepath.Join(src.dir, "s", "1.ts")
		if err := errors.Join(os.Mkdir(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("another root's"), 0o644)); err != nil {
			t.Fatal(err)
		}
		d.removeAll("g")
		time.Sleep(overdue)
		// The playlist, which names the object that stays, is gone.
		if keys := d.bucket.keys(); !slices.Equal(keys, []string{"a/g/s/1.ts"}) {
			t.Errorf("the bucket has %q, want what another root has a file of", keys)
		}
		for _, batch := range d.bucket.deleted() {
			for _, key := range batch {
				if !strings.HasPrefix(key, "a/") {
					t.Errorf("%s is deleted", key)
				}
			}
		}
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(overdue)
		d.wantGone("a/g/s/1.ts")
	})
}

// With cleanupDestination, EMS deletes all of a stream when it starts anew.
func TestBurstOfDeletions(t *testing.T) {
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

// Viewers must not meet a playlist of which the chunks are gone: it goes first, and the master before it.
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
		files, streams := -1, -1
		d.up.tell(t.Context(), func(s *schedule, now time.Time) { s.sweep(now); files, streams = len(d.src.files), len(s.ring) })
		settle()
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

// A name that comes back while its object is being deleted is sent again when that is over, a playlist too.
func TestNameThatComesBackWhileItsObjectIsDeleted(t *testing.T) {
	for name, err := range map[string]error{
		"deleted": nil, "no answer": errors.New("reset"), "refused": ErrPermanent, "deleted, and the answer lost": errLost,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.mirror()
				deleting := make(chan []string)
				answer := make(chan error)
				d.bucket.beforeDelete = func(keys []string) error {
					deleting <- keys
					err := <-answer
					if err == errLost {
						d.bucket.drop(keys)
					}
					return err
				}
				d.start()
				d.live("g/s", 1, 1, 0)
				settle()
				d.remove("g/s/playlist.m3u8")
				<-deleting
				d.close("g/s/playlist.m3u8", playlist(1, 1)) // of the same content
				settle()
				answer <- err
				settle()
				d.wantThere("g/s/playlist.m3u8")
				d.remove("g/s/playlist.m3u8")
				<-deleting
				answer <- nil
				settle()
				d.wantGone("g/s/playlist.m3u8")
				d.remove("g/s/1.ts")
				<-deleting
				d.close("g/s/1.ts", "the new one")
				d.close("g/s/playlist.m3u8", playlist(1, 1))
				settle()
				d.wantGone("g/s/playlist.m3u8") // what it names may be about to go
				answer <- err
				settle()
				d.wantThere("g/s/playlist.m3u8")
				if got := d.bucket.content("g/s/1.ts"); got != "the new one" {
					t.Errorf("the bucket has %q", got)
				}
				go func() { // nothing else is due
					select {
					case keys := <-deleting:
						t.Errorf("%q are deleted", keys)
						answer <- nil
					case <-t.Context().Done():
					}
				}()
				time.Sleep(overdue)
			})
		})
	}
}

// A playlist that comes to name a chunk whose object is being deleted is published without it, or not at all.
func TestManifestThatNamesWhatIsBeingDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		deleting := make(chan []string)
		answer := make(chan error)
		d.bucket.beforeDelete = func(keys []string) error { deleting <- keys; return <-answer }
		d.bucket.mayMiss["g/s/2.ts"] = true // known to be lost, in the end
		d.start()
		d.live("g/s", 1, 1, 0)
		d.close("g/s/2.ts", "x")
		settle()
		d.remove("g/s/2.ts")
		<-deleting
		d.close("g/s/playlist.m3u8", playlist(1, 2))
		settle()
		if d.bucket.count("g/s/playlist.m3u8") != 1 {
			t.Error("the playlist is published while what it names is being deleted")
		}
		answer <- nil
		time.Sleep(10 * time.Second)
		if d.bucket.content("g/s/playlist.m3u8") != playlist(1, 2) {
			t.Error("the playlist waits for what can never arrive")
		}
	})
}

func TestDeletionThatFailsIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		least time.Duration // until all are gone
	}{
		"no answer":  {errors.New("reset"), 0},
		"refused":    {fmt.Errorf("403: %w", ErrPermanent), 3 * refusedProbe},
		"of one key": {&DeleteError{Failed: map[string]error{"g/s/1.ts": fmt.Errorf("locked: %w", ErrPermanent)}}, 3 * refusedProbe},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.mirror()
				requests := 0
				var began, done time.Time
				d.bucket.beforeDelete = func(keys []string) error {
					if requests++; requests == 1 {
						began = time.Now()
					}
					done = time.Now()
					if slices.Contains(keys, "g/s/1.ts") && requests <= 3 {
						return c.err
					}
					return nil
				}
				d.start()
				d.close("g/s/1.ts", "x")
				d.close("g/s/2.ts", "x")
				d.live("g/s", 3, 3, 0)
				settle()
				d.remove("g/s/1.ts")
				d.remove("g/s/2.ts")
				time.Sleep(2 * overdue)
				d.wantGone("g/s/1.ts", "g/s/2.ts")
				if requests != 4 || done.Sub(began) < c.least {
					t.Errorf("%d requests in %v", requests, done.Sub(began))
				}
				f, _ := d.up.Figures(t.Context())
				if n := len(d.log.lines(slog.LevelWarn, "objects cannot be deleted")); n != 3 || f.Failures != 3 || f.Deleted != 2 {
					t.Errorf("%d lines, %d failures and %d deletions are counted", n, f.Failures, f.Deleted)
				}
			})
		})
	}
}

func TestNothingIsDeletedFromABucketInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.close("g/s/1.ts", "x")
		d.live("g/s", 2, 2, 0)
		settle()
		var refuse atomic.Bool
		refuse.Store(true)
		d.bucket.before = func(context.Context, string) error {
			if refuse.Load() {
				return fmt.Errorf("403: %w", errors.Join(ErrPermanent, ErrBucket))
			}
			return nil
		}
		d.close("g/s/3.ts", "x")
		d.remove("g/s/1.ts")
		time.Sleep(overdue)
		if n := len(d.bucket.deleted()); n != 0 {
			t.Errorf("%d deletions from a bucket that refuses all", n)
		}
		refuse.Store(false)
		time.Sleep(overdue)
		d.wantGone("g/s/1.ts")
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

// After a start, the bucket has the manifest of the run before, of which nobody knows what it names.
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

// R8: what waits for its deletion is bounded.
func TestDeletionsThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/2.ts", "x")
		d.live("g/s", 3, 3, 0)
		settle()
		d.up.tell(t.Context(), func(s *schedule, now time.Time) {
			f := d.src.files["g/s/1.ts"]
			d.src.retention = &retention{src: d.src}
			r := d.src.retention
			s.retentions = append(s.retentions, r)
			f.gone.since = now
			for range maxDepartures {
				r.listed = append(r.listed, listing{f, now})
			}
		})
		d.remove("g/s/2.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/2.ts")
		if n := len(d.log.lines(slog.LevelWarn, "too many wait for it")); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
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
		time.Sleep(time.Minute - d.dest.every())
		d.wantThere("g/s/1.ts")
		time.Sleep(2 * d.dest.every())
		d.wantGone("g/s/1.ts")
	})
}

// What was deleted twice was deleted once.
func TestNameThatIsDeletedTwiceAtOnce(t *testing.T) {
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

// A file of another root has the same key, and that root is not there just now.
func TestOtherRootThatIsAwayKeepsItsObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		src := d.up.Source(t.TempDir(), media.Layout{Format: media.HLS}, d.dest, d)
		d.start()
		d.live("g/s", 1, 2, 0)
		d.close("g/s/3.ts", "x")
		p := filepath.Join(src.dir, "g", "s", "3.ts")
		err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("another root's"), 0o644))
		fi, statErr := os.Stat(p)
		if err := errors.Join(err, statErr); err != nil {
			t.Fatal(err)
		}
		d.report(func() { src.Closed(d.ctx, "g/s/3.ts", media.VersionOf(fi)) })
		settle()
		if err := os.Rename(src.dir, src.dir+".away"); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(src.dir + ".away")
		d.remove("g/s/3.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/3.ts")
	})
}

// The root is replaced before a closing in the former is taken in.
func TestClosingThatIsReportedAfterItsRootVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.start()
		d.live("g/s", 1, 2, 0)
		settle()
		fi, err := os.Stat(filepath.Join(d.dir, "g/s/1.ts"))
		if err := errors.Join(err, os.Rename(d.dir, d.dir+".away"), os.MkdirAll(filepath.Join(d.dir, "g/s"), 0o755)); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(d.dir + ".away")
		d.report(func() { d.src.Closed(d.ctx, "g/s/1.ts", media.VersionOf(fi)) })
		d.live("g/s", 3, 4, 0) // the new root's
		d.gone("g/s/1.ts")
		time.Sleep(overdue)
		d.wantThere("g/s/1.ts")
	})
}

// What is not deleted is not remembered for it either.
func TestNothingWaitsWhereNothingIsDeleted(t *testing.T) {
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
				waiting, known := 0, 0
				d.up.tell(t.Context(), func(s *schedule, _ time.Time) {
					if d.src.retention != nil {
						waiting = len(d.src.retention.listed)
					}
					known = len(d.src.files)
				})
				settle()
				if waiting != 0 || known != 0 {
					t.Errorf("%d deletions wait, %d files are known", waiting, known)
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
func TestFilesThatAreDeletedRightAfterTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		ended := d.start()
		const old = 3 * askedSingly
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

// A child playlist that was deleted while the daemon was away is in the bucket still. That its master is deleted there does not
// tell what the child names.
func TestChunksOfAChildThatIsLeftStayWhenItsMasterIsDeleted(t *testing.T) {
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
func TestRemovedFolderOfDASH(t *testing.T) {
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

// A manifest whose deletion takes long is not forgotten meanwhile, and one that stays keeps what it names.
func TestManifestThatStaysKeepsItsChunks(t *testing.T) {
	for _, delay := range []time.Duration{time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.mirror()
			d.dest.DeleteDelay = delay
			d.start()
			d.live("g/s", 1, 2, 0)
			settle()
			if delay == time.Minute {
				d.up.tell(t.Context(), func(*schedule, time.Time) { // it was on another disk
					f := d.src.files["g/s/playlist.m3u8"]
					f.gone.place = &place{f.gone.place.root, f.gone.place.device + 1}
				})
			}
			d.removeAll("g/s")
			time.Sleep(4 * time.Hour)
			if stays := delay == time.Minute; d.bucket.has("g/s/playlist.m3u8") != stays || d.bucket.has("g/s/1.ts") != stays {
				t.Errorf("with a delay of %v, the bucket has %q", delay, d.bucket.keys())
			}
		})
	}
}

// errLost is the error of a deletion that was done.
var errLost = errors.New("the answer is lost")

func (b *bucket) drop(keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		delete(b.objects, key)
	}
}

// A playlist that names a chunk of which nobody knows whether it was deleted has the bucket asked.
func TestManifestThatNamesWhatIsPerhapsDeleted(t *testing.T) {
	for _, lost := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.mirror()
			var failed atomic.Bool
			d.bucket.beforeDelete = func(keys []string) error {
				if lost {
					d.bucket.drop(keys)
				}
				failed.Store(true)
				return errLost
			}
			d.bucket.mayMiss["g/s/2.ts"] = lost
			d.start()
			d.live("g/s", 1, 1, 0)
			d.close("g/s/2.ts", "x")
			settle()
			d.remove("g/s/2.ts")
			for !failed.Load() {
				time.Sleep(time.Second)
			}
			d.close("g/s/playlist.m3u8", playlist(1, 2))
			time.Sleep(20 * time.Second)
			if d.bucket.content("g/s/playlist.m3u8") != playlist(1, 2) {
				t.Error("the playlist waits")
			}
			if n := len(d.log.lines(slog.LevelWarn, "chunk is lost")); (n == 1) != lost {
				t.Errorf("%d lines say that a chunk is lost", n)
			}
		})
	}
}

// R5: what was read of a playlist is published, also if the file is gone for longer than the delay; and deleted after that.
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

// A spool that is not in the root does not tell in which directory the files were that an earlier run kept.
func TestSpoolElsewhereDeletesNothingAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{SpoolDir: t.TempDir()})
		d.mirror()
		d.up.settings.DrainTimeout = time.Second
		away := d.bucket.outage()
		ended := d.start()
		d.close("g/s/1.ts", "x")
		d.live("g/s", 2, 3, 0)
		settle()
		d.remove("g/s/1.ts")
		d.end()
		<-ended
		d.restart()
		d.start()
		d.closed("g/s/2.ts")
		d.closed("g/s/3.ts")
		d.closed("g/s/playlist.m3u8")
		away.Store(false)
		time.Sleep(2 * overdue)
		d.wantThere("g/s/1.ts")
	})
}

// The deletion of a playlist has no answer: it is tried again, and what the playlist names stays until it had one.
func TestPlaylistWhoseDeletionHasNoAnswer(t *testing.T) {
	for _, lost := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.mirror()
			var answers atomic.Bool
			d.bucket.beforeDelete = func(keys []string) error {
				switch {
				case answers.Load():
					return nil
				case lost:
					d.bucket.drop(keys)
				}
				return errLost
			}
			d.start()
			d.live("g/s", 1, 2, 0)
			settle()
			d.removeAll("g/s")
			time.Sleep(2 * overdue)
			d.wantThere("g/s/1.ts", "g/s/2.ts")
			answers.Store(true)
			time.Sleep(overdue)
			if keys := d.bucket.keys(); len(keys) != 0 {
				t.Errorf("the bucket has %q", keys)
			}
		})
	}
}

// A playlist whose deletion had no answer is published when it comes back, also if it says what it said.
func TestPlaylistThatComesBackAfterADeletionWithoutAnswerIsPublished(t *testing.T) {
	for _, lost := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.mirror()
			d.bucket.beforeDelete = func(keys []string) error {
				if lost {
					d.bucket.drop(keys)
				}
				return errLost
			}
			d.start()
			d.live("g/s", 1, 2, 0)
			settle()
			d.remove("g/s/playlist.m3u8")
			time.Sleep(overdue)
			if lost == (d.bucket.content("g/s/playlist.m3u8") != "") {
				t.Fatal("no deletion")
			}
			d.close("g/s/playlist.m3u8", playlist(1, 2))
			time.Sleep(time.Minute)
			if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 2) {
				t.Errorf("the bucket has %q", got)
			}
		})
	}
}

// A fragment's name comes back just before its object would be deleted. That it stays does not make it the one that a manifest
// means which was read meanwhile.
func TestObjectThatStaysDoesNotServeForTheFileThatTookItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, hdsLayout, Settings{})
		d.mirror()
		d.bucket.mayRestart = map[string]bool{"g/s/bootstrap": true}
		deletes, goOn := make(chan struct{}), make(chan struct{})
		d.bucket.beforeDelete = func([]string) error {
			deletes <- struct{}{}
			<-goOn
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "x"))
		for n := 1; n <= 6; n++ {
			d.fragment("a", n)
		}
		d.close("g/s/bootstrap", abst(1, 2))
		settle()
		d.close("g/s/bootstrap", abst(5, 2))
		settle()
		d.remove("g/s/f4vSeg1-Frag1")
		d.remove("g/s/f4vSeg1-Frag2")
		d.write("g/s/f4vSeg1-Frag1", "run b, fragment 1")
		<-deletes
		d.bucket.before = func(_ context.Context, key string) error {
			if got := d.bucket.content("g/s/f4vSeg1-Frag1"); key == "g/s/bootstrap" && got != "run b, fragment 1" {
				t.Errorf("the bootstrap of the second run is put with %q", got)
			}
			return nil
		}
		d.close("g/s/bootstrap", abst(1, 1))
		settle()
		close(goOn)
		time.Sleep(10 * time.Second)
		if d.bucket.content("g/s/bootstrap") != string(abst(1, 1)) {
			t.Error("the bootstrap of the second run is not published")
		}
	})
}

// The same, where the new content is gone again before the deletion ends: it arrives from the spool (R6).
func TestContentThatComesAndGoesDuringADeletionArrives(t *testing.T) {
	for _, err := range []error{nil, errors.New("reset"), ErrPermanent} {
		synctest.Test(t, func(t *testing.T) {
			d := newDeskFor(t, hdsLayout, Settings{})
			d.mirror()
			deletes, goOn := make(chan struct{}, 100), make(chan struct{})
			d.bucket.beforeDelete = func([]string) error {
				deletes <- struct{}{}
				<-goOn
				return err
			}
			d.start()
			d.close("g/s/s.f4m", f4m("live", "x"))
			for n := 1; n <= 6; n++ {
				d.fragment("a", n)
			}
			d.close("g/s/bootstrap", abst(5, 2))
			settle()
			d.remove("g/s/f4vSeg1-Frag1")
			d.remove("g/s/f4vSeg1-Frag2")
			d.write("g/s/f4vSeg1-Frag1", "run b, fragment 1")
			<-deletes
			d.closed("g/s/f4vSeg1-Frag1")
			d.remove("g/s/f4vSeg1-Frag1")
			close(goOn)
			time.Sleep(45 * time.Second)
			if got := d.bucket.content("g/s/f4vSeg1-Frag1"); got != "run b, fragment 1" {
				t.Errorf("%v: the bucket has %q", err, got)
			}
		})
	}
}

// A child playlist whose deletion had no answer comes back while that is tried again: no master names it before it is published.
func TestChildThatIsPerhapsDeletedIsNotThereBecauseItCameBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/a/2.ts" {
				return errors.New("connection refused")
			}
			return nil
		}
		calls, goOn := make(chan struct{}), make(chan struct{})
		first := true
		d.bucket.beforeDelete = func(keys []string) error {
			if first {
				first = false
				d.bucket.drop(keys)
				d.write("g/a/2.ts", "new")
				d.write("g/a/playlist.m3u8", playlist(2, 2))
				return errLost
			}
			calls <- struct{}{}
			<-goOn
			return nil
		}
		d.start()
		d.live("g/a", 1, 1, 0)
		d.live("g/b", 1, 1, 0)
		settle()
		d.remove("g/a/playlist.m3u8")
		d.remove("g/b/playlist.m3u8")
		<-calls // for the other one alone
		d.closed("g/a/playlist.m3u8")
		d.close("g/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na/playlist.m3u8\n")
		settle()
		close(goOn)
		time.Sleep(10 * time.Second)
		if d.bucket.has("g/playlist.m3u8") {
			t.Error("the master is published before its child")
		}
		d.bucket.beforeDelete = nil
	})
}

// While a deletion takes long, nothing is looked at; the delay begins when the playlist is gone all the same.
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
