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

// restarted ends the uploader and starts another one for the same disk and bucket, which is told of
// every file.
func (d *desk) restarted(ended chan struct{}) chan struct{} {
	d.t.Helper()
	d.end()
	<-ended
	d.bucket.mu.Lock()
	d.bucket.puts = nil
	d.bucket.mu.Unlock()
	time.Sleep(time.Second)
	d.restart()
	ended = d.start()
	d.scan()
	return ended
}

// scan reports all that is on disk closed, in the order of the names.
func (d *desk) scan() {
	d.t.Helper()
	for _, p := range d.files() {
		d.closed(p)
	}
}

// sent returns the keys of all PUTs, in the order in which they were applied.
func (b *bucket) sent() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.puts)
}

// files returns the paths of all files but those in the spool.
func (d *desk) files() (paths []string) {
	for _, p := range mustGlob(d.t, d.dir, "*/*/*", "*/*", "*/*/*/*/*") {
		if fi, err := os.Stat(filepath.Join(d.dir, p)); err == nil && fi.Mode().IsRegular() && !strings.HasPrefix(p, ".") {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

func mustGlob(t *testing.T, dir string, patterns ...string) (paths []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			rel, _ := filepath.Rel(dir, p)
			paths = append(paths, filepath.ToSlash(rel))
		}
	}
	return paths
}

// R7: what the bucket has is not sent again after a restart, whether few files are asked for one by
// one or many by a listing; what it has not, or has otherwise, is.
func TestR7NothingIsSentAgainAfterARestart(t *testing.T) {
	for _, files := range []int{5, 3 * publish.AskedSingly} {
		t.Run(fmt.Sprint(files, " files"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				ended := d.start()
				for n := range files {
					d.close(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
				}
				d.close("g/s/playlist.m3u8", playlist(files-5, files-1))
				d.close("g/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n")
				time.Sleep(10 * time.Second)
				ended = d.restarted(ended)
				time.Sleep(10 * time.Second)
				if again := d.bucket.sent(); len(again) > 0 {
					t.Errorf("sent again: %q", again)
				}
				if lists := d.bucket.lists; (lists > 0) != (files > publish.AskedSingly) || lists > 1 {
					t.Errorf("%d listings", lists)
				}

				d.end()
				<-ended
				d.write("g/s/0.ts", "written again while no one looked")
				d.write("g/s/new.ts", "new")
				d.restarted(ended)
				time.Sleep(10 * time.Second)
				if sent := d.bucket.sent(); !slices.Equal(slices.Sorted(slices.Values(sent)), []string{"g/s/0.ts", "g/s/new.ts"}) {
					t.Errorf("sent: %q", sent)
				}
			})
		})
	}
}

// Where names are used again, the same name and size say nothing: HDS pads its fragments' numbers
// away.
func TestFragmentsOfAnotherRunAreToldApartAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.HDS, Bootstrap: "bootstrap"}, Settings{})
		ended := d.start()
		name := func(n int) string { return fmt.Sprintf("g/s/f4vSeg1-Frag%d", n) }
		for n := range 2 * publish.AskedSingly {
			d.close(name(n), fmt.Sprintf("run 1, %4d", n))
		}
		time.Sleep(time.Minute)
		d.end()
		<-ended
		d.write(name(7), fmt.Sprintf("run 2, %4d", 7))
		d.write(name(8), fmt.Sprintf("run 2, %4d", 8))
		time.Sleep(time.Second)
		d.restarted(ended)
		time.Sleep(10 * time.Second)
		if sent := d.bucket.sent(); !slices.Equal(slices.Sorted(slices.Values(sent)), []string{name(7), name(8)}) {
			t.Errorf("sent: %q", sent)
		}
	})
}

// After an outage that outlived the daemon, viewers come first: the newest playlist's chunks, then
// the playlist, and only then the old chunks.
func TestLiveEdgeIsCaughtUpFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		const old = 3 * publish.AskedSingly
		for n := range old {
			d.write(fmt.Sprintf("g/s/%04d.ts", n), "old")
		}
		time.Sleep(time.Second)
		d.start()
		for n := range old {
			d.closed(fmt.Sprintf("g/s/%04d.ts", n))
		}
		d.close("g/s/playlist.m3u8", strings.ReplaceAll(playlist(old-5, old-1), fmt.Sprint(old-5)+".ts", fmt.Sprintf("%04d.ts", old-5)))
		d.close("g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0190.ts\n#EXTINF:4,\n0191.ts\n")
		time.Sleep(time.Minute)
		order := d.bucket.sent()
		at := slices.Index(order, "g/s/playlist.m3u8")
		if at < 0 || at > 20 || len(order) != old+1 {
			t.Errorf("the playlist is upload %d of %d", at+1, len(order))
		}
	})
}

// A bucket that may not be listed is asked for each file.
func TestBucketThatMayNotBeListedIsAskedForEachFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		ended := d.start()
		for n := range 2 * publish.AskedSingly {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
		}
		time.Sleep(10 * time.Second)
		d.end()
		<-ended
		d.dest.Store = unlistable{d.bucket}
		d.restarted(ended)
		time.Sleep(time.Minute)
		if again := d.bucket.sent(); len(again) > 0 {
			t.Errorf("sent again: %q", again)
		}
		if n := len(d.log.lines(slog.LevelWarn, "AccessDenied")); n != 1 {
			t.Errorf("%d lines say that it may not be listed", n)
		}
	})
}

type unlistable struct{ *bucket }

func (unlistable) List(context.Context, string, string, func(string, ObjectInfo) error) error {
	return fmt.Errorf("AccessDenied: %w", ErrPermanent)
}

// A PUT that was given up is applied later, over a newer one: the newest comes back, also if
// nothing is written any more.
func TestManifestThatALatePutOverwroteIsPublishedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		late := &lateStore{bucket: d.bucket, key: "g/s/playlist.m3u8", delay: 12 * time.Second}
		d.dest.Store = late
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true // the late one
		d.start()
		d.close("g/s/1.ts", "1")
		d.close("g/s/2.ts", "2")
		d.close("g/s/playlist.m3u8", playlist(1, 1)) // this one
		time.Sleep(3 * time.Second)
		d.close("g/s/playlist.m3u8", playlist(1, 2, "#EXT-X-ENDLIST"))
		time.Sleep(5 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 2, "#EXT-X-ENDLIST") {
			t.Fatalf("the bucket has %q", got)
		}
		time.Sleep(5 * time.Second) // now it is applied
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 1) {
			t.Fatalf("the late PUT was not applied: the bucket has %q", got)
		}
		time.Sleep(10 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 2, "#EXT-X-ENDLIST") {
			t.Errorf("10 s later, the bucket has %q", got)
		}
		if n := len(d.log.lines(slog.LevelWarn, "an old version of a manifest")); n != 1 {
			t.Errorf("%d log lines, want 1", n)
		}
		puts := d.bucket.count("g/s/playlist.m3u8")
		time.Sleep(10 * time.Minute)
		if more := d.bucket.count("g/s/playlist.m3u8") - puts; more > 0 {
			t.Errorf("it is PUT %d times more", more)
		}
	})
}

// Of two PUTs without an answer the first one was applied. What was published before them is not
// sent over it, also if the second cannot be sent any more for now.
func TestObjectNewerThanThePublishedOneIsNotReplacedByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bootstrap = "g/s/bootstrap"
		d := newDeskFor(t, hdsLayout, Settings{})
		d.dest.Store = lostAnswers{d.bucket, bootstrap, 2}
		var refuses atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			switch {
			case key == bootstrap && d.bucket.content(key) == abst(1, 2) && !refuses.Load():
				return errors.New("reset")
			case key == "g/s/f4vSeg1-Frag3" && refuses.Load():
				return fmt.Errorf("403: %w", ErrPermanent)
			}
			return nil
		}
		d.start()
		d.close("g/s/s.f4m", f4m("live", "x"))
		for n := 1; n <= 3; n++ {
			d.fragment("a", n)
		}
		for n := 1; n <= 3; n++ {
			d.close(bootstrap, abst(1, n))
			settle()
		}
		time.Sleep(500 * time.Millisecond)
		refuses.Store(true)
		d.fragment("b", 3) // so that the last bootstrap waits
		time.Sleep(20 * time.Second)
		if got := d.bucket.content(bootstrap); got != abst(1, 2) {
			t.Errorf("the bucket's bootstrap went back, to %q", got)
		}
	})
}

// A lostAnswers store has no answer to the n-th PUT of the key, which it applies.
type lostAnswers struct {
	*bucket
	key string
	n   int
}

func (s lostAnswers) Put(ctx context.Context, o Object) error {
	err := s.bucket.Put(ctx, o)
	if o.Key == s.key && s.count(s.key) == s.n {
		return errors.New("reset")
	}
	return err
}

// A PUT of the run before, which was killed, is applied when this one has seen that all is well; or
// much later.
func TestManifestThatALatePutOfTheRunBeforeOverwroteIsPublishedAgain(t *testing.T) {
	for _, late := range []time.Duration{5 * time.Second, 10 * time.Minute} {
		t.Run(late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.bucket.mayRestart["g/s/playlist.m3u8"] = true // the late one
				ended := d.start()
				d.close("g/s/1.ts", "1")
				d.close("g/s/playlist.m3u8", playlist(1, 1))
				time.Sleep(time.Second)
				d.bucket.mu.Lock()
				old := d.bucket.told["g/s/playlist.m3u8"]
				d.bucket.mu.Unlock()
				d.close("g/s/2.ts", "2")
				d.close("g/s/playlist.m3u8", playlist(1, 2))
				time.Sleep(time.Second)
				d.restarted(ended)
				time.Sleep(late)
				d.close("g/s/3.ts", "3") // manifests of streams that have ended are not looked at
				d.close("g/s/playlist.m3u8", playlist(1, 3))
				time.Sleep(3 * time.Second)
				d.bucket.mu.Lock()
				d.bucket.objects["g/s/playlist.m3u8"], d.bucket.told["g/s/playlist.m3u8"] = []byte(playlist(1, 1)), old
				d.bucket.mu.Unlock()
				time.Sleep(3 * time.Minute)
				if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 3) {
					t.Errorf("the bucket has %q, %q", got, d.log.lines(slog.LevelDebug, ""))
				}
			})
		})
	}
}

// A lateStore gives up the first PUT of key, and applies it after the delay.
type lateStore struct {
	*bucket
	key   string
	delay time.Duration
	begun bool
}

func (s *lateStore) Put(ctx context.Context, o Object) error {
	if o.Key != s.key || s.begun {
		return s.bucket.Put(ctx, o)
	}
	s.begun = true
	content := make([]byte, o.Size)
	if _, err := o.Body.ReadAt(content, 0); err != nil && o.Size > int64(len(content)) {
		return err
	}
	go func() {
		time.Sleep(s.delay)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.objects[o.Key] = content
		s.told[o.Key] = ObjectInfo{Host: s.host, Root: o.Root, Sum: o.Sum, Stored: time.Now()}
	}()
	return errors.New("no answer")
}

// rival writes the object as another host would.
func (b *bucket) rival(key, content string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = []byte(content)
	b.told[key] = ObjectInfo{Host: "another", Root: "/srv", Sum: fmt.Sprint(len(content)), Stored: time.Now()}
}

// Two hosts publish the same stream: that is logged once, no PUT answers one of the other, and
// the one that comes later in the alphabet gives way until the other one stops.
func TestTwoWritersOfOneStreamDoNotFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		key, n := "g/s/playlist.m3u8", 0
		play := func(both bool) {
			d.live("g/s", n, n, time.Second)
			n++
			if both {
				d.bucket.rival(key, "theirs "+fmt.Sprint(n))
			}
			time.Sleep(3 * time.Second)
		}
		for range 5 {
			play(false)
		}
		for range 60 {
			play(true)
		}
		if lines := d.log.lines(slog.LevelError, "another writer publishes"); len(lines) != 1 || !strings.Contains(lines[0], "host=another") {
			t.Errorf("said %d times: %q", len(lines), lines)
		}
		puts := d.bucket.count(key)
		for range 30 {
			play(true)
		}
		if more := d.bucket.count(key) - puts; more > 0 {
			t.Errorf("%d PUTs although the other one is there", more)
		}
		for range 20 {
			play(false)
		}
		if got := d.bucket.content(key); got != playlist(n-1, n-1) {
			t.Errorf("the other one stopped over a minute ago, and the bucket has %q", got)
		}
	})
}

// A stream that has moved here from another host is published at once.
func TestStreamThatMovedHereIsPublishedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.rival("g/s/playlist.m3u8", playlist(100, 104))
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.start()
		d.live("g/s", 1, 1, time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(1, 1) {
			t.Errorf("the bucket has %q", got)
		}
	})
}

// A comparison that the bucket refuses is made again after a while, and what comes of it is not
// left lying.
func TestRefusedComparisonIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var asked atomic.Int64
		d.dest.Store = &tamperedStore{bucket: d.bucket, exists: func(key string) (bool, error) {
			if key != "g/s/1.ts" {
				return false, nil
			}
			if asked.Add(1) == 1 {
				return false, fmt.Errorf("403: %w", ErrPermanent)
			}
			return false, nil
		}}
		d.write("g/s/1.ts", "x")
		time.Sleep(time.Second)
		d.start()
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		d.closed("g/s/1.ts")
		time.Sleep(publish.RefusedProbe / 2)
		if n := asked.Load(); n != 1 {
			t.Errorf("the bucket is asked %d times within half the time", n)
		}
		time.Sleep(publish.RefusedProbe/2 + time.Second)
		if d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Errorf("the bucket has %q", d.bucket.keys())
		}
	})
}

// Another writer that was first is logged as well, once both publish.
func TestWriterThatPublishedFirstIsLoggedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		key := "g/s/playlist.m3u8"
		d.bucket.rival(key, "theirs")
		d.bucket.mayRestart[key] = true
		d.start()
		for n := range 60 {
			d.live("g/s", n, n, time.Second)
			d.bucket.rival(key, "theirs "+fmt.Sprint(n))
			time.Sleep(3 * time.Second)
		}
		if n := len(d.log.lines(slog.LevelError, "another writer publishes")); n != 1 {
			t.Errorf("%d log lines, want 1", n)
		}
	})
}

// Two roots of one host are two writers, also if the path of one is the end of the other's.
func TestRootWhosePathEndsAsAnothersIsAnotherWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		key := "g/s/playlist.m3u8"
		d.start()
		d.live("g/s", 1, 1, time.Second)
		puts := d.bucket.count(key)
		for n := range 60 {
			d.bucket.mu.Lock()
			d.bucket.objects[key] = []byte("theirs " + fmt.Sprint(n))
			d.bucket.told[key] = ObjectInfo{Host: d.bucket.host, Root: filepath.Base(d.dir), Sum: fmt.Sprint(n), Stored: time.Now()}
			d.bucket.mu.Unlock()
			time.Sleep(5 * time.Second)
		}
		if more := d.bucket.count(key) - puts; more > 0 {
			t.Errorf("%d PUTs answer the other one's", more)
		}
	})
}

// A host that gets a new name, as a container does at each start, sends nothing again (R7).
func TestHostWithANewNameSendsNothingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		ended := d.start()
		d.live("g/s", 1, 1, time.Second)
		d.close("g/s/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
		time.Sleep(time.Second)
		d.up.settings.Host = "another name"
		d.restarted(ended)
		time.Sleep(5 * time.Minute)
		if again := d.bucket.sent(); len(again) > 0 {
			t.Errorf("sent again: %q", again)
		}
	})
}

type silentStore struct{ *bucket }

func (silentStore) Stat(context.Context, string) (ObjectInfo, bool, error) {
	return ObjectInfo{Untold: true}, false, nil
}

// After a restart, an MSS chunk that EMS will change once more waits for that as before: no viewer
// gets the one before.
func TestChunkThatIsChangedOnceMoreWaitsForThatAlsoAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.MSS}, Settings{})
		ended := d.start()
		d.close("g/s/video/1/0.fmp4", "unpatched")
		time.Sleep(time.Second)
		d.restarted(ended)
		time.Sleep(10 * time.Second)
		if got := d.bucket.content("g/s/video/1/0.fmp4"); got != "" {
			t.Errorf("after 10 s, the bucket has %q", got)
		}
		d.close("g/s/video/1/0.fmp4", "patched..")
		time.Sleep(2 * time.Minute)
		if got := d.bucket.content("g/s/video/1/0.fmp4"); got != "patched.." {
			t.Errorf("the bucket has %q", got)
		}
	})
}
