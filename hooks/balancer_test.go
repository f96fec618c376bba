package hooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

// A group is servers of one network, and the balancer beside each.
type group struct {
	t       *testing.T
	network *emstest.Network
	servers []*emstest.Server
	rigs    []*rig
	all     []config.URI
	second  time.Duration
}

// balance returns a group of n servers on 127.0.0.1 and so on, each of which has all of them as
// destinations.
func balance(t *testing.T, n int, interval, second time.Duration) *group {
	t.Helper()
	g := &group{t: t, network: emstest.NewNetwork(), second: second}
	for i := range n {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		s := serve(t, emstest.Settings{Address: host, API: host + ":0", Network: g.network, Second: g.second, Seed: uint64(i)})
		g.servers = append(g.servers, s)
		g.all = append(g.all, config.URI(s.URL()))
	}
	for i := range n {
		g.rigs = append(g.rigs, g.run(i, interval))
	}
	return g
}

func (g *group) run(i int, interval time.Duration) *rig {
	host := fmt.Sprintf("127.0.0.%d", i+1)
	return run(g.t, g.servers[i], hooks.Settings{
		APIHost: host, Interval: interval, Balancer: &config.Balancer{Destinations: g.all, Advertise: host},
	})
}

// everywhere reports whether each server has these streams, and one pull for each that it does not
// have from an encoder.
func (g *group) everywhere(want []string, origins map[string]int) bool {
	slices.Sort(want)
	for i, s := range g.servers {
		if !slices.Equal(s.Names(), want) {
			return false
		}
		pulls := make(map[string]int)
		for _, p := range s.Config().Pull {
			pulls[p.LocalStreamName]++
			if pulls[p.LocalStreamName] > 1 {
				g.t.Fatalf("server %d pulls %s twice", i, p.LocalStreamName)
			}
		}
		for _, name := range want {
			if (origins[name] == i) == (pulls[name] == 1) {
				return false
			}
		}
	}
	return true
}

func (g *group) publish(i int, names ...string) ([]*emstest.Published, map[string]int) {
	g.t.Helper()
	origins := make(map[string]int)
	for _, name := range names {
		origins[name] = i
	}
	return publish(g.t, g.servers[i], names...), origins
}

func TestStreamsAreOnAllServers(t *testing.T) {
	t.Parallel()
	g := balance(t, 3, time.Minute, 100*time.Millisecond)
	want := names("s", 50)
	_, origins := g.publish(0, want...)
	within(t, 10*time.Second, "all are everywhere", func() bool { return g.everywhere(want, origins) })
	for _, r := range g.rigs {
		r.looked()
	}
	pulls := 0
	for _, s := range g.servers {
		pulls += count(s, "pullStream")
	}
	if !g.everywhere(want, origins) || pulls != 100 {
		t.Errorf("%d pulls for 50 streams on 2 servers", pulls)
	}
	for _, p := range g.servers[1].Config().Pull {
		if p.KeepAlive || p.Variables["localStreamName"] != p.LocalStreamName || p.Variables["origin"] != "127.0.0.1" {
			t.Fatalf("%+v", p)
		}
	}
}

// The name of a stream that has ended must be free at once for the encoder that goes over to
// another server.
func TestEncoderFailsOver(t *testing.T) {
	t.Parallel()
	g := balance(t, 3, time.Minute, time.Second) // a copy without an origin lasts for 10 s at least
	cam, origins := g.publish(0, "cam")
	within(t, 8*time.Second, "it is everywhere", func() bool { return g.everywhere([]string{"cam"}, origins) })
	cam[0].End()
	within(t, 8*time.Second, "the encoder is taken elsewhere", func() bool {
		_, err := g.servers[1].Publish("cam", emstest.Publisher{})
		return err == nil
	})
	within(t, 8*time.Second, "it is everywhere again", func() bool { return g.everywhere([]string{"cam"}, map[string]int{"cam": 1}) })
}

func TestServerThatWasAwayGetsAllStreams(t *testing.T) {
	t.Parallel()
	g := balance(t, 3, 2*time.Second, 100*time.Millisecond)
	want := names("s", 10)
	_, origins := g.publish(0, want...)
	within(t, 10*time.Second, "all are everywhere", func() bool { return g.everywhere(want, origins) })
	g.servers[2].Stop()
	_, more := g.publish(1, "t0", "t1")
	want = append(want, "t0", "t1")
	origins["t0"], origins["t1"] = more["t0"], more["t1"]
	within(t, 10*time.Second, "the other two go on", func() bool { return len(g.servers[0].Names()) == 12 && len(g.servers[1].Names()) == 12 })
	if err := g.servers[2].Start(); err != nil {
		t.Fatal(err)
	}
	within(t, 4*time.Second, "it has all", func() bool { return g.everywhere(want, origins) })
}

func TestTwoEncodersOfOneName(t *testing.T) {
	t.Parallel()
	g := balance(t, 3, time.Second, 100*time.Millisecond)
	for _, s := range g.servers[:2] {
		s.SetSink("") // neither hears of the other before both have it
	}
	first, _ := g.publish(0, "cam")
	second, _ := g.publish(1, "cam")
	for i, s := range g.servers[:2] {
		s.SetSink(g.rigs[i].sink)
	}
	within(t, 5*time.Second, "the third has one of them", func() bool { return len(g.servers[2].Names()) == 1 })
	time.Sleep(3 * time.Second) // three intervals
	for i, p := range []*emstest.Published{first[0], second[0]} {
		select {
		case <-p.Done():
			t.Errorf("the encoder of server %d was thrown out", i)
		default:
		}
		if got := g.rigs[i].log.lines("has another stream of that name", fmt.Sprintf("destination=127.0.0.%d", 2-i)); len(got) != 1 {
			t.Errorf("server %d says %d times that there are two:\n%s", i, len(got), got)
		}
	}
	if n := count(g.servers[2], "removeConfig"); n > 0 {
		t.Errorf("the third's pull was removed %d times", n)
	}
	// Which one the third has does not matter; when its encoder ends, it gets the other.
	first[0].End()
	within(t, 5*time.Second, "the one that is left is everywhere", func() bool { return g.everywhere([]string{"cam"}, map[string]int{"cam": 1}) })
}

// A copy is recognized as one, whether the balancer made it, an operator pulled it, or a router
// pushed it.
func TestCopiesAreNotSpread(t *testing.T) {
	t.Parallel()
	g := balance(t, 2, time.Minute, 100*time.Millisecond)
	api, _ := emsapi.New(emsapi.Settings{URL: g.servers[1].URL()})
	if _, err := api.PullStream(t.Context(), emsapi.Pull{URI: "rtmp://127.0.0.1/live/far", LocalStreamName: "near"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.servers[1].Publish("pushed", emstest.Publisher{FarIP: "127.0.0.1", UserAgent: "EvoStream Media Server (www.evostream.com)"}); err != nil {
		t.Fatal(err)
	}
	_, _ = g.publish(0, "far")
	within(t, 5*time.Second, "the origin is spread", func() bool { return slices.Contains(g.servers[1].Names(), "far") })
	for _, r := range g.rigs {
		r.looked()
	}
	if got := g.servers[0].Config().Pull; len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestLoopbackIsNotAdvertised(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Network: network})
	r := run(t, a, hooks.Settings{Balancer: &config.Balancer{Destinations: []config.URI{config.URI(b.URL())}}})
	publish(t, a, "cam0", "cam1")
	within(t, 5*time.Second, "it is logged once", func() bool { return len(r.log.lines("level=ERROR", "set advertise")) == 1 })
	if _, err := a.Publish("cam2", emstest.Publisher{NearIP: "192.0.2.7"}); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "another address is advertised", func() bool {
		for _, c := range b.Calls() {
			if strings.Contains(c.Raw, "uri=rtmp://192.0.2.7:1935/live/cam2") {
				return true
			}
		}
		return false
	})
	if n := len(r.log.lines("level=ERROR")); n != 1 || count(b, "pullStream") != 1 {
		t.Errorf("%d errors, %d pulls", n, count(b, "pullStream"))
	}
}

func TestDestinationsBehindAPasswordAreReached(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Proxy: "127.0.0.2:0", Username: "ems", Password: "hunter2", Network: network})
	r := run(t, a, hooks.Settings{Balancer: &config.Balancer{Destinations: []config.URI{config.URI(b.ProxyURL())}, Advertise: "127.0.0.1"}})
	publish(t, a, "cam")
	within(t, 5*time.Second, "it is pulled", func() bool { return len(b.Names()) == 1 })
	r.stop()
	if got := r.log.lines("hunter2"); len(got) > 0 {
		t.Errorf("%s", got)
	}
	wrong := config.URI(strings.Replace(b.ProxyURL(), "hunter2", "hunter3", 1))
	r = run(t, a, hooks.Settings{Balancer: &config.Balancer{Destinations: []config.URI{wrong}, Advertise: "127.0.0.1"}})
	within(t, 5*time.Second, "a wrong password is logged", func() bool { return len(r.log.lines("level=WARN", "password is not accepted")) == 1 })
	if got := r.log.lines("hunter3"); len(got) > 0 {
		t.Errorf("%s", got)
	}
}

// Servers that know only the next one: a copy is not handed on, and nothing goes round.
func TestRingOfBalancers(t *testing.T) {
	t.Parallel()
	g := &group{t: t, network: emstest.NewNetwork(), second: 100 * time.Millisecond}
	for i := range 3 {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		g.servers = append(g.servers, serve(t, emstest.Settings{Address: host, API: host + ":0", Network: g.network, Second: g.second}))
	}
	for i := range 3 {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		next := config.URI(g.servers[(i+1)%3].URL())
		g.rigs = append(g.rigs, run(t, g.servers[i], hooks.Settings{
			APIHost: host, Balancer: &config.Balancer{Destinations: []config.URI{next}, Advertise: host},
		}))
	}
	cam, _ := g.publish(0, "cam")
	within(t, 10*time.Second, "the next one has it", func() bool { return len(g.servers[1].Names()) == 1 })
	for _, r := range g.rigs {
		r.looked()
	}
	if n := count(g.servers[0], "pullStream") + count(g.servers[2], "pullStream"); n > 0 || count(g.servers[1], "pullStream") != 1 {
		t.Errorf("it was handed on %d times", n)
	}
	cam[0].End()
	within(t, 10*time.Second, "it is gone everywhere", func() bool {
		return len(g.servers[1].Names())+len(g.servers[1].Config().Pull) == 0
	})
}
