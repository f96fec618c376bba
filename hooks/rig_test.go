package hooks_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
	"ems-sidecar/hooks/events"
	"ems-sidecar/internal/patience"
	"ems-sidecar/internal/testproc"
)

// patient is the clock of all limits: by it, a machine that is busy with other work breaks none.
var patient *patience.Clock

func TestMain(m *testing.M) {
	testproc.Parallel(8)
	goleak.VerifyTestMain(clocked{m})
}

// clocked are tests beside the clock.
type clocked struct{ *testing.M }

func (c clocked) Run() int {
	patient = patience.Start()
	defer patient.Stop()
	return c.M.Run()
}

// A rig is a media server and the plugins beside it.
type rig struct {
	t      *testing.T
	server *emstest.Server
	hooks  *hooks.Hooks
	log    *journal
	sink   string
	stop   func()
}

// A journal is a log that may be read while it is written.
type journal struct {
	writing sync.Mutex
	text    bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.text.Write(p)
}

// lines returns the lines with all of the words in them.
func (j *journal) lines(words ...string) (found []string) {
	j.writing.Lock()
	defer j.writing.Unlock()
next:
	for line := range strings.Lines(j.text.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// serve starts a media server for the length of the test.
func serve(t *testing.T, s emstest.Settings) *emstest.Server {
	t.Helper()
	if s.API == "" {
		s.API = "127.0.0.1:0"
	}
	server := emstest.New(s)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// run has plugins beside the server until the test ends or stop is called.
func run(t *testing.T, server *emstest.Server, s hooks.Settings) *rig {
	t.Helper()
	return runBehind(t, server, server.URL(), s)
}

// runBehind is run with the server's API at another URL.
func runBehind(t *testing.T, server *emstest.Server, url string, s hooks.Settings) *rig {
	t.Helper()
	r := &rig{t: t, server: server, log: &journal{}}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	api, err := emsapi.New(emsapi.Settings{URL: url, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if s.APIHost == "" {
		s.APIHost = "127.0.0.1"
	}
	if s.Interval == 0 {
		s.Interval = time.Minute // what happens sooner is because of an event
	}
	s.Timeout = 2 * time.Second
	h, err := hooks.New(api, s, log)
	if err != nil {
		t.Fatal(err)
	}
	r.hooks = h
	endpoint := events.New(events.Settings{Path: "/evowebservices/", MaxBody: 1 << 20, Wanted: hooks.Wanted}, h.Handle, h.Look, log)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := endpoint.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	r.sink = "http://" + l.Addr().String() + "/evowebservices/"
	server.SetSink(r.sink)
	r.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			lines := r.log.lines("level=")
			t.Logf("the last of its log:\n%s", strings.Join(lines[max(0, len(lines)-20):], ""))
		}
	})
	return r
}

func publish(t *testing.T, s *emstest.Server, names ...string) (published []*emstest.Published) {
	t.Helper()
	for _, name := range names {
		p, err := s.Publish(name, emstest.Publisher{})
		if err != nil {
			t.Fatal(err)
		}
		published = append(published, p)
	}
	return published
}

// within waits until something comes true.
func within(t *testing.T, limit time.Duration, what string, true func() bool) {
	t.Helper()
	if !patient.Within(t, limit, what, true) {
		t.FailNow()
	}
}

// count returns how often a command came in.
func count(s *emstest.Server, commands ...string) (n int) {
	for _, c := range s.Calls() {
		if slices.Contains(commands, c.Command) {
			n++
		}
	}
	return n
}

// looked waits until the server was looked at once more from now on: what was to be ordered is
// ordered.
func (r *rig) looked() {
	r.t.Helper()
	for range 2 { // the first may have begun already
		n := count(r.server, "listConfig")
		r.server.Emit("inStreamCreated", map[string]any{"uniqueId": 0, "name": "look", "type": "INR"})
		within(r.t, 10*time.Second, "a look", func() bool { return count(r.server, "listConfig") > n })
	}
}

// post posts an event as it is.
func (r *rig) post(body string) {
	r.t.Helper()
	resp, err := http.Post(r.sink, "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
}

func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(prefix, i))
	}
	return all
}
