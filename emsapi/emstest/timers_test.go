package emstest_test

import (
	"encoding/base64"
	"testing"
	"time"

	"ems-sidecar/emsapi"
)

func TestTimerFiresUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	g := newSite(t, 1)
	s, c, events := g.servers[0], g.clients[0], g.sinks[0]
	timer, err := c.SetTimer(t.Context(), emsapi.Timer{Seconds: 2, Variables: emsapi.Variables{"who": "me"}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		p := events.wait(t, "timerTriggered", n+1).Payload
		if p["triggerCount"] != float64(n+1) || p["timerId"] != float64(timer.ID) || p["value"] != 2.0 || p["_who"] != "me" {
			t.Errorf("%v", p)
		}
	}
	if all := s.Timers(); len(all) != 1 || all[0].ID != timer.ID || all[0].Triggered < 3 {
		t.Errorf("%+v", all)
	}
	if err := c.RemoveTimer(t.Context(), timer.ID); err != nil {
		t.Fatal(err)
	}
	events.wait(t, "timerClosed", 1)
	fired := len(events.events("timerTriggered"))
	time.Sleep(6 * second)
	if n := len(events.events("timerTriggered")); n > fired+1 || s.Timers() != nil { // one may have been under way
		t.Errorf("fired %d times, and then %d; %v are left", fired, n-fired, s.Timers())
	}
}

func TestTimerForATimeOfDayFiresOnce(t *testing.T) {
	t.Parallel()
	g := newSite(t, 1)
	at := time.Now().UTC().Add(20 * time.Second).Format("2006-01-02T15:04:05")
	get(t, g.servers[0], "setTimer?params="+base64.StdEncoding.EncodeToString([]byte("value="+at+" _who=me")))
	if all := g.servers[0].Timers(); len(all) != 1 || all[0].Triggered != 0 {
		t.Errorf("%+v", all)
	}
	p := g.sinks[0].wait(t, "timerTriggered", 1).Payload
	closed := g.sinks[0].wait(t, "timerClosed", 1).Payload
	if p["_who"] != "me" || p["value"] != at+".000" || closed["timerId"] != p["timerId"] || g.servers[0].Timers() != nil {
		t.Errorf("%v, %v, %v", p, closed, g.servers[0].Timers())
	}
}
