package uploader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

// The facts are those of one moment: a bucket that refuses, the stream that fails because of it, and
// what waits.
func TestFactsTellOfLanesStreamsAndFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var refuses atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if refuses.Load() {
				return fmt.Errorf("403: %w", errors.Join(ErrPermanent, ErrBucket))
			}
			return nil
		}
		d.start()
		want := func(lane string, state health.State, waiting bool) {
			t.Helper()
			f, ok := d.up.Facts(t.Context())
			if !ok || len(f.Lanes) != 1 || len(f.Streams) != 1 {
				t.Fatalf("facts %+v, %v", f, ok)
			}
			if f.Lanes[0].State.String() != lane || f.Lanes[0].Format != "HLS" || f.Streams[0].State != state ||
				f.Figures.Queue > 0 != waiting {
				t.Errorf("lane %+v, stream %+v, figures %+v", f.Lanes[0], f.Streams[0], f.Figures)
			}
		}
		d.live("g/s", 1, 5, 4*time.Second)
		want("open", health.Live, false)
		refuses.Store(true)
		d.live("g/s", 6, 12, 4*time.Second)
		want("refused", health.Failing, true)
		refuses.Store(false)
		time.Sleep(time.Minute)
		d.live("g/s", 13, 20, 4*time.Second)
		want("open", health.Live, false)
	})
}

func TestEachStateOfALaneHasAName(t *testing.T) {
	for state, want := range []string{"open", "silent", "refused", "refused"} {
		if got := publish.LaneState(state).String(); got != want || !slices.Contains(publish.LaneStates, got) {
			t.Errorf("state %d is called %q, want %q", state, got, want)
		}
	}
}
