package hooks_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

// A ledger collects actions.
type ledger struct {
	mu      sync.Mutex
	actions []hooks.Action
}

func (l *ledger) add(a hooks.Action) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.actions = append(l.actions, a)
}

func (l *ledger) lines() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.actions {
		lines = append(lines, fmt.Sprintf("%s %s %s %v: %s", a.Plugin, a.Function, a.Stream, a.Done, a.Answer))
	}
	return lines
}

func (l *ledger) has(begin string) func() bool {
	return func() bool {
		return slices.ContainsFunc(l.lines(), func(line string) bool { return strings.HasPrefix(line, begin) })
	}
}

// What the plugins ask servers for is told with the answers, and without credentials.
func TestActionsAreToldWithTheirAnswers(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network, NoChunkLength: true})
	b := serve(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Network: network})
	publish(t, b, "both")
	var seen ledger
	run(t, a, hooks.Settings{Acted: seen.add,
		Router:   &config.Router{Token: "cam", Destinations: []config.URI{"rtmp://user:hunter2@127.0.0.3/live"}},
		Recorder: &config.Recorder{FileLocation: "/recordings", Type: "mp4", Period: time.Hour},
		Balancer: &config.Balancer{Destinations: []config.URI{config.URI(b.URL())}, Advertise: "127.0.0.1"},
	})
	began := time.Now()
	published := publish(t, a, "cam", "both")
	for _, begin := range []string{
		"StreamAutoRouter pushStream cam true: config ", "StreamRecorder record cam true: config ",
		"StreamRecorder setTimer cam true: timer ", "StreamLoadBalancer pullStream cam true: config ",
		"StreamLoadBalancer pullStream both false: pullStream: Stream name both already taken",
	} {
		within(t, 10*time.Second, begin, seen.has(begin))
	}
	published[0].End()
	within(t, 10*time.Second, "the push is removed", seen.has("StreamAutoRouter removeConfig cam true: config "))
	within(t, 10*time.Second, "the copy is removed", seen.has("StreamLoadBalancer removeConfig cam true: config "))
	if all := strings.Join(seen.lines(), "\n"); strings.Contains(all, "hunter2") {
		t.Errorf("a password is told:\n%s", all)
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, x := range seen.actions {
		if want := map[bool]string{true: b.URL(), false: a.URL()}[x.Plugin == "StreamLoadBalancer"]; x.API != want {
			t.Errorf("%+v was asked for at another server than %s", x, want)
		}
		if x.At.Before(began) || x.Took <= 0 || x.At.Add(x.Took).After(time.Now()) {
			t.Errorf("%+v was not asked for in this test", x)
		}
	}
}

// Whether the media server answers is told with the time since when, and why it does not.
func TestServerTellsSinceWhenItAnswers(t *testing.T) {
	t.Parallel()
	a := serve(t, emstest.Settings{})
	r := run(t, a, hooks.Settings{Interval: 100 * time.Millisecond, Router: &config.Router{}})
	within(t, 5*time.Second, "it answers", func() bool { return r.hooks.Server().Answers })
	first := r.hooks.Server()
	r.looked()
	if now := r.hooks.Server(); now != first || now.API != a.URL() || now.Since.IsZero() || now.Err != "" {
		t.Errorf("%+v, then %+v: that it answers is no news", first, now)
	}
	a.Stop()
	within(t, 10*time.Second, "it does not answer", func() bool { return !r.hooks.Server().Answers })
	if now := r.hooks.Server(); !now.Since.After(first.Since) || !strings.Contains(now.Err, "refused") {
		t.Errorf("%+v, want why, and a later time than %v", now, first.Since)
	}
}

func TestPluginsThatAreOnAreNamed(t *testing.T) {
	t.Parallel()
	some := hooks.Settings{Recorder: &config.Recorder{}, Resetter: &config.Resetter{}}
	if got := some.Plugins(); !slices.Equal(got, []string{"StreamRecorder", "TranscodeResetter"}) {
		t.Errorf("%q are on", got)
	}
	if got := (hooks.Settings{}).Plugins(); got == nil || len(got) > 0 {
		t.Errorf("%q are on, want none", got)
	}
}
