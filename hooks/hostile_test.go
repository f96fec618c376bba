package hooks_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

// Names that publishers may choose. Those that cannot be sent to the server, or not to be pulled,
// are said and left out.
var hostile = []string{
	"a b", "../evil", "..", "/etc/passwd", "x;touch y", "$(touch y)", "`touch y`", "n\nversion", "r\rshutdownServer", "nul\x00", `q"uote`, "q'uote", `back\slash`,
	"a=b", "a,b", "a=b keepAlive=1", "a _sidecar=x", "\xff\xfe\x01", "ünï", "-rf", ".hidden", "trailing ", "tab\t", "pct%20x", "?x", "#x", strings.Repeat("x", 4096), strings.Repeat("y", 14<<10),
}

func unsendable(name string) bool {
	return strings.ContainsAny(name, "\n\r\x00") || strings.HasSuffix(name, " ") || len(name) > 10<<10
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "127.0.0.1", Network: network, NoChunkLength: true})
	routed := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	member := serve(t, emstest.Settings{Address: "127.0.0.3", API: "127.0.0.3:0", Network: network})
	r := run(t, a, hooks.Settings{
		Router:   &config.Router{Destinations: []config.URI{"10.0.0.2"}},
		Recorder: &config.Recorder{FileLocation: "/rec", Period: time.Hour, Type: "mp4"},
		Balancer: &config.Balancer{Destinations: []config.URI{config.URI(member.URL())}, Advertise: "127.0.0.1"},
		Resetter: &config.Resetter{Token: "n\nversion"},
	})
	var sent, pulled []string
	var stops *emstest.Published
	for _, name := range hostile {
		if p := publish(t, a, name)[0]; name == "n\nversion" {
			stops = p
		}
		if !unsendable(name) {
			sent = append(sent, name)
			if !strings.ContainsAny(name, "/?#") && len(name) < 4096 { // which is in a pull three times
				pulled = append(pulled, name)
			}
		}
	}
	slices.Sort(sent)
	slices.Sort(pulled)
	within(t, 10*time.Second, "all that can be routed are", func() bool { return slices.Equal(routed.Names(), sent) })
	within(t, 10*time.Second, "all that can be pulled are", func() bool { return slices.Equal(member.Names(), pulled) })
	within(t, 10*time.Second, "all that can be recorded are", func() bool { return each(t, recordings(a), len(sent)) && len(a.Timers()) == len(sent) })
	stops.StopAudio()
	for _, st := range a.Streams() {
		if st.Name == "n\nversion" {
			a.Emit("audioFeedStopped", map[string]any{"id": st.ID, "localStreamName": "n\nversion"})
		}
	}
	within(t, 30*time.Second, "one is reset", func() bool { return count(a, "shutdownStream") == 1 })
	r.looked()

	allowed := []string{"listStreams", "listConfig", "pushStream", "pullStream", "record", "setTimer", "listTimers", "removeTimer", "removeConfig", "shutdownStream", "getStreamInfo"}
	for _, s := range []*emstest.Server{a, routed, member} {
		for _, c := range s.Calls() {
			if !slices.Contains(allowed, c.Command) {
				t.Errorf("a command got in: %q", c)
			}
			for _, p := range c.Params {
				if p.Key == "keepAlive" && p.Value == "1" && c.Command != "record" || p.Key == "_sidecar" && p.Value == "x" {
					t.Errorf("a parameter got in: %q", c)
				}
				if p.Key == "pathToFile" && (filepath.Dir(p.Value) != "/rec" || strings.Trim(filepath.Base(p.Value), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "") {
					t.Errorf("a path outside: %q", p.Value)
				}
			}
			if c.Failed != "" {
				t.Errorf("refused: %.200q: %s", c.Raw, c.Failed)
			}
		}
	}
	n := 0
	for _, name := range hostile {
		if unsendable(name) {
			n++
		}
	}
	for _, what := range []string{"stream cannot be pushed", "stream cannot be recorded"} {
		if got := r.log.lines("level=WARN", what); len(got) != n {
			t.Errorf("%s: %d lines for %d names", what, len(got), n)
		}
	}
	if got := r.log.lines("level=WARN", "stream cannot be balanced"); len(got) != len(hostile)-len(pulled) {
		t.Errorf("balanced: %d lines for %d names", len(got), len(hostile)-len(pulled))
	}
	for _, line := range r.log.lines("level=WARN") {
		if len(line) > 1500 || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\n\r\x00") {
			t.Errorf("a line of %d bytes: %.100q", len(line), line)
		}
	}
}

// A name that only looks as another one is another stream.
func TestNamesThatDifferInEscapesOnlyAreDifferentStreams(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	b := serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	run(t, a, hooks.Settings{
		Router: &config.Router{Destinations: []config.URI{"10.0.0.2"}}, Recorder: &config.Recorder{FileLocation: "/rec", Period: time.Hour, Type: "ts"},
	})
	all := []string{"a b", `a\ b`, "a_b", "A_B", "a%20b"}
	publish(t, a, all...)
	slices.Sort(all)
	within(t, 5*time.Second, "all arrive", func() bool { return slices.Equal(b.Names(), all) && each(t, recordings(a), len(all)) })
	paths := make(map[string]bool)
	for _, o := range a.Config().Record {
		paths[o.PathToFile] = true
	}
	if len(paths) != len(all) {
		t.Error(errors.New("two streams have one file"), paths)
	}
}
