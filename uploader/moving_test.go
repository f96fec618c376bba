package uploader

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/publish"
)

// moving returns what Moving says, within two seconds.
func (d *desk) moving() error {
	ctx, cancel := context.WithTimeout(d.t.Context(), 2*time.Second)
	defer cancel()
	return d.up.Moving(ctx)
}

func TestWorkerThatOutlivesItsDeadlineHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		hang := make(chan struct{})
		d.bucket.before = func(_ context.Context, key string) error {
			if strings.HasSuffix(key, ".ts") {
				<-hang // whatever its context says
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "one")
		time.Sleep(attemptTime + overtime - time.Second)
		if err := d.moving(); err != nil {
			t.Errorf("it may still be ending: %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := d.moving(); err == nil || !strings.Contains(err.Error(), "g/s/1.ts") {
			t.Errorf("a worker that hangs: %v", err)
		}
		close(hang)
		time.Sleep(time.Second)
		if err := d.moving(); err != nil {
			t.Errorf("it has ended: %v", err)
		}
	})
}

func TestLoopThatStandsStillIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		d := newDesk(t, Settings{Changed: func(Change) { <-hang }})
		d.start()
		d.close("g/s/1.ts", "one")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		time.Sleep(10 * time.Second)
		if err := d.moving(); !errors.Is(err, errLoop) {
			t.Errorf("a loop that hangs: %v", err)
		}
		close(hang)
		time.Sleep(time.Second)
		if err := d.moving(); err != nil {
			t.Errorf("it goes on: %v", err)
		}
	})
}

// A bucket that is away, for however long, is no reason to start again.
func TestOutageOfTheBucketIsNoHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent atomic.Bool
		silent.Store(true)
		d := newDesk(t, Settings{})
		d.bucket.before = func(ctx context.Context, _ string) error {
			if silent.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return errors.New("connection refused")
		}
		d.start()
		for range 60 {
			d.close("g/s/1.ts", time.Now().String())
			time.Sleep(time.Minute)
			if err := d.moving(); err != nil {
				t.Fatal(err)
			}
			silent.Store(!silent.Load())
		}
	})
}

// Other roots go on.
func TestFileSystemThatDoesNotAnswerIsNoHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		hang := make(chan struct{})
		d.bucket.before = func(context.Context, string) error {
			defer d.src.disk.End(d.src.disk.Begin()) // a read of the body
			<-hang
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "one")
		time.Sleep(time.Hour)
		if err := d.moving(); err != nil {
			t.Error(err)
		}
		close(hang)
		time.Sleep(time.Second)
	})
}

func TestRunThatHasEndedDoesNotHang(t *testing.T) {
	d := newDesk(t, Settings{})
	close(d.up.done)
	if err := d.moving(); err != nil {
		t.Error(err)
	}
}

// What a reload changes is used by the next upload; what was confirmed stays so.
func TestOtherHeadersAreThoseOfTheNextObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.close("g/s/1.ts", "one")
		settle()
		d.up.Change(d.src.dest, publish.Destination{}, "max-age=7", "")
		d.close("g/s/2.ts", "two")
		settle()
		if one, two := d.bucket.header("g/s/1.ts"), d.bucket.header("g/s/2.ts"); one == two || two != "video/mp2t; max-age=7" {
			t.Errorf("%q, then %q", one, two)
		}
	})
}

// An operator who mended the credentials does not wait for the next probe.
func TestChangeProbesABucketThatIsShut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var refuse atomic.Bool
		refuse.Store(true)
		d.bucket.before = func(context.Context, string) error {
			if refuse.Load() {
				return errors.Join(ErrPermanent, ErrBucket)
			}
			return nil
		}
		d.start()
		d.close("g/s/1.ts", "one")
		settle()
		refuse.Store(false)
		d.up.Change(d.src.dest, publish.Destination{}, "", "")
		settle()
		if !d.bucket.has("g/s/1.ts") {
			t.Error("the bucket is not probed")
		}
	})
}

// The directory is not published any more, so its streams cannot stall.
func TestRetiredSourceIsNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen changes
		d := newDesk(t, Settings{Changed: seen.add})
		d.start()
		d.live("g/s", 1, 3, 4*time.Second)
		seen.take()
		d.src.Retire()
		time.Sleep(5 * time.Minute)
		if got := seen.take(); len(got) > 0 {
			t.Errorf("%q", got)
		}
		if streams, _ := d.up.Streams(t.Context()); len(streams) > 0 {
			t.Errorf("%+v", streams)
		}
		d.src.Revive()
		d.live("g/s", 4, 6, 4*time.Second)
		if streams, _ := d.up.Streams(t.Context()); len(streams) != 1 {
			t.Errorf("%+v", streams)
		}
	})
}
