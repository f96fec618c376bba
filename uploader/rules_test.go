package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestR1ChunkThatChangesDuringItsUploadIsNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/1.ts" && d.bucket.count(key) == 1 {
				d.write("g/s/1.ts", "the final content, longer")
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "header")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		settle()
		if got := d.bucket.content("g/s/1.ts"); got != "the final content, longer" {
			t.Errorf("the bucket holds %q", got)
		}
		if !strings.HasSuffix(d.bucket.order(), " g/s/playlist.m3u8") || d.bucket.count("g/s/playlist.m3u8") != 1 {
			t.Errorf("the playlist is to come last and once: %q", d.bucket.order())
		}
	})
}

func TestR2ReferencesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.HasSuffix(key, ".ts") {
				time.Sleep(time.Second)
			}
			return nil
		}
		d.start()
		d.close("g/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n")
		d.live("g/s", 1, 1, 500*time.Millisecond)
		if keys := d.bucket.keys(); len(keys) != 0 {
			t.Errorf("before the chunk is there, the bucket holds %q", keys)
		}
		time.Sleep(time.Second)
		if want := "g/s/1.ts g/s/playlist.m3u8 g/playlist.m3u8"; d.bucket.order() != want {
			t.Errorf("order of PUTs %q, want %q", d.bucket.order(), want)
		}
	})
}

func TestR3OldSnapshotIsNeverPutAfterANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.HasSuffix(key, ".m3u8") && d.bucket.count(key)%2 == 1 {
				time.Sleep(1500 * time.Millisecond)
				return errors.New("no answer")
			}
			return nil
		}
		d.start()
		d.live("g/s", 1, 20, 700*time.Millisecond)
		time.Sleep(time.Minute)
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 16 {
			t.Errorf("the bucket ends with media sequence %d, want 16", got)
		}
	})
}

func TestR3PlaylistThatWentBackIsIgnoredButANewStartIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.live("g/s", 1, 9, time.Second)
		d.close("g/s/playlist.m3u8", playlist(3, 7))
		settle()
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 5 {
			t.Errorf("media sequence %d, want 5 as before", got)
		}
		if n := len(d.log.lines(slog.LevelWarn, "older than the one before")); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.close("g/s/new_1.ts", "x")
		d.close("g/s/playlist.m3u8", strings.ReplaceAll(playlist(1, 1), "1.ts", "new_1.ts"))
		settle()
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 1 {
			t.Errorf("media sequence %d after a new start, want 1", got)
		}
	})
}

// A line that carries half of what the stream produces must still move the stream.
func TestR4SlowLineDoesNotStarveTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		line := make(chan struct{}, 1) // a mutex would keep the bubble's clock from moving
		d.bucket.before = func(ctx context.Context, key string) error {
			line <- struct{}{}
			defer func() { <-line }()
			if strings.HasSuffix(key, ".ts") {
				time.Sleep(400 * time.Millisecond)
			}
			return ctx.Err()
		}
		d.start()
		d.live("g/s", 1, 100, 200*time.Millisecond)
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got < 70 {
			t.Errorf("media sequence %d is published while 96 is written", got)
		}
		if n := d.bucket.count("g/s/playlist.m3u8"); n < 8 {
			t.Errorf("the playlist moved %d times only", n)
		}
	})
}

func TestR5EndArrivesEvenIfItsPlaylistIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if d.bucket.count(key) < 4 {
				return errors.New("connection reset")
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		d.close("g/s/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
		d.remove("g/s/playlist.m3u8")
		time.Sleep(5 * time.Minute)
		if !strings.Contains(d.bucket.content("g/s/playlist.m3u8"), "ENDLIST") {
			t.Errorf("the bucket holds %q", d.bucket.content("g/s/playlist.m3u8"))
		}
	})
}

func TestR8WorkersAreTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 3})
		d.bucket.before = func(context.Context, string) error { time.Sleep(time.Second); return nil }
		d.start()
		for n := range 40 {
			d.close(fmt.Sprintf("g/s%d/1.ts", n), "x")
		}
		time.Sleep(time.Minute)
		if most := d.bucket.atMost(); most != 3 || len(d.bucket.keys()) != 40 {
			t.Errorf("%d PUTs at once, %d objects; want 3 and 40", most, len(d.bucket.keys()))
		}
	})
}

// Streams whose requests hang until their deadline may not keep another one from being live.
func TestR9BadStreamsHurtNoOther(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"hang":    func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"refused": func(context.Context) error { return fmt.Errorf("403 AccessDenied: %w", ErrPermanent) },
		"reset":   func(context.Context) error { return errors.New("connection reset by peer") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{Workers: 16})
				d.bucket.before = func(ctx context.Context, key string) error {
					if strings.HasPrefix(key, "g/bad") {
						return fail(ctx)
					}
					return nil
				}
				d.start()
				var all sync.WaitGroup
				for _, dir := range []string{"g/bad1", "g/good1", "g/bad2", "g/good2", "g/bad3"} {
					all.Go(func() { d.live(dir, 1, 30, 2*time.Second) })
				}
				time.Sleep(time.Second)
				for n := 1; n <= 30; n++ { // between two chunks, the newest playlist is there
					want := uint64(max(1, n-4))
					for _, dir := range []string{"g/good1", "g/good2"} {
						if got := d.bucket.sequence(dir + "/playlist.m3u8"); got != want {
							t.Errorf("%s: a second after chunk %d, media sequence %d is published, want %d", dir, n, got, want)
						}
					}
					time.Sleep(2 * time.Second)
				}
				all.Wait()
			})
		})
	}
}

func TestR10FailureIsLoggedWithWhatHappensNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if d.bucket.count(key) <= 3 {
				return errors.New("503 SlowDown")
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "x")
		time.Sleep(time.Minute + time.Second)
		lines := d.log.lines(slog.LevelWarn, "upload failed")
		if len(lines) != 2 || !strings.Contains(lines[1], "repeats=2") {
			t.Fatalf("the lines for 3 failures, of which two repeat the first, are %q", lines)
		}
		for _, want := range []string{"upload failed", "stream=g/s", "key=g/s/1.ts", "err=503 SlowDown", "next=", "retry_in="} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%q is not in %q", want, lines[0])
			}
		}
		if f, _ := d.up.Figures(t.Context()); f.Failures != 3 || f.Chunks != 1 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestNothingIsSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.live("g/s", 1, 3, time.Second)
		for range 3 { // a rescan reports everything again
			for n := 1; n <= 3; n++ {
				d.closed(fmt.Sprintf("g/s/%d.ts", n))
			}
			settle()
		}
		for n := 1; n <= 3; n++ {
			if got := d.bucket.count(fmt.Sprintf("g/s/%d.ts", n)); got != 1 {
				t.Errorf("%d.ts was sent %d times", n, got)
			}
		}
	})
}

func TestNameThatComesBackWithOtherContentIsUploadedAgainBeforeItsManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(context.Context, string) error { time.Sleep(time.Second); return nil }
		d.start()
		d.live("g/s", 1, 2, 3*time.Second)
		d.remove("g/s/2.ts")
		d.write("g/s/2.ts", "after the encoder came back")
		d.closed("g/s/2.ts")
		d.close("g/s/playlist.m3u8", playlist(1, 2, "#EXT-X-DISCONTINUITY"))
		time.Sleep(1500 * time.Millisecond)
		if got := d.bucket.content("g/s/2.ts"); got != "after the encoder came back" {
			t.Errorf("the bucket holds %q", got)
		}
		if n := d.bucket.count("g/s/playlist.m3u8"); n != 3 {
			t.Errorf("%d PUTs of the playlist begun, want the third only after the chunk", n)
		}
	})
}

func TestDrainFinishesWhatIsInFlightAndSaysWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 4}) // one for each stream
		d.bucket.before = func(context.Context, string) error { time.Sleep(time.Second); return nil }
		ended := d.start()
		d.close("g/a/1.ts", "x")
		d.close("g/a/playlist.m3u8", playlist(1, 1))
		d.close("g/b/1.ts", "x")
		d.close("g/b/2.ts", "x")
		settle()
		d.end()
		<-ended
		if got := strings.Join(d.bucket.keys(), " "); got != "g/a/1.ts g/a/playlist.m3u8 g/b/1.ts" {
			t.Errorf("the bucket holds %s", got)
		}
		if lines := d.log.lines(slog.LevelWarn, "chunks=1 manifests=0"); len(lines) != 1 {
			t.Errorf("what is left is not said: %q", d.log.lines(slog.LevelInfo, ""))
		}
	})
}

func TestDrainEndsAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(ctx context.Context, key string) error {
			if key == "g/s/playlist.m3u8" {
				return errors.New("503")
			}
			return nil
		}
		ended := d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		settle()
		began := time.Now()
		d.end()
		<-ended
		if took := time.Since(began); took < 19*time.Second || took > 25*time.Second {
			t.Errorf("draining took %v, want its timeout of 20s", took)
		}
	})
}

// Random faults, lags and rewrites over many streams: the bucket checks R2 and R3 at every PUT, and
// in the end everything is there.
func TestRulesHoldUnderRandomFaults(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{Workers: 6})
				var mu sync.Mutex
				random := rand.New(rand.NewPCG(seed, 1))
				roll := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
				d.bucket.before = func(ctx context.Context, _ string) error {
					select {
					case <-time.After(time.Duration(roll(1500)) * time.Millisecond):
					case <-ctx.Done():
					}
					switch roll(10) {
					case 0:
						return errors.New("connection reset")
					case 1:
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}
				d.start()
				const streams, chunks = 8, 40
				var all sync.WaitGroup
				for s := range streams {
					all.Go(func() {
						dir := fmt.Sprintf("g/s%d", s)
						for n := 1; n <= chunks; n++ {
							d.write(fmt.Sprintf("%s/%d.ts", dir, n), fmt.Sprintf("%s %d", dir, n))
							d.close(dir+"/playlist.m3u8", playlist(max(1, n-4), n))
							if roll(4) > 0 {
								d.closed(fmt.Sprintf("%s/%d.ts", dir, n)) // else the playlist's word must do
							}
							time.Sleep(time.Duration(1000+roll(2000)) * time.Millisecond)
						}
						d.close(dir+"/playlist.m3u8", playlist(chunks-4, chunks, "#EXT-X-ENDLIST"))
					})
				}
				all.Wait()
				time.Sleep(20 * time.Minute)
				for s := range streams {
					dir := fmt.Sprintf("g/s%d", s)
					for n := 1; n <= chunks; n++ {
						key := fmt.Sprintf("%s/%d.ts", dir, n)
						if got := d.bucket.content(key); got != fmt.Sprintf("%s %d", dir, n) {
							t.Errorf("%s holds %q", key, got)
						}
					}
					want, err := os.ReadFile(filepath.Join(d.dir, dir, "playlist.m3u8"))
					if err != nil {
						t.Fatal(err)
					}
					if got := d.bucket.content(dir + "/playlist.m3u8"); got != string(want) {
						t.Errorf("%s ends with %q, want %q", dir, got, want)
					}
				}
			})
		})
	}
}

// The files of a root that is unmounted are away for a while, and not for good.
func TestChunkOfARootThatVanishedIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if d.bucket.count(key) == 1 {
				return errors.New("503")
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "x")
		settle()
		if err := os.Rename(d.dir, d.dir+".away"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if err := os.Rename(d.dir+".away", d.dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := d.bucket.content("g/s/1.ts"); got != "x" {
			t.Errorf("the bucket holds %q; log: %q", got, d.log.lines(slog.LevelWarn, ""))
		}
	})
}

func TestPlaylistThatNamesItselfIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.bucket.mayMiss["g/s/playlist.m3u8"] = true
		d.start()
		for _, first := range []int{1, 0} { // the second one goes back
			d.close(fmt.Sprintf("g/s/%d.ts", first), "x")
			d.close("g/s/playlist.m3u8", fmt.Sprintf("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-MAP:URI=\"playlist.m3u8\"\n#EXTINF:4,\n%d.ts\n", first, first))
			settle()
		}
		if n := d.bucket.count("g/s/playlist.m3u8"); n != 2 {
			t.Errorf("%d PUTs, want 2", n)
		}
	})
}
