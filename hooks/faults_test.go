package hooks_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

// A destination that hangs costs one request, and what is to be done there is found out again when
// it is back.
func TestDestinationThatHangsGetsNoOldOrders(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Network: network})
	gate := newGate(t, strings.TrimPrefix(b.URL(), "http://"))
	r := run(t, a, hooks.Settings{Interval: 2 * time.Second, Balancer: &config.Balancer{Destinations: []config.URI{config.URI("http://" + gate.address)}, Advertise: "127.0.0.1"}})
	all := names("s", 10)
	published := publish(t, a, all...)
	within(t, 5*time.Second, "all are pulled", func() bool { return slices.Equal(b.Names(), all) })
	gate.hang()
	for _, p := range published {
		p.End()
	}
	within(t, 10*time.Second, "it is found to hang", func() bool { return len(r.log.lines("destination does not answer")) == 1 })
	publish(t, a, all...) // they are back meanwhile
	r.looked()
	before := count(b, "removeConfig")
	gate.open()
	within(t, 10*time.Second, "it answers again", func() bool { return len(r.log.lines("destination answers again")) == 1 })
	within(t, 5*time.Second, "all are there", func() bool { return slices.Equal(b.Names(), all) && len(b.Config().Pull) == 10 })
	if n := count(b, "removeConfig") - before; n > 0 {
		t.Errorf("%d copies of live streams were removed", n)
	}
}

// Two encoders of one name, to two servers, is how some make sure of a stream.
func TestNamesThatAreTakenAreTriedSeldom(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Network: network})
	publish(t, b, names("both", 20)...)
	publish(t, a, names("both", 20)...)
	run(t, a, hooks.Settings{Balancer: &config.Balancer{Destinations: []config.URI{config.URI(b.URL())}, Advertise: "127.0.0.1"}})
	within(t, 5*time.Second, "all conflict", func() bool { return count(b, "pullStream") == 20 })
	for i, name := range names("own", 4) {
		publish(t, a, name)
		within(t, 5*time.Second, "another is pulled", func() bool { return len(b.Names()) == 21+i })
	}
	if n := count(b, "pullStream"); n != 24 {
		t.Errorf("%d pulls were ordered", n)
	}
}

// What the server lists for an operator's pull of a camera that is off is no stream.
func TestPhantomsAreLeftAlone(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Network: network})
	source := serve(t, emstest.Settings{Address: "10.0.0.9", Network: network})
	api, _ := emsapi.New(emsapi.Settings{URL: a.URL()})
	if _, err := api.PullStream(t.Context(), emsapi.Pull{URI: "rtmp://10.0.0.9/live/cam", LocalStreamName: "cam", KeepAlive: true}); err != nil {
		t.Fatal(err)
	}
	run(t, a, hooks.Settings{
		Router:   &config.Router{Destinations: []config.URI{"10.0.0.7"}},
		Recorder: &config.Recorder{FileLocation: "/rec", Period: time.Hour, Type: "ts"},
		Balancer: &config.Balancer{Destinations: []config.URI{config.URI(b.URL())}, Advertise: "127.0.0.1"},
	})
	time.Sleep(4 * time.Second) // nothing can tell that nothing happens
	if n := count(a, "pushStream", "record") + count(b, "pullStream"); n > 0 {
		t.Errorf("%d orders for a stream that does not exist", n)
	}
	if n := len(a.Calls()); n > 12 {
		t.Errorf("%d calls meanwhile", n)
	}
	publish(t, source, "cam")
	run(t, a, hooks.Settings{Recorder: &config.Recorder{FileLocation: "/rec", Period: time.Hour, Type: "ts"}})
	within(t, 5*time.Second, "it is recorded when it has pictures", func() bool { return each(t, recordings(a), 1) })
}

// An order of someone else that the server keeps, but does nothing for, does not count.
func TestAnEndedPushOfTheOperatorDoesNotCount(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	publish(t, a, "cam")
	api, _ := emsapi.New(emsapi.Settings{URL: a.URL()})
	if _, err := api.PushStream(t.Context(), emsapi.Push{TargetURI: "rtmp://10.0.0.2/live", LocalStreamName: "cam"}); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "it fails", func() bool { return a.Config().Push[0].Status == emsapi.ConnectionFailed })
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	run(t, a, route("", "10.0.0.2"))
	within(t, 5*time.Second, "it is pushed", func() bool { return len(b.Names()) == 1 })
	if got := a.Config().Push; len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// Viewers come and go, and dead orders of others fail each second.
func TestEventsOfOthersOrdersStartNoLook(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{Second: 50 * time.Millisecond})
	api, _ := emsapi.New(emsapi.Settings{URL: s.URL()})
	if _, err := api.PullStream(t.Context(), emsapi.Pull{URI: "rtmp://10.0.0.9/live/cam", LocalStreamName: "cam", KeepAlive: true}); err != nil {
		t.Fatal(err)
	}
	r := run(t, s, route("", "10.0.0.2"))
	for range 50 {
		s.Emit("outStreamCreated", map[string]any{"uniqueId": 7, "name": "x", "type": "ONR", "connectionType": 0, "userAgent": "VLC"})
		s.Emit("outStreamClosed", map[string]any{"uniqueId": 7, "name": "x", "type": "ONR", "connectionType": 0, "userAgent": "VLC"})
	}
	r.looked() // by an event that comes after them
	if got := append(r.log.lines("looked at", "reason=outStream"), r.log.lines("looked at", "reason=pullStreamFailed")...); len(got) > 0 {
		t.Errorf("%s", got)
	}
}

func TestShorterPeriodTakesEffect(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{NoChunkLength: true})
	first := run(t, s, record("/rec", time.Hour))
	publish(t, s, "cam")
	within(t, 5*time.Second, "it has a timer", func() bool { return len(s.Timers()) == 1 })
	first.stop()
	run(t, s, record("/rec", time.Minute))
	within(t, 5*time.Second, "it has another", func() bool {
		got := s.Timers()
		return len(got) == 1 && got[0].Seconds <= 60
	})
}

func TestItIsKnownWhetherTheServerAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, emstest.Settings{Address: "127.0.0.1"})
	r := run(t, server, hooks.Settings{Interval: 50 * time.Millisecond, Resetter: &config.Resetter{}})
	within(t, 10*time.Second, "it answers", func() bool { return r.hooks.Server().Answers })
	server.Close()
	within(t, 10*time.Second, "it does not answer any more", func() bool { return !r.hooks.Server().Answers })
}

// A gate stands before a server, and can leave requests without an answer.
type gate struct {
	address string
	shut    chan chan struct{}
	opened  chan struct{}
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{address: l.Addr().String(), shut: make(chan chan struct{}), opened: nil}
	done := make(chan struct{})
	conns := make(chan net.Conn)
	go func() {
		defer close(conns)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	go func() {
		defer close(done)
		var held []net.Conn
		var open chan struct{}
		for {
			select {
			case open = <-g.shut:
			case <-open:
				open = nil
			case c, ok := <-conns:
				switch {
				case !ok:
					for _, c := range held {
						c.Close()
					}
					return
				case open != nil:
					held = append(held, c)
				default:
					pipe(c, to)
				}
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return g
}

func (g *gate) hang() {
	g.opened = make(chan struct{})
	g.shut <- g.opened
}

func (g *gate) open() { close(g.opened) }

// pipe does one request and its answer.
func pipe(c net.Conn, to string) {
	defer c.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	buffer := make([]byte, 64<<10)
	n, err := c.Read(buffer)
	if err != nil {
		return
	}
	if _, err := server.Write(buffer[:n]); err != nil {
		return
	}
	for {
		n, err := server.Read(buffer)
		if n > 0 {
			c.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}
