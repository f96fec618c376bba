package daemon

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// R8: anyone who can reach the listener can give hints, and each scan looks at all files.
func TestR8HintsHaveTheTreesScannedOnceInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		h, scans := newHints(), 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.follow(ctx, func() { scans++ })
		}()
		h.give()
		synctest.Wait()
		if scans != 1 {
			t.Errorf("the first hint: %d scans at once", scans)
		}
		for range 1000 {
			h.give()
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		if most := 1 + int(10*time.Second/hintPause); scans > most || scans < most-1 {
			t.Errorf("1,000 hints in 10 s: %d scans, want %d", scans, most)
		}
		time.Sleep(hintPause) // the last hint is not forgotten
		synctest.Wait()
		before := scans
		time.Sleep(time.Minute)
		if synctest.Wait(); scans != before {
			t.Errorf("%d scans without a hint", scans-before)
		}
		h.give()
		if synctest.Wait(); scans != before+1 {
			t.Errorf("a hint later: %d scans", scans-before)
		}
		stop()
		<-ended
	})
}
