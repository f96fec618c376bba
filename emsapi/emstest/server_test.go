package emstest_test

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
)

func TestNamesAreTaken(t *testing.T) {
	t.Parallel()
	g := newSite(t, 1)
	publish(t, g.servers[0], "cam")
	pulled(t, g.clients[0], "rtmp://127.0.0.8/live/x", "reserved", true)
	for _, name := range []string{"cam", "reserved"} {
		if _, err := g.servers[0].Publish(name, emstest.Publisher{}); err == nil {
			t.Errorf("an encoder got %s", name)
		}
		if _, err := g.clients[0].PullStream(t.Context(), emsapi.Pull{URI: "rtmp://127.0.0.8/live/y", LocalStreamName: name}); !emsapi.NameTaken(err) {
			t.Errorf("pull %s: %v", name, err)
		}
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	g := newSite(t, 1)
	s, c, events := g.servers[0], g.clients[0], g.sinks[0]
	gone := pulled(t, c, "rtmp://127.0.0.1/live/none", "gone", false)
	kept := pulled(t, c, "rtmp://127.0.0.1/live/none", "kept", true)
	if _, err := c.SetTimer(t.Context(), emsapi.Timer{Seconds: 1}); err != nil {
		t.Fatal(err)
	}
	publish(t, s, "cam")
	first := events.wait(t, "serverStarted", 1)
	s.Stop()
	if _, err := s.Publish("cam", emstest.Publisher{}); err == nil {
		t.Error("it takes an encoder")
	}
	if _, err := c.Version(t.Context()); err == nil {
		t.Error("it answers")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	second := events.wait(t, "serverStarted", 2)
	if first.ID != 1 || second.ID != 1 || first.Payload["PID"] == second.Payload["PID"] {
		t.Errorf("%d of %v, %d of %v", first.ID, first.Payload["PID"], second.ID, second.Payload["PID"])
	}
	orders, err := c.ListConfig(t.Context())
	if err != nil || len(orders.Pull) != 1 || orders.Pull[0].LocalStreamName != "kept" || orders.Pull[0].ConfigID == kept.ConfigID || orders.Pull[0].ConfigID != gone.ConfigID {
		t.Errorf("%+v, %v", orders.Pull, err) // the id is another's of before
	}
	if s.Timers() != nil || slices.Contains(s.Names(), "cam") {
		t.Errorf("%v and %v", s.Timers(), s.Names())
	}
}

// A line break in the parameters is the end of the command, wherever it stands.
func TestLineBreaksBeginCommands(t *testing.T) {
	t.Parallel()
	s := start(t, emstest.Settings{})
	for _, params := range []string{"localStreamName=a\nversion", "\nversion", "localStreamName=a\r\nversion x=1"} {
		s.ResetCalls()
		get(t, s, "isStreamRunning?params="+base64.StdEncoding.EncodeToString([]byte(params)))
		if all := s.Calls(); len(all) != 2 || all[0].Command != "isStreamRunning" || all[1].Command != "version" || all[1].Failed != "" {
			t.Errorf("%q: %+v", params, all)
		}
	}
}

func TestDisturbance(t *testing.T) {
	t.Parallel()
	g := newSite(t, 1)
	s, events := g.servers[0], g.sinks[0]
	s.Disturb(emstest.Disturbance{Lose: 1})
	s.Emit("lost", map[string]any{"file": "/x"})
	s.Disturb(emstest.Disturbance{Double: 1})
	s.Emit("double", map[string]any{"file": "/x"})
	s.Disturb(emstest.Disturbance{Disorder: 200 * time.Millisecond})
	for range 20 {
		s.Emit("late", map[string]any{})
	}
	s.Disturb(emstest.Disturbance{})
	s.Emit("after", map[string]any{})
	events.wait(t, "late", 20)
	lost := 2 // the first is that of the start
	if a, b := events.wait(t, "double", 1), events.wait(t, "double", 2); a.ID != lost+1 || b.ID != a.ID || a.Payload["file"] != "/x" {
		t.Errorf("%+v, %+v", a, b)
	}
	if n := len(events.events("lost")); n > 0 {
		t.Errorf("%d came", n)
	}
	if late := events.events("late"); slices.IsSortedFunc(late, func(a, b event) int { return a.ID - b.ID }) {
		t.Error("all came in order")
	}
}

func TestOtherTypesOfStreams(t *testing.T) {
	t.Parallel()
	s := start(t, emstest.Settings{})
	if _, err := s.Publish("ts", emstest.Publisher{Type: "ITS", FarIP: "192.0.2.1", UserAgent: "x"}); err != nil {
		t.Fatal(err)
	}
	if st := s.Streams()[0]; st.Type != "ITS" || !st.Inbound() || st.FarIP != "192.0.2.1" || st.UserAgent != "x" {
		t.Errorf("%+v", st)
	}
}
