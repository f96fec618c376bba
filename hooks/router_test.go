package hooks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

func route(token string, to ...config.URI) hooks.Settings {
	return hooks.Settings{Router: &config.Router{Token: token, Destinations: to}}
}

func TestStreamsArePushedOnceToEachDestination(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	c := serve(t, emstest.Settings{Address: "10.0.0.3", Network: network})
	publish(t, a, "live-early", "other") // before the plugins start
	r := run(t, a, route("live", "10.0.0.2", "rtmp://10.0.0.3/live"))
	publish(t, a, names("live", 10)...)
	want := append(names("live", 10), "live-early")
	slices.Sort(want)
	within(t, 5*time.Second, "all are pushed", func() bool { return slices.Equal(b.Names(), want) && slices.Equal(c.Names(), want) })
	r.looked()
	if n := count(a, "pushStream"); n != 22 {
		t.Errorf("%d pushes were ordered for 11 streams and 2 destinations", n)
	}
	for _, p := range a.Config().Push {
		if p.KeepAlive || p.Status != emsapi.Streaming {
			t.Errorf("%+v", p)
		}
	}
}

func TestAnotherStartOrdersNothingTwice(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	first := run(t, a, route("", "10.0.0.2"))
	publish(t, a, "cam")
	within(t, 5*time.Second, "it is pushed", func() bool { return len(b.Names()) == 1 })
	first.stop()
	second := run(t, a, route("", "10.0.0.2"))
	second.looked()
	if n := count(a, "pushStream"); n != 1 {
		t.Errorf("%d pushes", n)
	}
}

// What the operator has ordered by hand is neither doubled nor touched.
func TestAPushOfTheOperatorCounts(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	publish(t, a, "cam")
	api, _ := emsapi.New(emsapi.Settings{URL: a.URL()})
	if _, err := api.PushStream(t.Context(), emsapi.Push{TargetURI: "rtmp://10.0.0.2:1935/live/", LocalStreamName: "cam", KeepAlive: true}); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "it is pushed", func() bool { return len(b.Names()) == 1 })
	r := run(t, a, route("", "10.0.0.2"))
	r.looked()
	if got := a.Config().Push; count(a, "pushStream") != 1 || len(got) != 1 || !got[0].KeepAlive {
		t.Errorf("%+v", got)
	}
}

// Nor is one that does not get through: it is tried again by the server, as its operator wants it.
func TestAPushOfTheOperatorThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	a := serve(t, emstest.Settings{Address: "10.0.0.1"})
	publish(t, a, "cam")
	api, _ := emsapi.New(emsapi.Settings{URL: a.URL()})
	made, err := api.PushStream(t.Context(), emsapi.Push{TargetURI: "rtmp://10.0.0.2/live", LocalStreamName: "cam", KeepAlive: true})
	if err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "it fails", func() bool { return a.Config().Push[0].Status == emsapi.ConnectionFailed })
	r := run(t, a, route("", "10.0.0.2"))
	r.looked()
	if got := a.Config().Push; len(got) != 1 || got[0].ConfigID != made.ConfigID {
		t.Errorf("%+v", got)
	}
}

// What was accepted may be missing from the list for a moment.
func TestOrdersThatAreNotListedYetAreNotGivenAgain(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network, Lag: 1.5})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Network: network, Lag: 1.5})
	c := serve(t, emstest.Settings{Address: "10.0.0.3", Network: network})
	r := run(t, a, hooks.Settings{
		Router:   &config.Router{Destinations: []config.URI{"10.0.0.3"}},
		Recorder: &config.Recorder{FileLocation: "/rec", Period: time.Hour, Type: "ts"},
		Balancer: &config.Balancer{Destinations: []config.URI{config.URI(b.URL())}, Advertise: "127.0.0.1"},
	})
	publish(t, a, "cam")
	within(t, 5*time.Second, "all is ordered", func() bool { return len(b.Names()) == 1 && len(c.Names()) == 1 && len(recordings(a)) == 1 })
	for range 8 { // for two seconds
		r.looked()
	}
	if count(a, "pushStream") != 1 || count(a, "record") != 1 || count(b, "pullStream") != 1 {
		t.Errorf("%d pushes, %d recordings, %d pulls", count(a, "pushStream"), count(a, "record"), count(b, "pullStream"))
	}
}

func TestADestinationThatIsAwayGetsTheStreamWhenItIsBack(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	c := serve(t, emstest.Settings{Address: "10.0.0.3", Network: network})
	r := run(t, a, route("", "10.0.0.2", "10.0.0.3"))
	b.Stop()
	cam := publish(t, a, "cam")[0]
	within(t, 10*time.Second, "the other destination has it", func() bool { return len(c.Names()) == 1 })
	within(t, 10*time.Second, "it is logged", func() bool { return len(r.log.lines("does not arrive", "stream=cam")) == 1 })
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, 15*time.Second, "it arrives", func() bool { return len(b.Names()) == 1 })
	within(t, 10*time.Second, "its arrival is logged", func() bool { return len(r.log.lines("is pushed again", "stream=cam")) == 1 })
	if got := a.Config().Push; len(got) != 2 || len(r.log.lines("does not arrive")) != 1 {
		t.Errorf("%d orders: %+v", len(got), got)
	}
	b.Stop()
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, 15*time.Second, "it arrives again", func() bool { return len(b.Names()) == 1 })
	cam.End()
	within(t, 10*time.Second, "no order is left behind", func() bool { return len(a.Config().Push) == 0 })
}

// Three routers in a ring: a stream goes to the next server, and not round.
func TestRingOfRouters(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	var ring []*emstest.Server
	var rigs []*rig
	for _, host := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		ring = append(ring, serve(t, emstest.Settings{Address: host, Network: network}))
	}
	for i, next := range []config.URI{"10.0.0.2", "10.0.0.3", "10.0.0.1"} {
		rigs = append(rigs, run(t, ring[i], route("", next)))
	}
	cam := publish(t, ring[0], "cam")[0]
	within(t, 5*time.Second, "it is pushed on", func() bool { return len(ring[1].Names()) == 1 })
	for _, r := range rigs {
		r.looked()
	}
	if count(ring[1], "pushStream")+count(ring[2], "pushStream") > 0 {
		t.Error("it was pushed round")
	}
	cam.End()
	within(t, 5*time.Second, "it ends everywhere", func() bool {
		return len(ring[0].Names())+len(ring[1].Names())+len(ring[2].Names()) == 0
	})
}

func TestNothingGoesBackToWhereItCameFrom(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	publish(t, b, "pulled")
	api, _ := emsapi.New(emsapi.Settings{URL: a.URL()})
	if _, err := api.PullStream(t.Context(), emsapi.Pull{URI: "rtmp://10.0.0.2/live/pulled", LocalStreamName: "pulled"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Publish("published", emstest.Publisher{FarIP: "10.0.0.2"}); err != nil {
		t.Fatal(err)
	}
	r := run(t, a, route("", "10.0.0.2"))
	publish(t, a, "own")
	within(t, 5*time.Second, "another is pushed", func() bool { return slices.Contains(b.Names(), "own") })
	r.looked()
	if n := count(a, "pushStream"); n != 1 {
		t.Errorf("%d pushes", n)
	}
}

func TestCredentialsOfADestinationAreNotLogged(t *testing.T) {
	t.Parallel()
	a := serve(t, emstest.Settings{Address: "10.0.0.1"})
	r := run(t, a, route("", "rtmp://user:hunter2@10.0.0.2/live"))
	publish(t, a, "cam")
	within(t, 10*time.Second, "it fails", func() bool { return len(r.log.lines("does not arrive")) == 1 })
	if got := r.log.lines("hunter2"); len(got) > 0 {
		t.Errorf("%s", got)
	}
	if got := a.Config().Push; len(got) > 0 && !strings.Contains(got[0].TargetURI, "hunter2") {
		t.Errorf("the server was not given them: %+v", got)
	}
}
