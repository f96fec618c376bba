package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/publish"
)

// A name that comes back while its object is being deleted is sent again when that is over, a
// playlist too.
func TestNameThatComesBackDuringItsDeletionIsUploadedAgain(t *testing.T) {
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
					if errors.Is(err, errLost) {
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

// A playlist that names a chunk whose object is being deleted is published without it, or
// not at all.
func TestManifestThatNamesAChunkInDeletionIsNotPublishedWithIt(t *testing.T) {
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
		d.close("g/s/3.ts", "y")
		d.close("g/s/playlist.m3u8", playlist(1, 3))
		settle()
		if d.bucket.count("g/s/playlist.m3u8") != 1 {
			t.Error("the playlist is published while what it names is being deleted")
		}
		answer <- nil
		time.Sleep(10 * time.Second)
		if d.bucket.content("g/s/playlist.m3u8") != gapped(playlist(1, 3), "2.ts") {
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
		"refused":    {fmt.Errorf("403: %w", ErrPermanent), 3 * publish.RefusedProbe},
		"of one key": {&DeleteError{Failed: map[string]error{"g/s/1.ts": fmt.Errorf("locked: %w", ErrPermanent)}}, 3 * publish.RefusedProbe},
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
				if n := len(d.log.lines(slog.LevelWarn, "objects cannot be deleted")); n == 0 || f.Failures != 3 || f.Deleted != 2 {
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

// errLost is the error of a deletion that was done.
var errLost = errors.New("the answer is lost")

func (b *bucket) drop(keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		delete(b.objects, key)
	}
}

// If a playlist names a chunk that may have been deleted, the bucket is asked for it.
func TestManifestThatNamesAChunkInDoubtHasTheBucketAsked(t *testing.T) {
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
			d.close("g/s/3.ts", "y")
			d.close("g/s/playlist.m3u8", playlist(1, 3))
			time.Sleep(20 * time.Second)
			want := playlist(1, 3)
			if lost {
				want = gapped(want, "2.ts")
			}
			if d.bucket.content("g/s/playlist.m3u8") != want {
				t.Error("the playlist waits")
			}
			if n := len(d.log.lines(slog.LevelWarn, "chunk is lost")); (n == 1) != lost {
				t.Errorf("%d lines say that a chunk is lost", n)
			}
		})
	}
}

// The deletion of a playlist has no answer: it is tried again, and what the playlist names stays
// until it had one.
func TestDeletionOfAPlaylistWithoutAnAnswerIsTriedAgain(t *testing.T) {
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

// A playlist whose deletion had no answer is published when it comes back, also if it says what it
// said.
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

// A fragment's name comes back just before its object would be deleted. That it stays does not make
// it the one that a manifest means which was read meanwhile.
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

// The same, where the new content is gone again before the deletion ends: it arrives from the spool
// (R6).
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

// A child playlist whose deletion had no answer comes back while that is tried again: no master
// names it before it is published.
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
