package mediaserver

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

var (
	eventTime = long.Duration("event-time", 2*time.Second, 3*time.Second, "how long TestEventsInAnOutage posts 2,000 events a second")
	rotations = long.Int("rotations", 30, 100, "how often recordings of TestRecorderAndRouterOutliveKills begin their next file")
)

// Whatever happens behind it, the endpoint answers each event, and little is kept. Then all becomes
// as if nothing had been.
func TestEventsInAnOutage(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	bucket := s3test.NewProxy(t, store)
	bucket.Befall(s3test.Refuse())
	root, rec := t.TempDir(), t.TempDir()
	api, listen := e2e.FreeAddress(t), e2e.FreeAddress(t)
	s := e2e.StartSidecar(t, root, bucket.Endpoint, "EMS api_url = http://"+api, "EMS reconcile_interval = 5s", "Hooks listen = "+listen, "Log level = info",
		"StreamRecorder file_location = "+rec, "StreamRecorder period_time = 60", "StreamRecorder type = ts")

	const rate = 2000
	n := int(eventTime().Seconds() * rate)
	took := make([]time.Duration, n)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	var posting sync.WaitGroup
	room := make(chan struct{}, rate/4) // a machine that is too slow for the rate gets no queue of requests
	began := e2e.Patient.Now()
	for i := range n {
		e2e.Patient.SleepUntil(began + time.Duration(i)*time.Second/rate)
		if i%rate == 0 {
			e2e.Put(t, root, fmt.Sprintf("g/s/segment_1_%d.ts", i), "chunk")
		}
		room <- struct{}{}
		posting.Go(func() {
			defer func() { <-room }()
			body := fmt.Sprintf(`{"id":%d,"processId":2,"timestamp":3,"type":"inStreamCreated","payload":{"uniqueId":4,"name":"s%d"}}`, i+1, i%500)
			if i%2 == 0 {
				body = fmt.Sprintf(`{"id":%d,"processId":2,"timestamp":3,"type":"hlsChunkClosed","payload":{"file":"%s/g/s/segment_1_%d.ts"}}`, i+1, root, i/rate*rate)
			}
			sent := time.Now()
			resp, err := client.Post("http://"+listen+"/evowebservices/", "application/json", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			took[i] = time.Since(sent)
			defer resp.Body.Close()
			if rest, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || len(rest) > 0 || err != nil {
				t.Errorf("%s %q %v", resp.Status, rest, err)
			}
		})
	}
	posting.Wait()
	slices.Sort(took)
	t.Logf("%d events in %v: answered with p50 %v, p99 %v, most %v", n, (e2e.Patient.Now() - began).Round(time.Millisecond), took[n/2], took[n*99/100], took[n-1])

	bucket.Mend()
	server := e2e.StartServer(t, emstest.Settings{API: api, Files: true, Sink: "http://" + listen + "/evowebservices/"})
	for _, name := range numbered("s", 20) {
		if _, err := server.Publish(name, emstest.Publisher{}); err != nil {
			t.Fatal(err)
		}
	}
	s.WaitFor("all is recorded", func() bool { return len(recordedStreams(t, server)) == 20 })
	s.WaitFor("all is uploaded", func() bool {
		keys, err := store.Keys()
		e2e.Must(t, err)
		return len(slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, "g/s/") })) == (n+rate-1)/rate
	})
	const most = 100 << 20
	t.Logf("the daemon took %d MiB at the most", s.PeakMemory()>>20)
	if s.PeakMemory() > most {
		t.Errorf("that is more than %d MiB", most>>20)
	}
	s.Stop()
}

// recordedStreams returns the streams that are recorded now. None may be twice.
func recordedStreams(t *testing.T, server *emstest.Server) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for _, st := range server.Streams() {
		if st.Record != nil && st.Record.ConfigID != 0 {
			if found[st.Name] {
				t.Fatalf("%s is recorded twice", st.Name)
			}
			found[st.Name] = true
		}
	}
	return found
}

// Neither a lost event nor a kill at any moment leaves a push, a recording or a timer too many or
// too few.
func TestRecorderAndRouterOutliveKills(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	listen := e2e.FreeAddress(t)
	server := e2e.StartServer(t, emstest.Settings{
		Address: "10.0.0.1", API: "127.0.0.1:0", Network: network, NoChunkLength: true, Second: 10 * time.Millisecond,
		Sink: "http://" + listen + "/evowebservices/",
	})
	target := e2e.StartServer(t, emstest.Settings{Address: "10.0.0.2", API: "127.0.0.1:0", Network: network})
	other := e2e.StartServer(t, emstest.Settings{Address: "10.0.0.3", API: "127.0.0.1:0", Network: network})
	server.Disturb(emstest.Disturbance{Lose: 0.3, Double: 0.3, Disorder: 30 * time.Millisecond})
	run := func() *e2e.Sidecar {
		path, err := e2e.BuildBinary()
		e2e.Must(t, err)
		admin := e2e.FreeAddress(t)
		ini := filepath.Join(t.TempDir(), "config.ini")
		e2e.Must(t, os.WriteFile(ini, fmt.Appendf(nil, `[StreamRecorder]
file_location = /rec
period_time = 60
[StreamAutoRouter]
token = ''
destination_uri[] = 10.0.0.2
destination_uri[] = rtmp://10.0.0.3/live
[EMS]
api_url = %s
reconcile_interval = 1s
[Hooks]
listen = %s
[Admin]
listen = %s
`, server.URL(), listen, admin), 0o600))
		s := e2e.Launch(t, exec.Command(path, "run", "--config", ini), admin)
		s.WaitForReady()
		return s
	}
	names := numbered("cam", 5)
	for _, name := range names {
		if _, err := server.Publish(name, emstest.Publisher{}); err != nil {
			t.Fatal(err)
		}
	}
	begun := func() (n int) {
		for _, c := range server.Calls() {
			if c.Command == "removeConfig" && c.Failed == "" { // a file that is long enough
				n++
			}
		}
		return n
	}
	most := 0
	for kill := 1; ; kill++ {
		s := run()
		s.WaitFor(fmt.Sprintf("a fifth of %d files", rotations()), func() bool {
			most = max(most, len(server.Timers()))
			recordedStreams(t, server)
			for _, p := range []*emstest.Server{target, other} {
				if got := p.Names(); len(got) > len(names) {
					t.Fatalf("pushed: %v", got)
				}
			}
			return begun() >= kill*rotations()/5
		})
		if begun() >= rotations() {
			server.Disturb(emstest.Disturbance{})
			s.WaitFor("one timer, one recording and two pushes for each stream", func() bool {
				return len(server.Timers()) == len(names) && len(recordedStreams(t, server)) == len(names) &&
					slices.Equal(target.Names(), names) && slices.Equal(other.Names(), names)
			})
			break
		}
		s.Kill()
	}
	cfg := server.Config()
	if len(cfg.Record) != len(names) || len(cfg.Push) != 2*len(names) {
		t.Errorf("%d orders to record, %d to push", len(cfg.Record), len(cfg.Push))
	}
	for _, p := range cfg.Push {
		if p.Status != emsapi.Streaming {
			t.Errorf("%+v", p)
		}
	}
	t.Logf("%d files begun with 4 kills: %d timers at the most for %d recordings", begun(), most, len(names))
	if most > 2*len(names) {
		t.Errorf("%d timers at once", most)
	}
}
