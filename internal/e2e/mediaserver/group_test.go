package mediaserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
)

var groupOutage = long.Duration("group-outage", time.Second, 3*time.Second, "how long a daemon of the group is down")

// A group is three media servers and the daemon beside each, at the ports of production.
type group struct {
	t       *testing.T
	servers []*emstest.Server
	daemons []*e2e.Sidecar
	origins map[string]int // where each stream is published
	live    map[string]*emstest.Published
}

const (
	groupInterval = 4 * time.Second
	// soon is what events take, with room for a loaded machine; less than the interval, after which
	// all would come by itself.
	soon = 3 * time.Second
)

func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{t: t, origins: make(map[string]int), live: make(map[string]*emstest.Published)}
	network := emstest.NewNetwork()
	for i := range 3 {
		e2e.Free(t, g.host(i)+":7777", g.host(i)+":4000")
		g.servers = append(g.servers, e2e.StartServer(t, emstest.Settings{
			Address: g.host(i), API: g.host(i) + ":7777", Network: network, Seed: uint64(i), Second: 200 * time.Millisecond,
			Sink: "http://" + g.host(i) + ":4000/evowebservices/",
		}))
	}
	for i := range 3 {
		g.daemons = append(g.daemons, g.launch(i))
	}
	return g
}

func (g *group) host(i int) string { return fmt.Sprintf("127.0.0.%d", i+1) }

func (g *group) launch(i int) *e2e.Sidecar {
	g.t.Helper()
	path, err := e2e.BuildBinary()
	e2e.Must(g.t, err)
	ini := filepath.Join(g.t.TempDir(), "config.ini")
	e2e.Must(g.t, os.WriteFile(ini, fmt.Appendf(nil, `[StreamLoadBalancer]
destination_uri[] = 127.0.0.1
destination_uri[] = 127.0.0.2
destination_uri[] = 127.0.0.3
advertise = %[1]s
[EMS]
api_url = http://%[1]s:7777
reconcile_interval = %[2]s
[Hooks]
listen = %[1]s:4000
[Admin]
listen = %[1]s:4001
`, g.host(i), groupInterval), 0o600))
	s := e2e.Launch(g.t, exec.Command(path, "run", "--config", ini), g.host(i)+":4001")
	s.WaitForReady()
	return s
}

func (g *group) publish(i int, names ...string) {
	g.t.Helper()
	for _, name := range names {
		p, err := g.servers[i].Publish(name, emstest.Publisher{})
		e2e.Must(g.t, err)
		g.origins[name], g.live[name] = i, p
	}
}

func (g *group) end(names ...string) {
	for _, name := range names {
		g.live[name].End()
		delete(g.origins, name)
		delete(g.live, name)
	}
}

// wrong says what is not as it should be: each stream on each server, by one pull where it is not
// published.
func (g *group) wrong() string {
	var want []string
	for name := range g.origins {
		want = append(want, name)
	}
	slices.Sort(want)
	for i, s := range g.servers {
		if got := s.Names(); !slices.Equal(got, want) {
			return fmt.Sprintf("server %d has %d streams of %d", i+1, len(got), len(want))
		}
		pulls := make(map[string]int)
		for _, p := range s.Config().Pull {
			pulls[p.LocalStreamName]++
			if !strings.Contains(p.URI, g.host(g.origins[p.LocalStreamName])) || p.KeepAlive {
				return fmt.Sprintf("server %d: %+v", i+1, p)
			}
		}
		for _, name := range want {
			if n := pulls[name]; n > 1 || (n == 1) == (g.origins[name] == i) {
				return fmt.Sprintf("server %d pulls %s %d times", i+1, name, n)
			}
		}
		if len(pulls) > len(want) {
			return fmt.Sprintf("server %d has pulls of streams that are gone", i+1)
		}
	}
	return ""
}

// converges waits until all is as it should be, and says how long it took.
func (g *group) converges(limit time.Duration, after string) {
	g.t.Helper()
	began := time.Now()
	wrong := ""
	for late := e2e.Patient.Deadline(limit); ; time.Sleep(10 * time.Millisecond) {
		if wrong = g.wrong(); wrong == "" {
			break
		}
		if late() {
			g.t.Fatalf("%s: not after %v: %s", after, limit, wrong)
		}
	}
	g.t.Logf("%-40s %5d ms", after, time.Since(began).Milliseconds())
}

func (g *group) reset() {
	for _, s := range g.servers {
		s.ResetCalls()
	}
}

// calls returns the commands of the group since reset, as "server command".
func (g *group) calls() map[string]int {
	n := make(map[string]int)
	for i, s := range g.servers {
		for _, c := range s.Calls() {
			n[fmt.Sprintf("%d %s", i+1, c.Command)]++
			n[fmt.Sprint(i+1)]++
		}
	}
	return n
}

func numbered(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%02d", prefix, i))
	}
	return names
}

func TestGroupOfThree(t *testing.T) {
	g := newGroup(t)
	g.publish(0, numbered("a", 50)...)
	g.converges(soon, "50 streams at once")
	if n := g.calls(); n["2 pullStream"] != 50 || n["3 pullStream"] != 50 || n["1 pullStream"] != 0 {
		t.Errorf("pulls that were ordered: %v", n)
	}
	g.publish(1, numbered("b", 10)...)
	g.publish(2, numbered("c", 10)...)
	g.converges(soon, "10 streams on each of the others")

	time.Sleep(groupInterval)
	g.reset()
	intervals := long.Or(1, 3)
	time.Sleep(time.Duration(intervals) * groupInterval)
	for i := range 3 {
		if n := g.calls()[fmt.Sprint(i+1)]; n >= 3*70*intervals || n == 0 {
			t.Errorf("server %d got %d calls in %d intervals with 70 streams: %v", i+1, n, intervals, g.calls())
		}
	}
	t.Logf("calls in %d intervals with 70 streams: %v", intervals, g.calls())

	for _, s := range g.servers {
		s.Disturb(emstest.Disturbance{Lose: 0.3, Double: 0.3, Disorder: 50 * time.Millisecond})
	}
	g.publish(0, numbered("d", 50)...)
	g.converges(soon, "50 more, 30 % of the events lost")
	g.end(numbered("d", 50)...)
	g.converges(groupInterval+soon, "their end, 30 % of the events lost")
	for _, s := range g.servers {
		s.Disturb(emstest.Disturbance{})
	}

	g.end("a00", "a01", "b00")
	g.converges(soon, "three origins ended")
	g.end("a02")
	g.failover(1, "a02")
	g.converges(soon, "an encoder goes over to another server")

	g.daemons[1].Kill()
	g.publish(1, "e00")
	g.end("b01")
	g.publish(0, "e01")
	time.Sleep(groupOutage())
	g.daemons[1] = g.launch(1)
	g.converges(soon, fmt.Sprintf("a daemon was down for %v", groupOutage()))

	g.servers[2].Stop()
	for name, i := range g.origins {
		if i == 2 {
			delete(g.origins, name)
			delete(g.live, name)
		}
	}
	g.publish(0, "f00")
	time.Sleep(time.Second)
	e2e.Must(t, g.servers[2].Start())
	g.converges(groupInterval+soon, "a server was restarted")
	g.publish(2, numbered("c", 10)...)
	g.converges(soon, "its encoders are back")

	for i, d := range g.daemons {
		if got := d.Lines("level=ERROR"); len(got) > 0 {
			t.Errorf("daemon %d: %s", i+1, strings.Join(got, "\n"))
		}
	}
}

// failover publishes as an encoder does that was thrown off another server: again and again until
// it is taken.
func (g *group) failover(i int, name string) {
	g.t.Helper()
	began, late := time.Now(), e2e.Patient.Deadline(5*time.Second)
	for {
		p, err := g.servers[i].Publish(name, emstest.Publisher{})
		if err == nil {
			g.origins[name], g.live[name] = i, p
			g.t.Logf("%-40s %5d ms", "the encoder is taken there", time.Since(began).Milliseconds())
			return
		}
		if late() {
			g.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
