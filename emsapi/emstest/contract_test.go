package emstest_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const recordings = "../../testdata/emsapi"

// A dialogue is one recorded request and its answer.
type dialogue struct {
	at      time.Time
	host    string // of the server
	command string
	params  string // decoded
	answer  map[string]any
}

func (d dialogue) String() string { return d.command + " " + d.params }

var stamp = regexp.MustCompile(`^\S+`)

func dialogues(t *testing.T, file string) (all []dialogue) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(recordings, file))
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(string(raw), "\r\n", "\n"), "##### ") {
		at, _ := time.Parse("2006-01-02T15:04:05", stamp.FindString(part))
		_, request, ok := strings.Cut(part, "\nGET /")
		if !ok {
			continue
		}
		target, rest, _ := strings.Cut(request, " HTTP/1.1\n")
		host, _, _ := strings.Cut(strings.TrimPrefix(rest, "Host: "), ":")
		_, rest, _ = strings.Cut(rest, "<<< RESPONSE")
		_, body, _ := strings.Cut(rest, "\n\n")
		command, query, _ := strings.Cut(target, "?params=")
		params, err := base64.StdEncoding.DecodeString(query)
		if err != nil {
			t.Fatal(file, command, err)
		}
		d := dialogue{at: at, host: host, command: command, params: string(params)}
		if err := json.Unmarshal(emsapi.Lenient([]byte(generated.ReplaceAllString(strings.SplitN(body, "\n", 2)[0], "stream_x"))), &d.answer); err != nil {
			t.Fatal(file, d, err)
		}
		all = append(all, d)
	}
	return all
}

// get sends a request as it was recorded and returns the answer.
func get(t *testing.T, server *emstest.Server, target string) (answer string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", target)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/plain" || !resp.Close {
		t.Fatalf("%v %v: %v", resp.Status, resp.Header, err)
	}
	return string(body)
}

// ids finds what the server called the orders and timers of the recording.
func ids(want, got any, known map[string]string) {
	w, _ := want.(map[string]any)
	g, _ := got.(map[string]any)
	for _, key := range []string{"configId", "timerId", "uniqueId"} {
		if w[key] != nil && g[key] != nil {
			known[fmt.Sprint(w[key])] = fmt.Sprint(g[key])
		}
	}
}

// generated is the name of a pull that was given none.
var generated = regexp.MustCompile(`stream_\w{8}`)

var byID = regexp.MustCompile(`^id=(\d+)$`)

// replay sends what was recorded to servers that were prepared alike, with the recording's pauses
// in the servers' seconds, and compares what they answer. Before each request it calls before,
// unless that is nil. skip is what the double does not offer.
func replay(t *testing.T, file string, second time.Duration, servers map[string]*emstest.Server, before func(dialogue), skip ...string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/a/media/rec/sub dir", 0o755); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]string)
	all := dialogues(t, file)
	compared := 0
	for i, d := range all {
		if i > 0 {
			time.Sleep(max(5*time.Millisecond, time.Duration(d.at.Sub(all[i-1].at).Seconds()*float64(second))))
		}
		if before != nil {
			before(d)
		}
		if slices.Contains(skip, d.command) || notOffered(d) {
			continue
		}
		server := servers[d.host]
		if server == nil {
			t.Fatalf("%s: no server %s", file, d.host)
		}
		params := strings.ReplaceAll(d.params, "/tmp/ems/run", dir)
		if m := byID.FindStringSubmatch(params); m != nil && known[m[1]] != "" {
			params = "id=" + known[m[1]]
		}
		target := d.command
		if params != "" {
			target += "?params=" + base64.StdEncoding.EncodeToString([]byte(params))
		}
		raw := strings.ReplaceAll(get(t, server, target), strings.ReplaceAll(dir, "/", `\/`), `\/srv\/ems`) // as the recording
		var answer map[string]any
		raw = generated.ReplaceAllString(raw, "stream_x")
		if err := json.Unmarshal(emsapi.Lenient([]byte(raw)), &answer); err != nil {
			t.Fatalf("%s: %s: %v", file, d, err)
		}
		ids(d.answer["data"], answer["data"], known)
		var found []string
		differences("", d.answer, answer, &found)
		if len(found) > 0 {
			t.Errorf("%s: %s:\n%s", file, d, strings.Join(found, "\n"))
		}
		compared++
	}
	if compared == 0 {
		t.Fatal("nothing was compared")
	}
}

func start(t *testing.T, s emstest.Settings) *emstest.Server {
	t.Helper()
	server := emstest.New(s)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func publish(t *testing.T, s *emstest.Server, name string) *emstest.Published {
	t.Helper()
	p, err := s.Publish(name, emstest.Publisher{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnswersAreAsRecorded(t *testing.T) {
	for file, skip := range map[string][]string{
		"10_basic.txt":  {"getServerInfo", "listConnectionsIds", "shutdownServer"},
		"20_record.txt": nil, "30_timers.txt": nil, "50_params_escaping.txt": nil, "create.txt": nil,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			server := start(t, emstest.Settings{Second: 20 * time.Millisecond, Files: true})
			if file == "10_basic.txt" {
				for range 13 {
					publish(t, server, "other").End() // the recorded stream has the id 14
				}
			}
			publish(t, server, "test1")
			replay(t, file, 20*time.Millisecond, map[string]*emstest.Server{"127.0.0.1": server}, nil, skip...)
		})
	}
}

func pull(params string) string {
	return "pullStream?params=" + base64.StdEncoding.EncodeToString([]byte(params))
}

func TestServersAmongThemselvesAnswerAsRecorded(t *testing.T) {
	for file, second := range map[string]time.Duration{"api_pull.txt": 10 * time.Millisecond, "api_push.txt": 50 * time.Millisecond} {
		t.Run(file, func(t *testing.T) {
			network := emstest.NewNetwork()
			servers := make(map[string]*emstest.Server)
			for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
				servers[host] = start(t, emstest.Settings{Address: host, Network: network, Second: second, Starve: 1e6}) // a phantom comes and goes by chance
			}
			publish(t, servers["127.0.0.1"], "test1")
			if file == "api_push.txt" { // what the recording before it left: B pulls from A, and C from B
				get(t, servers["127.0.0.2"], pull("uri=rtmp://127.0.0.1:1935/live/test1 localStreamName=test1"))
				time.Sleep(second)
				get(t, servers["127.0.0.3"], pull("uri=rtmp://127.0.0.2:1935/live/test1 localStreamName=test1 _localStreamName=test1 _origin=B"))
				time.Sleep(second)
			}
			replay(t, file, second, servers, nil)
		})
	}
}

// The recorded source went away before what was recorded at 07:47:01, and was back for what came at
// 07:49.
func TestOutputsAreAsRecorded(t *testing.T) {
	t.Parallel()
	server := start(t, emstest.Settings{Second: time.Millisecond})
	var test1 *emstest.Published
	replay(t, "transcript.txt", time.Millisecond, map[string]*emstest.Server{"127.0.0.1": server}, func(d dialogue) {
		switch at := d.at.Format("15:04"); {
		case at == "07:40" || d.at.Format("15:04:05") == "07:47:01" && test1 == nil:
		case d.at.Format("15:04:05") == "07:47:01":
			test1.End()
			test1 = nil
		case test1 == nil:
			test1 = publish(t, server, "test1")
		}
	})
}

var day = regexp.MustCompile(`"\d{4}-\d\d-\d\dT`)

// What bytes become in answers, byte for byte except ids and dates.
func TestBytesAreAnsweredAsRecorded(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(recordings + "/51_json_escaping.txt")
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, emstest.Settings{})
	plain := func(answer string) string {
		return timerID.ReplaceAllString(day.ReplaceAllString(strings.TrimSpace(answer), `"T`), `"timerId":0`)
	}
	compared := 0
	for part := range strings.SplitSeq(string(raw), "\n\n") {
		quoted, want, ok := strings.Cut(strings.TrimSpace(part), "\n")
		if !ok || strings.Contains(quoted, "_bad") { // which was replaced in the recording
			continue
		}
		params, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(strings.Trim(strings.TrimPrefix(quoted, "b"), "'"), `\'`, "'"), `"`, `\"`) + `"`)
		if err != nil {
			t.Fatal(quoted, err)
		}
		got := get(t, server, "setTimer?params="+base64.StdEncoding.EncodeToString([]byte(params)))
		if plain(got) != plain(want) {
			t.Errorf("%q:\n%q, want\n%q", params, plain(got), plain(want))
		}
		compared++
	}
	if compared != 6 {
		t.Errorf("%d compared", compared)
	}
}

var timerID = regexp.MustCompile(`"timerId":\d+`)
