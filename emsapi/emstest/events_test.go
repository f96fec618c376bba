package emstest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/media"
)

// An event is what a server posted.
type event struct {
	ID      int
	Type    string
	Payload map[string]any
	headers http.Header
	host    string
}

func (e event) name() any { return e.Payload["name"] }

// A sink takes events.
type sink struct {
	*httptest.Server
	mu   sync.Mutex // of all and came
	all  []event
	came chan struct{} // closed with each event
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{came: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		e := event{headers: r.Header, host: r.Host}
		if err == nil {
			err = json.Unmarshal(emsapi.Lenient(body), &e)
		}
		if err != nil {
			t.Errorf("an event: %v: %s", err, body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = append(s.all, e)
		close(s.came)
		s.came = make(chan struct{})
	}))
	t.Cleanup(s.Close)
	return s
}

// events returns those of a type that came so far.
func (s *sink) events(typ string) (all []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.all {
		if e.Type == typ {
			all = append(all, e)
		}
	}
	return all
}

// wait returns the n-th event of a type, from 1.
func (s *sink) wait(t *testing.T, typ string, n int) event {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		s.mu.Lock()
		came := s.came
		s.mu.Unlock()
		if all := s.events(typ); len(all) >= n {
			slices.SortFunc(all, func(a, b event) int { return a.ID - b.ID })
			return all[n-1]
		}
		select {
		case <-came:
		case <-deadline:
			t.Fatalf("%d events %s, want %d", len(s.events(typ)), typ, n)
		}
	}
}

// waitKind returns when so many events of a kind came.
func (s *sink) waitKind(t *testing.T, kind string, n int) {
	t.Helper()
	typ, _, _ := strings.Cut(kind, "-")
	deadline := time.After(5 * time.Second)
	for {
		s.mu.Lock()
		came := s.came
		s.mu.Unlock()
		found := 0
		for _, e := range s.events(typ) {
			if e.kind() == kind {
				found++
			}
		}
		if found >= n {
			return
		}
		select {
		case <-came:
		case <-deadline:
			t.Fatalf("%d events %s, want %d", found, kind, n)
		}
	}
}

// kind is what an event's fields depend on, as the recordings are named.
func (e event) kind() string {
	parts := []string{e.Type}
	if typ, ok := e.Payload["type"].(string); ok && strings.Contains(e.Type, "Stream") {
		parts = append(parts, typ)
	}
	for k := range e.Payload {
		if strings.HasSuffix(k, "Settings") {
			parts = append(parts, k)
		}
	}
	if e.name() == "segInitwriter" {
		parts = append(parts, "segInitwriter")
	}
	return strings.Join(parts, "-")
}

// said is what a server says whenever such an event is sent.
var said = regexp.MustCompile(`^(type|typeNumeric|connectionType|operationType|appName|processType|canDropFrames|codec|serverAgent|releaseNumber)$`)

// unlike compares fields and what kind of value they have, except the user's own.
func unlike(path string, want, got any, found *[]string) {
	w, ok := want.(map[string]any)
	if !ok {
		key := path[strings.LastIndexByte(path, '.')+1:]
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) || said.MatchString(key) && want != got {
			*found = append(*found, fmt.Sprintf("%s is %v, want %v", path, got, want))
		}
		return
	}
	g, _ := got.(map[string]any)
	for k := range w {
		if _, ok := g[k]; !ok && k[0] != '_' {
			*found = append(*found, path+"."+k+" is missing")
		} else if ok {
			unlike(path+"."+k, w[k], g[k], found)
		}
	}
	for k := range g {
		if _, ok := w[k]; !ok && k[0] != '_' {
			*found = append(*found, path+"."+k+" is too much")
		}
	}
}

// everything has a server and its neighbour do all that there are events of, and returns them by
// kind.
func everything(t *testing.T) map[string][]event {
	t.Helper()
	s, network, dir := newSink(t), emstest.NewNetwork(), t.TempDir()
	settings := emstest.Settings{Network: network, Sink: s.URL + "/evowebservices/?secret=1", Second: 20 * time.Millisecond}
	a := start(t, settings)
	settings.Address = "127.0.0.2"
	b := start(t, settings)
	cam := publish(t, a, "cam")
	c, ctx := dial(t, a.URL()), t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(dial(t, b.URL()).PullStream(ctx, emsapi.Pull{URI: "rtmp://127.0.0.1/live/cam", LocalStreamName: "pulled", KeepAlive: true}))
	must(dial(t, a.URL()).PullStream(ctx, emsapi.Pull{URI: "rtmp://127.0.0.2/live/pulled", LocalStreamName: "back", KeepAlive: true}))
	must(dial(t, b.URL()).PullStream(ctx, emsapi.Pull{URI: "rtmp://127.0.0.9/live/cam", LocalStreamName: "away", Variables: emsapi.Variables{"v": "1"}}))
	must(c.PushStream(ctx, emsapi.Push{TargetURI: "rtmp://127.0.0.2/live", LocalStreamName: "cam", TargetStreamName: "pushed", KeepAlive: true}))
	for _, typ := range []string{"mp4", "ts", "flv"} {
		must(c.Record(ctx, emsapi.Recording{LocalStreamName: "cam", PathToFile: dir + "/r", Type: typ, KeepAlive: true}))
	}
	must(c.Record(ctx, emsapi.Recording{LocalStreamName: "cam", PathToFile: dir + "/parts", Type: "ts", ChunkLength: 1, KeepAlive: true}))
	output := emsapi.OutputRequest{LocalStreamName: "cam", TargetFolder: "/www", GroupName: "g", KeepAlive: true}
	must(c.CreateOutput(ctx, media.HLS, output))
	must(c.CreateOutput(ctx, media.HDS, output))
	must(c.CreateOutput(ctx, media.DASH, output))
	must(c.CreateOutput(ctx, media.MSS, output))
	timer, err := c.SetTimer(ctx, emsapi.Timer{Seconds: 1, Variables: emsapi.Variables{"v": "1"}})
	must(timer, err)
	get(t, a, "setTimer?params="+base64.StdEncoding.EncodeToString([]byte("value=2026-11-22T07:52:01 _kind=pastabs")))
	s.wait(t, "timerTriggered", 2)
	must(nil, c.RemoveTimer(ctx, timer.ID))
	s.wait(t, "recordChunkClosed", 1)
	s.wait(t, "inStreamCreated", 3)
	s.wait(t, "pullStreamFailed", 1)
	cam.End() // with all that comes from it
	s.wait(t, "inStreamClosed", 3)
	publish(t, a, "cam")
	s.wait(t, "inStreamCreated", 5)
	kinds := []string{
		"OFHLS-hlsSettings", "OFHDS-hdsSettings", "OFDASH-dashSettings", "OFMSS-mssSettings", "ONR-pushSettings",
		"OFMP4-recordSettings", "OFTS-recordSettings", "OFRFLV-recordSettings",
	}
	for _, kind := range kinds { // all that comes from it is there again, with codecs
		s.waitKind(t, "outStreamCreated-"+kind, 2)
	}
	for id := range uint32(12) { // and each by itself
		must(nil, c.RemoveConfig(ctx, id))
	}
	phantom, err := dial(t, b.URL()).PullStream(ctx, emsapi.Pull{URI: "rtmp://127.0.0.1/live/none", LocalStreamName: "phantom", KeepAlive: true})
	must(phantom, err)
	s.wait(t, "inStreamCreated", 6)
	must(nil, dial(t, b.URL()).RemoveConfig(ctx, phantom.ConfigID))
	s.wait(t, "outStreamClosed", 2*(2+1+3+1+4)+2) // DASH's two, the push, recordings, outputs, and what b pulled
	for _, kind := range kinds {                  // a recording may be in one more part, and events have no order
		s.waitKind(t, "outStreamClosed-"+kind, 2)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]event)
	for _, e := range s.all {
		all[e.kind()] = append(all[e.kind()], e)
	}
	return all
}

func TestEventsAreAsRecorded(t *testing.T) {
	all := everything(t)
	for _, kind := range []string{
		"serverStarted", "inStreamCreated-INR", "inStreamClosed-INR", "inStreamCreated-INR-pullSettings", "inStreamClosed-INR-pullSettings",
		"outStreamCreated-ONR", "outStreamClosed-ONR", "outStreamCreated-ONR-pushSettings", "outStreamClosed-ONR-pushSettings",
		"outStreamCreated-OFMP4-recordSettings", "outStreamClosed-OFMP4-recordSettings", "outStreamCreated-OFTS-recordSettings",
		"outStreamClosed-OFTS-recordSettings", "outStreamCreated-OFRFLV-recordSettings", "outStreamClosed-OFRFLV-recordSettings",
		"outStreamCreated-OFMP4-recordSettings-segInitwriter", "outStreamClosed-OFMP4-recordSettings-segInitwriter",
		"outStreamCreated-OFHLS-hlsSettings", "outStreamClosed-OFHLS-hlsSettings", "outStreamCreated-OFHDS-hdsSettings", "outStreamClosed-OFHDS-hdsSettings",
		"outStreamCreated-OFDASH-dashSettings", "outStreamClosed-OFDASH-dashSettings", "outStreamCreated-OFMSS-mssSettings", "outStreamClosed-OFMSS-mssSettings",
		"pullStreamFailed", "timerCreated", "timerTriggered", "timerClosed", "recordChunkClosed",
	} {
		raw, err := os.ReadFile(filepath.Join("../../testdata/events", kind+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var recorded []struct{ Event map[string]any }
		if err := json.Unmarshal(raw, &recorded); err != nil {
			t.Fatal(err)
		}
		best := []string{"none came"} // of the two that are most alike
		for i, got := range all[kind] {
			for k, r := range recorded {
				var found []string
				if unlike("", r.Event["payload"], any(got.Payload), &found); i+k == 0 || len(found) < len(best) {
					best = found
				}
			}
		}
		if len(best) > 0 {
			t.Errorf("%s:\n%s", kind, strings.Join(best, "\n"))
		}
	}
	started := all["serverStarted"][0]
	if h := started.headers; started.host != "127.0.0.1" || h.Get("User-Agent") != "EvoStream Media Server (www.evostream.com)" ||
		h.Get("Content-Type") != "application/json" || len(h) != 3 {
		t.Errorf("it was sent with %v to %s", h, started.host)
	}
}
