package daemon

import (
	"testing"
	"time"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

func TestStatusIsOneLine(t *testing.T) {
	of := func(name string, state health.State, lag time.Duration) uploader.Stream {
		return uploader.Stream{View: publish.View{Shown: name, State: state, Lag: lag}}
	}
	live := of("a", health.Live, 123*time.Millisecond)
	for want, streams := range map[string][]uploader.Stream{
		"no stream yet":                             nil,
		"1 live; lag 120 ms":                        {live},
		"2 live, 1 stalled: news/sport; lag 180 ms": {of("news/sport", health.Stalled, time.Hour), live, of("b", health.Live, 184*time.Millisecond)},
		"4 failing: x x x and 1 more, 1 ended":      {of("x", health.Failing, 0), of("x", health.Failing, 0), of("x", health.Failing, 0), of("x", health.Failing, 0), of("y", health.Ended, 0)},
		"1 lagging: a?READY=1":                      {of("a\nREADY=1", health.Lagging, 0)},
	} {
		if got := statusOf(streams); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
