package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestLifecycleExpiresOldChunksOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newStore(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			lifecycle{s, allOutputs(t), 10 * time.Minute, slog.New(slog.DiscardHandler)}.run(ctx)
			close(done)
		}()
		old := []string{"demo/live1/old.ts", "demo/live1/f4vSeg1-Frag1", "demo/live1/video/198000/segment_0.m4s"}
		kept := []string{"demo/live1/video/198000/seg_init.mp4", "demo/live1/audio/198000/seg_init.mp4", "demo/live1/a_7.ts"}
		for _, key := range append(old, kept...) {
			put(t, s, key, "x")
		}
		// Written once, or when the machine went to sleep.
		put(t, s, "demo/playlist.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive1/playlist.m3u8\n")
		put(t, s, "demo/live1/playlist.m3u8", twoChunks)
		put(t, s, "demo/live1/bootstrap", string(bootstrapBox(1, []hdsRun{{2, 5000, 4000}})))
		kept = append(kept, "demo/playlist.m3u8", "demo/live1/playlist.m3u8", "demo/live1/bootstrap", "demo/live1/new.ts")

		time.Sleep(9 * time.Minute)
		put(t, s, "demo/live1/new.ts", "x")
		synctest.Wait()
		for _, key := range old {
			if !holds(t, s, key) {
				t.Errorf("%s is gone after 9 minutes", key)
			}
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()

		for _, key := range old {
			if holds(t, s, key) {
				t.Errorf("%s is still there after 12 minutes", key)
			}
		}
		for _, key := range kept {
			if !holds(t, s, key) {
				t.Errorf("%s is gone", key)
			}
		}
		stop()
		<-done
	})
}

// allOutputs returns the outputs of all formats that the demo has.
func allOutputs(t *testing.T) []output {
	t.Helper()
	var all []output
	for _, f := range playable {
		s, err := newStream(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s.output())
	}
	return all
}
