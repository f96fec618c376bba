package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// A tamperedStore is the bucket with other answers to Stat.
type tamperedStore struct {
	*bucket
	exists func(key string) (bool, error)
	asked  atomic.Int64
}

func (s *tamperedStore) Stat(ctx context.Context, key string) (ObjectInfo, bool, error) {
	s.asked.Add(1)
	if s.exists != nil {
		found, err := s.exists(key)
		return ObjectInfo{}, found, err
	}
	return s.bucket.Stat(ctx, key)
}

// The SDK's chain of credentials reads files (AWS_WEB_IDENTITY_TOKEN_FILE, credential_process):
// that one of them is missing wraps fs.ErrNotExist and says nothing about the stream's files.
func TestMissingCredentialsFileLosesNoChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var broken atomic.Bool
		broken.Store(true)
		missing := fmt.Errorf("put: get credentials: %w", &fs.PathError{Op: "open", Path: "/run/token", Err: fs.ErrNotExist})
		store := &tamperedStore{bucket: d.bucket}
		d.bucket.before = func(context.Context, string) error {
			if broken.Load() {
				return missing
			}
			return nil
		}
		d.dest.Store = store
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		time.Sleep(10 * time.Minute)
		if n := len(d.log.lines(slog.LevelWarn, "get credentials")); n == 0 {
			t.Errorf("no line says that the credentials are missing")
		}
		for _, l := range d.log.lines(slog.LevelWarn, "lost") {
			t.Errorf("said of a chunk that is on disk: %s", l)
		}
		broken.Store(false)
		time.Sleep(10 * time.Minute)
		if d.bucket.content("g/s/1.ts") == "" || d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Errorf("ten minutes after the credentials are back, the bucket has %q", d.bucket.keys())
		}
	})
}

// The same, once the chunk is there and the manifest's PUT meets it: the manifest stays in flight
// for ever.
func TestManifestIsPublishedAfterAnErrorAboutAFileOfTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var broken atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if broken.Load() {
				return fmt.Errorf("get credentials: %w", fs.ErrNotExist)
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "x")
		settle()
		broken.Store(true)
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		settle()
		broken.Store(false)
		d.close("g/s/2.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 2, "#EXT-X-ENDLIST"))
		time.Sleep(10 * time.Minute)
		if d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Errorf("the manifest is never published again; log %q", d.log.lines(slog.LevelWarn, ""))
		}
	})
}

// HEAD of a missing key in a missing bucket is 404, and with refused credentials 403, which the
// store counts as "not found": neither says that the bucket accepts requests.
func TestAnswerToAQuestionDoesNotOpenALaneThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(context.Context, string) error {
			return fmt.Errorf("404 NoSuchBucket: %w", errors.Join(ErrPermanent, ErrBucket))
		}
		d.start()
		for n := 1; n <= 200; n++ { // a rolling stream: EMS deletes what is old
			d.write(fmt.Sprintf("g/s/%d.ts", n), "x")
			d.close("g/s/playlist.m3u8", playlist(max(1, n-4), n))
			d.closed(fmt.Sprintf("g/s/%d.ts", n))
			if n > 10 {
				d.remove(fmt.Sprintf("g/s/%d.ts", n-10))
			}
			time.Sleep(4 * time.Second)
		}
		if l := d.log.lines(slog.LevelInfo, "accepts requests again"); len(l) > 0 {
			t.Errorf("%d log lines tell that a bucket which does not exist accepts requests again", len(l))
		}
		if l := d.log.lines(slog.LevelError, "refuses"); len(l) > 1 {
			t.Errorf("%d errors for one outage", len(l))
		}
	})
}

// A stream whose chunks get through and whose playlist is refused closes the way for all.
func TestStreamWithARefusedPlaylistHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 16})
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/bad/playlist.m3u8" {
				return fmt.Errorf("403 AccessDenied: %w", ErrPermanent)
			}
			return nil
		}
		d.start()
		go d.live("g/good", 1, 60, 4*time.Second)
		time.Sleep(time.Second)
		go d.live("g/bad", 1, 60, 4*time.Second)
		for n := 1; n <= 50; n++ {
			if want, got := uint64(max(1, n-4)), d.bucket.sequence("g/good/playlist.m3u8"); got != want {
				t.Fatalf("1s after chunk %d of the good stream, media sequence %d is published, want %d; %q", n, got, want, d.log.lines(slog.LevelError, ""))
			}
			time.Sleep(4 * time.Second)
		}
		time.Sleep(5 * time.Minute)
	})
}

// The first answers after a start are a refusal of one stream's keys.
func TestRefusedStreamAtTheStartHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 16})
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.HasPrefix(key, "g/bad") {
				return fmt.Errorf("403 AccessDenied: %w", ErrPermanent)
			}
			return nil
		}
		d.start()
		d.close("g/bad/1.ts", "x")
		settle()
		d.close("g/good/1.ts", "x")
		d.close("g/good/playlist.m3u8", playlist(1, 1))
		time.Sleep(5 * time.Second)
		if d.bucket.content("g/good/playlist.m3u8") == "" {
			t.Errorf("5s later the good stream is not there: %q", d.log.lines(slog.LevelError, ""))
		}
	})
}

// One key that the store refuses for ever is always the first to be asked for again.
func TestRefusedChunkDoesNotStopItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			if key == "g/s/3.ts" {
				return fmt.Errorf("400 InvalidObjectName: %w", ErrPermanent)
			}
			return nil
		}
		d.bucket.mayMiss["g/s/3.ts"] = true
		d.start()
		go d.live("g/other", 1, 300, 4*time.Second)
		d.live("g/s", 1, 300, 4*time.Second)
		time.Sleep(5 * time.Minute)
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 296 {
			t.Errorf("25 minutes later, media sequence %d is published, want 296", got)
		}
	})
}

// A snapshot that has passed a lost file waits for it again when it comes back after all.
func TestLostFileThatComesBackIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.before = func(context.Context, string) error { time.Sleep(time.Second); return nil }
		d.start()
		d.write("g/s/2.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 2)) // 1.ts is nowhere; 2.ts takes a second
		time.Sleep(500 * time.Millisecond)
		d.close("g/s/1.ts", "x") // and is uploaded half a second after 2.ts
		time.Sleep(3 * time.Second)
		if got := d.bucket.order(); got != "g/s/2.ts g/s/1.ts g/s/playlist.m3u8" {
			t.Errorf("order of PUTs %s", got)
		}
	})
}

// In an outage, what is known of deleted files is bounded as the spool is: 100 files of one byte.
func TestDeletedFilesAreForgottenInAnOutageBeyondTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{SpoolMax: 100})
		d.bucket.before = func(context.Context, string) error {
			return fmt.Errorf("403: %w", errors.Join(ErrPermanent, ErrBucket))
		}
		d.dest.Store = &tamperedStore{bucket: d.bucket, exists: func(string) (bool, error) {
			return false, fmt.Errorf("403: %w", errors.Join(ErrPermanent, ErrBucket))
		}}
		d.start()
		for n := 1; n <= 2000; n++ {
			d.write(fmt.Sprintf("g/s/%d.ts", n), "x")
			d.close("g/s/playlist.m3u8", playlist(max(1, n-4), n))
			d.closed(fmt.Sprintf("g/s/%d.ts", n))
			if n > 10 {
				d.remove(fmt.Sprintf("g/s/%d.ts", n-10))
			}
			time.Sleep(4 * time.Second)
		}
		if known := d.names(); known > 300 {
			t.Errorf("%d files are known, of which 10 are on disk, 100 in the spool and the rest in snapshots", known)
		}
		if n := len(d.log.lines(slog.LevelError, "the spool is full")); n != 1 {
			t.Errorf("%d lines say that the spool is full, want 1", n)
		}
	})
}

// A name that can have no key must not become a question to the bucket when it is deleted.
func TestNameWithoutAKeyIsNeverAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.Store = &tamperedStore{bucket: d.bucket, exists: func(key string) (bool, error) {
			return false, fmt.Errorf("400 InvalidURI: %w", ErrPermanent)
		}}
		d.start()
		d.close("g/s/\xff.ts", "x")
		d.remove("g/s/\xff.ts")
		time.Sleep(time.Second)
		d.close("g/other/1.ts", "x")
		d.close("g/other/playlist.m3u8", playlist(1, 1))
		time.Sleep(5 * time.Second)
		if d.bucket.content("g/other/playlist.m3u8") == "" {
			t.Errorf("another stream stands still: %q", d.log.lines(slog.LevelWarn, ""))
		}
	})
}

// A packager that numbers from 0 again after its restart, with the same names and new content.
func TestRestartWithTheSameNamesIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.start()
		d.live("g/s", 1, 30, 4*time.Second)
		for n := 1; n <= 28; n++ {
			d.write(fmt.Sprintf("g/s/%d.ts", n), fmt.Sprintf("second run, %d", n))
			d.close("g/s/playlist.m3u8", playlist(max(1, n-4), n))
			d.closed(fmt.Sprintf("g/s/%d.ts", n))
			time.Sleep(4 * time.Second)
		}
		if got := d.bucket.sequence("g/s/playlist.m3u8"); got != 24 {
			t.Errorf("media sequence %d is published, want 24 of the second run", got)
		}
		if n := len(d.log.lines(slog.LevelWarn, "older than the one before")); n > 1 {
			t.Errorf("%d warnings for one event", n)
		}
	})
}

// The last playlist must arrive even if reading it failed once.
func TestPlaylistThatCouldNotBeReadOnceIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		// This stands for EMFILE or EIO at the one moment when it is read.
		if err := os.Symlink("g", d.dir+"/g"); err != nil {
			t.Fatal(err)
		}
		d.src.Closed(d.ctx, "g/s/playlist.m3u8", media.Version{Size: 1})
		if err := os.Remove(d.dir + "/g"); err != nil {
			t.Fatal(err)
		}
		d.close("g/s/1.ts", "x")
		d.write("g/s/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
		time.Sleep(10 * time.Minute)
		if d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Errorf("it is never read again: %q", d.log.lines(slog.LevelWarn, ""))
		}
	})
}

// A probe of /healthz during the drain must find the uploader alive.
func TestFiguresAreToldDuringTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		hang := make(chan struct{})
		d.bucket.before = func(context.Context, string) error { <-hang; return nil }
		ended := d.start()
		d.close("g/s/1.ts", "x")
		settle()
		d.end()
		settle()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, ok := d.up.Figures(ctx); !ok {
			t.Error("no answer")
		}
		close(hang)
		<-ended
	})
}

// A stream ends during an outage and its files are deleted: all that is left to do are questions,
// which are no probes, so nothing ever finds out that the bucket is back.
func TestQuestionsAreProbesWhereNothingElseWaits(t *testing.T) {
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
func TestNewStartWithTheSameInitSegmentIsPublished(t *testing.T) {
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
				len(d.log.lines(slog.LevelWarn, "older than the one before")))
		}
	})
}

// What made the old content wait says nothing about the new.
func TestNewContentDoesNotWaitForWhatTheOldWaitedFor(t *testing.T) {
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
