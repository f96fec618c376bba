package emstest_test

import (
	"slices"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
)

// second is how long one of the servers' seconds lasts here.
const second = 20 * time.Millisecond

// within waits until something is so.
func within(t *testing.T, seconds float64, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Duration(seconds*float64(second)) + 2*time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v s: %s", seconds, what)
		}
		time.Sleep(second / 20)
	}
}

// A site is servers of one network, 127.0.0.1 and so on, and who hears of their events.
type site struct {
	servers []*emstest.Server
	clients []*emsapi.Client
	sinks   []*sink
}

func newSite(t *testing.T, n int) *site {
	t.Helper()
	network, all := emstest.NewNetwork(), &site{}
	for i := range n {
		events := newSink(t)
		s := start(t, emstest.Settings{Address: "127.0.0." + string(rune('1'+i)), Network: network, Second: second, Sink: events.URL, Seed: uint64(i)})
		all.servers, all.clients, all.sinks = append(all.servers, s), append(all.clients, dial(t, s.URL())), append(all.sinks, events)
	}
	return all
}

func pulled(t *testing.T, c *emsapi.Client, uri, name string, keepAlive bool) emsapi.Pull {
	t.Helper()
	p, err := c.PullStream(t.Context(), emsapi.Pull{URI: uri, LocalStreamName: name, KeepAlive: keepAlive})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pushed(t *testing.T, c *emsapi.Client, uri, name, as string, keepAlive bool) emsapi.Push {
	t.Helper()
	p, err := c.PushStream(t.Context(), emsapi.Push{TargetURI: uri, LocalStreamName: name, TargetStreamName: as, KeepAlive: keepAlive})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// find returns the first stream of a name and type.
func find(s *emstest.Server, name, typ string) (emsapi.Stream, bool) {
	all := s.Streams()
	i := slices.IndexFunc(all, func(st emsapi.Stream) bool { return st.Name == name && st.Type == typ })
	if i < 0 {
		return emsapi.Stream{}, false
	}
	return all[i], true
}

// A pull of what does not exist appears, closes after 10 to 20 s and comes back after one.
func TestPhantom(t *testing.T) {
	t.Parallel()
	g := newSite(t, 2)
	pulled(t, g.clients[1], "rtmp://127.0.0.1/live/none", "here", true)
	g.sinks[1].wait(t, "inStreamCreated", 1)
	began := time.Now()
	st, ok := find(g.servers[1], "here", "INR")
	if !ok || st.ConnectionType != emsapi.Pulled || st.Pull == nil || st.FarIP != "127.0.0.1" {
		t.Errorf("%+v", st)
	}
	if player, ok := find(g.servers[0], "none", "ONR"); !ok || player.InStreamID != 0 || player.UserAgent != "EvoStream Media Server (www.evostream.com) player" {
		t.Errorf("at its source: %+v", player)
	}
	if g.servers[1].Names() != nil {
		t.Error("it has pictures")
	}
	g.sinks[1].wait(t, "inStreamClosed", 1)
	if lasted := time.Since(began); lasted < 9*second {
		t.Errorf("it lasted %v of a second of %v", lasted, second)
	}
	g.sinks[0].wait(t, "outStreamClosed", 1)
	g.sinks[1].wait(t, "inStreamCreated", 2)
	if again, ok := find(g.servers[1], "here", "INR"); !ok || again.ID == st.ID || g.servers[1].Config().Pull[0].StreamID != again.ID {
		t.Errorf("again: %+v", again)
	}
	publish(t, g.servers[0], "none")
	within(t, 1, "it has pictures", func() bool { return slices.Equal(g.servers[1].Names(), []string{"here"}) })
}

func TestPhantomWithoutKeepAliveRemovesItsOrder(t *testing.T) {
	t.Parallel()
	g := newSite(t, 2)
	pulled(t, g.clients[1], "rtmp://127.0.0.1/live/none", "here", false)
	g.sinks[1].wait(t, "inStreamClosed", 1)
	within(t, 1, "the order is gone", func() bool { return len(g.servers[1].Config().Pull) == 0 })
}

// A copy whose origin is back in time is still the same, and then has as long again.
func TestCopyOutlivesAShortAbsence(t *testing.T) {
	t.Parallel()
	g := newSite(t, 3)
	cam := publish(t, g.servers[0], "cam")
	pulled(t, g.clients[1], "rtmp://127.0.0.1/live/cam", "cam", true)
	g.sinks[1].wait(t, "inStreamCreated", 1)
	pulled(t, g.clients[2], "rtmp://127.0.0.2/live/cam", "cam", true)
	g.sinks[2].wait(t, "inStreamCreated", 1)
	copied, _ := find(g.servers[1], "cam", "INR")
	for range 6 { // 42 s, of which it is away for 36
		cam.End()
		time.Sleep(5 * second)
		if g.servers[1].Names() != nil {
			t.Error("the copy has pictures")
		}
		starved, _ := find(g.servers[1], "cam", "INR")
		time.Sleep(second)
		if later, _ := find(g.servers[1], "cam", "INR"); later.Bytes != starved.Bytes || later.Bytes < 2 {
			t.Errorf("without pictures it counts %d and then %d bytes", starved.Bytes, later.Bytes)
		}
		cam = publish(t, g.servers[0], "cam")
		within(t, 0, "the copy has pictures", func() bool { return len(g.servers[1].Names()) == 1 })
		time.Sleep(second)
	}
	if again, _ := find(g.servers[1], "cam", "INR"); again.ID != copied.ID || len(g.sinks[1].events("inStreamClosed"))+len(g.sinks[2].events("inStreamClosed")) > 0 {
		t.Errorf("the copy %d became %d", copied.ID, again.ID)
	}
	if n := len(g.sinks[0].events("outStreamCreated")); n != 1 {
		t.Errorf("%d connections to the origin", n)
	}
	cam.End()
	g.sinks[1].wait(t, "inStreamClosed", 1)
	g.sinks[2].wait(t, "inStreamClosed", 1)
}

// The connections of a server that is killed end at once.
func TestKilledOrigin(t *testing.T) {
	t.Parallel()
	g := newSite(t, 3)
	cam := publish(t, g.servers[0], "cam")
	pulled(t, g.clients[1], "rtmp://127.0.0.1/live/cam", "cam", true)
	pushed(t, g.clients[0], "rtmp://127.0.0.3/live", "cam", "", true)
	g.sinks[1].wait(t, "inStreamCreated", 1)
	g.sinks[2].wait(t, "inStreamCreated", 1)
	g.servers[0].Stop()
	<-cam.Done()
	g.sinks[1].wait(t, "inStreamClosed", 1)
	g.sinks[2].wait(t, "inStreamClosed", 1)
	g.sinks[1].wait(t, "pullStreamFailed", 2)
	if err := g.servers[0].Start(); err != nil {
		t.Fatal(err)
	}
	publish(t, g.servers[0], "cam")
	within(t, 2, "all have it again", func() bool { return len(g.servers[1].Names()) == 1 && len(g.servers[2].Names()) == 1 })
}

func TestFailedPull(t *testing.T) {
	t.Parallel()
	g := newSite(t, 1)
	once := pulled(t, g.clients[0], "rtmp://127.0.0.8/live/x", "once", false)
	within(t, 1, "its order is gone", func() bool { return len(g.servers[0].Config().Pull) == 0 })
	if got := g.sinks[0].wait(t, "pullStreamFailed", 1).Payload["configId"]; got != float64(once.ConfigID) {
		t.Errorf("it failed for %v", got)
	}
	pulled(t, g.clients[0], "rtmp://127.0.0.8/live/x", "ever", true)
	g.sinks[0].wait(t, "pullStreamFailed", 4)
	if got := g.servers[0].Config().Pull; len(got) != 1 || got[0].Status != emsapi.ConnectionFailed {
		t.Errorf("%+v", got)
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	g := newSite(t, 3)
	waiting := pushed(t, g.clients[0], "rtmp://127.0.0.2:1935/live", "cam", "copy", true)
	within(t, 1, "it waits for its stream", func() bool { return g.servers[0].Config().Push[0].Status == emsapi.WaitingForStream })
	cam := publish(t, g.servers[0], "cam")
	g.sinks[1].wait(t, "inStreamCreated", 1)
	there, _ := find(g.servers[1], "copy", "INR")
	if there.ConnectionType != emsapi.Plain || there.Push != nil || there.Pull != nil || there.FarIP != "127.0.0.1" ||
		there.UserAgent != "EvoStream Media Server (www.evostream.com)" {
		t.Errorf("at the target: %+v", there)
	}
	here, _ := find(g.servers[0], "cam", "ONR")
	if here.ConnectionType != emsapi.Pushed || here.Push == nil || here.Push.ConfigID != waiting.ConfigID || here.FarIP != "127.0.0.2" {
		t.Errorf("at the source: %+v", here)
	}

	second := pushed(t, g.clients[0], "rtmp://127.0.0.2:1935/live", "cam", "copy", true)
	failed := pushed(t, g.clients[0], "rtmp://127.0.0.8/live", "cam", "copy", false)
	within(t, 1, "the second is refused and the third fails", func() bool {
		p := g.servers[0].Config().Push
		return p[0].Status == emsapi.Streaming && p[1].Status == emsapi.Disconnected && p[2].Status == emsapi.ConnectionFailed
	})
	if err := g.clients[0].RemoveConfig(t.Context(), waiting.ConfigID); err != nil {
		t.Fatal(err)
	}
	g.sinks[1].wait(t, "inStreamClosed", 1)
	within(t, 2, "the second takes its place", func() bool { return g.servers[0].Config().Push[0].Status == emsapi.Streaming })
	if p := g.servers[0].Config().Push; p[0].ConfigID != second.ConfigID || p[1].ConfigID != failed.ConfigID {
		t.Errorf("%+v", p)
	}
	cam.End()
	g.sinks[1].wait(t, "inStreamClosed", 2)
	within(t, 1, "it waits again", func() bool { return g.servers[0].Config().Push[0].Status == emsapi.WaitingForStream })
}

func TestRemovedPullEndsAtOnce(t *testing.T) {
	t.Parallel()
	g := newSite(t, 2)
	publish(t, g.servers[0], "cam")
	p := pulled(t, g.clients[1], "rtmp://127.0.0.1/live/cam", "cam", true)
	g.sinks[1].wait(t, "inStreamCreated", 1)
	if err := g.clients[1].RemoveConfig(t.Context(), p.ConfigID); err != nil {
		t.Fatal(err)
	}
	if g.servers[1].Streams() != nil || len(g.servers[0].Streams()) != 1 {
		t.Errorf("%+v and %+v", g.servers[1].Streams(), g.servers[0].Streams())
	}
	publish(t, g.servers[1], "cam") // the name is free
}

func TestShutdownStream(t *testing.T) {
	t.Parallel()
	g := newSite(t, 2)
	publish(t, g.servers[0], "cam")
	pulled(t, g.clients[1], "rtmp://127.0.0.1/live/cam", "cam", true)
	g.sinks[1].wait(t, "inStreamCreated", 1)
	first, _ := find(g.servers[1], "cam", "INR")
	if err := g.clients[1].ShutdownStream(t.Context(), first.ID, false); err != nil {
		t.Fatal(err)
	}
	g.sinks[1].wait(t, "inStreamCreated", 2)
	again, _ := find(g.servers[1], "cam", "INR")
	if err := g.clients[1].ShutdownStream(t.Context(), again.ID, true); err != nil {
		t.Fatal(err)
	}
	g.sinks[1].wait(t, "inStreamClosed", 2)
	if c := g.servers[1].Config(); again.ID == first.ID || len(c.Pull) != 0 {
		t.Errorf("streams %d and %d, orders %+v", first.ID, again.ID, c.Pull)
	}
	encoder := publish(t, g.servers[1], "other")
	st, _ := find(g.servers[1], "other", "INR")
	if err := g.clients[1].ShutdownStream(t.Context(), st.ID, true); err != nil {
		t.Fatal(err)
	}
	<-encoder.Done()
}
