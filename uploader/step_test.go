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

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// An observer is told of each step of a chunk and of its playlist, with what the step took.
func TestStepsOfAChunkAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []Step // of the uploader's goroutine, until it has ended
		d := newDesk(t, Settings{Observe: func(s Step) { steps = append(steps, s) }})
		d.dest.Prefix = "live/"
		var puts atomic.Int64
		d.bucket.before = func(context.Context, string) error {
			if puts.Add(1) == 1 {
				time.Sleep(100 * time.Millisecond)
				return errors.New("connection refused")
			}
			time.Sleep(20 * time.Millisecond)
			return nil
		}
		ended := d.start()
		began := time.Now()
		d.close("g/s/7.ts", "0123456789")
		d.close("g/s/playlist.m3u8", playlist(7, 7))
		time.Sleep(5 * time.Second)
		d.end()
		<-ended

		var got []string
		for _, s := range steps {
			if s.At.Before(began) || s.At.After(time.Now()) || s.Root != d.dir || s.Format != "HLS" || s.Stream != "g/s" {
				t.Errorf("%+v is not of this stream and this time", s)
			}
			line := fmt.Sprintf("%s %s %s", s.Kind, s.Key, s.Stage)
			if s.Attempt > 0 {
				line += fmt.Sprintf(" %d", s.Attempt)
			}
			if s.Took > 0 {
				line += fmt.Sprintf(" in %v", s.Took)
			}
			if s.Why != "" {
				line += ": " + s.Why
			}
			if s.Err != nil {
				line += ": " + s.Err.Error()
			}
			got = append(got, line)
		}
		want := []string{
			"chunk live/g/s/7.ts closed", "chunk live/g/s/7.ts kept", "chunk live/g/s/7.ts sending 1",
			"manifest live/g/s/playlist.m3u8 closed",
			"chunk live/g/s/7.ts failed 1 in 100ms: no answer: connection refused",
			"chunk live/g/s/7.ts sending 2", "chunk live/g/s/7.ts sent 2 in 20ms", "chunk live/g/s/7.ts confirmed: upload",
			"manifest live/g/s/playlist.m3u8 sending 1", "manifest live/g/s/playlist.m3u8 sent 1 in 20ms",
			"chunk live/g/s/7.ts listed",
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the steps are\n%q, want\n%q", got, want)
		}
		closed, listed := steps[0], steps[len(steps)-1]
		if listed.Lag < 140*time.Millisecond || listed.Lag != listed.At.Sub(closed.At) || listed.Bytes != 10 || listed.Sequence != 7 {
			t.Errorf("%+v, want the lag since %v, 10 bytes and sequence 7", listed, closed.At)
		}
	})
}

// A recording is told from a chunk.
func TestStepsOfARecordingAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stages []publish.Stage
		d := newDeskFor(t, media.Layout{Format: media.Recording}, Settings{Observe: func(s Step) {
			if s.Kind != publish.KindRecording {
				t.Errorf("%+v is no recording", s)
			}
			stages = append(stages, s.Stage)
		}})
		ended := d.start()
		d.close("a.mp4", "moov")
		time.Sleep(5 * time.Second)
		d.end()
		<-ended
		want := []publish.Stage{publish.StageClosed, publish.StageKept, publish.StageSending, publish.StageSent, publish.StageConfirmed}
		if !slices.Equal(stages, want) {
			t.Errorf("the steps are %v, want %v", stages, want)
		}
	})
}
