package hooks_test

import (
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

func TestStuckTranscodesAreReset(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event, key string
		video      bool
		reset      bool
	}{
		"audio":                         {"audioFeedStopped", "id", false, true},
		"audio, as documented":          {"audioFeedStopped", "streamId", false, true},
		"video":                         {"videoFeedStopped", "id", true, true},
		"video, which is not asked for": {"videoFeedStopped", "id", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, emstest.Settings{})
			run(t, s, hooks.Settings{Resetter: &config.Resetter{Video: c.video}})
			cam, other := publish(t, s, "cam")[0], publish(t, s, "other")[0]
			var id uint32
			for _, st := range s.Streams() {
				if st.Name == "cam" {
					id = st.ID
				}
			}
			for range 5 { // again and again
				s.Emit(c.event, map[string]any{c.key: id, "localStreamName": "cam"})
			}
			if c.reset {
				select {
				case <-cam.Done():
				case <-time.After(5 * time.Second):
					t.Fatal("it was not reset")
				}
			}
			time.Sleep(300 * time.Millisecond)
			n := 0
			for _, call := range s.Calls() {
				if call.Command == "shutdownStream" {
					n++
					if len(call.Params) != 2 || call.Params[1].Key != "permanently" || call.Params[1].Value != "1" {
						t.Errorf("%+v", call)
					}
				}
			}
			if want := map[bool]int{true: 1}[c.reset]; n != want {
				t.Errorf("%d resets, want %d", n, want)
			}
			select {
			case <-other.Done():
				t.Error("another stream was reset")
			default:
			}
		})
	}
}
