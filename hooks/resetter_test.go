package hooks_test

import (
	"fmt"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

// transcoding has the server run a transcode into a stream, and publishes what that sends.
func transcoding(t *testing.T, s *emstest.Server, target string) *emstest.Published {
	t.Helper()
	api, err := emsapi.New(emsapi.Settings{URL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Call(t.Context(), "transcode", []emsapi.Param{{Key: "source", Value: "cam"}, {Key: "destinations", Value: target}}, nil); err != nil {
		t.Fatal(err)
	}
	return publish(t, s, target)[0]
}

// shutdowns returns the parameters of the commands that ended streams.
func shutdowns(s *emstest.Server) (params []string) {
	for _, c := range s.Calls() {
		if c.Command == "shutdownStream" {
			params = append(params, fmt.Sprint(c.Params))
		}
	}
	return params
}

func TestStuckTranscodesAreResetAndNothingElse(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	origin := serve(t, emstest.Settings{Address: "127.0.0.11", Network: network})
	far := publish(t, origin, "far")[0]
	s := serve(t, emstest.Settings{Address: "127.0.0.10", Network: network, Second: 100 * time.Millisecond})
	run(t, s, hooks.Settings{Resetter: &config.Resetter{Token: "named", Video: true}})

	api, _ := emsapi.New(emsapi.Settings{URL: s.URL()})
	if _, err := api.PullStream(t.Context(), emsapi.Pull{URI: "rtmp://127.0.0.11/live/far", LocalStreamName: "named-pull", KeepAlive: true}); err != nil {
		t.Fatal(err)
	}
	audio, video, goesOn := transcoding(t, s, "audio"), transcoding(t, s, "video"), transcoding(t, s, "goes-on")
	stopped := publish(t, s, "plain")[0] // by an encoder: its sound stops
	silent, err := s.Publish("named-silent", emstest.Publisher{NoAudio: true})
	if err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "the pull is there", func() bool { return len(s.Names()) == 6 })
	time.Sleep(500 * time.Millisecond) // there have been packets
	for _, p := range []*emstest.Published{audio, stopped, far} {
		p.StopAudio()
	}
	video.StopVideo()
	for _, st := range s.Streams() { // forged, of all
		s.Emit("audioFeedStopped", map[string]any{"id": st.ID, "localStreamName": st.Name})
		s.Emit("videoFeedStopped", map[string]any{"streamId": st.ID})
	}
	within(t, 40*time.Second, "three are reset", func() bool { return len(shutdowns(s)) >= 3 })
	for name, p := range map[string]*emstest.Published{"audio": audio, "video": video} {
		select {
		case <-p.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("%s is not reset", name)
		}
	}
	within(t, 10*time.Second, "the pull begins again", func() bool {
		pulls := s.Config().Pull
		return len(pulls) == 1 && pulls[0].KeepAlive && pulls[0].StreamID != 0
	})
	for name, p := range map[string]*emstest.Published{"goes on": goesOn, "by an encoder": stopped, "never had sound": silent} {
		select {
		case <-p.Done():
			t.Errorf("%s: it is cut", name)
		default:
		}
	}
	if got := shutdowns(s); len(got) != 3 {
		t.Errorf("shut down: %q", got)
	}
	for _, p := range shutdowns(s) {
		if p[len(p)-3:] != "0}]" {
			t.Errorf("an order is removed: %s", p)
		}
	}
}

// Whatever anybody posts, it is the server that tells which streams stand still.
func TestForgedReportsOfStoppedFeedsEndNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{})
	r := run(t, s, hooks.Settings{Resetter: &config.Resetter{Token: "cam"}})
	published := publish(t, s, names("cam", 20)...)
	end := time.Now().Add(13 * time.Second) // longer than a feed has to stand still
	for time.Now().Before(end) {
		for i := range 20 {
			r.post(fmt.Sprintf(`{"id":0,"type":"audioFeedStopped","payload":{"id":%d}}`, i+1))
		}
		time.Sleep(time.Second)
	}
	if got := shutdowns(s); len(got) != 0 {
		t.Errorf("shut down: %q", got)
	}
	for _, p := range published {
		select {
		case <-p.Done():
			t.Fatal("a stream is ended")
		default:
		}
	}
	if n := count(s, "listStreams"); n > 10 {
		t.Errorf("the server was looked at %d times", n)
	}
}

// EMS reports it each 10 s, for ever.
func TestCamerasWithoutSoundAreNotReset(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{Second: 100 * time.Millisecond})
	r := run(t, s, hooks.Settings{Resetter: &config.Resetter{Token: "cam"}, Interval: time.Second})
	cam, err := s.Publish("cam", emstest.Publisher{NoAudio: true})
	if err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "looks for longer than a feed has to stand still", func() bool { return count(s, "listStreams") >= 13 })
	select {
	case <-cam.Done():
		t.Error("it is cut")
	default:
	}
	if got := shutdowns(s); len(got) != 0 {
		t.Errorf("shut down: %q; the log:\n%s", got, r.log.lines("TranscodeResetter"))
	}
}

// An event that is lost costs an interval.
func TestStuckTranscodesAreFoundWithoutEvents(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{})
	run(t, s, hooks.Settings{Resetter: &config.Resetter{}, Interval: 4 * time.Second})
	s.SetSink("")
	out := transcoding(t, s, "out")
	time.Sleep(500 * time.Millisecond)
	out.StopAudio()
	select {
	case <-out.Done():
	case <-time.After(40 * time.Second):
		t.Error("it is not reset")
	}
}
