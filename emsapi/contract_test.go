package emsapi

import (
	"bufio"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/media"
)

// An exchange is one request and its answer, byte for byte as a server gave it.
type exchange struct{ target, answer string }

func recorded(t *testing.T, name string) []exchange {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "emsapi", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for part := range strings.SplitSeq(string(raw), "\n##### ") {
		_, request, ok := strings.Cut(part, "GET ")
		if !ok {
			continue
		}
		target, _, _ := strings.Cut(request, " HTTP/1.1")
		_, answer, _ := strings.Cut(request, "<<< RESPONSE \n")
		head, body, _ := strings.Cut(strings.ReplaceAll(answer, "\r\n", "\n"), "\n\n")
		body = strings.TrimSpace(strings.SplitN(body, "\n", 2)[0])
		all = append(all, exchange{target, strings.SplitN(head, "\n", 2)[0] + "\r\nConnection: close\r\n\r\n" + body})
	}
	return all
}

// serve answers each request with answer, and returns the request's targets as they arrived on the
// wire.
func serve(t *testing.T, answer string) (*Client, <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	targets := make(chan string, 8)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if words := strings.Fields(line); len(words) == 3 {
				targets <- words[1]
			}
			_, _ = conn.Write([]byte(answer))
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	c, err := New(Settings{URL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	return c, targets
}

const fine = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"data":null,"description":"","status":"SUCCESS"}`

// What the server was seen to unescape into a name is what that name is escaped to.
func TestParametersGoOutAsTheServerReadsThem(t *testing.T) {
	requests := make(map[string]string) // by what the server said that it looked for
	for _, e := range recorded(t, "50_params_escaping.txt") {
		if _, rest, ok := strings.Cut(e.answer, `"description":"Stream `); ok {
			name, _, _ := strings.Cut(rest, " not found")
			requests[strings.ReplaceAll(name, `\\`, `\`)+"\x00"+e.target] = e.target
		}
	}
	for _, name := range []string{"my stream", "a=b", "a,b", `a\b`, `a\ b`} {
		c, targets := serve(t, fine)
		if _, err := runs(t, c, name); err != nil {
			t.Fatal(err)
		}
		got := strings.Replace(<-targets, "/isStreamRunning", "/getStreamInfo", 1)
		if _, ok := requests[name+"\x00"+got]; !ok {
			t.Errorf("%q went out as %s, which no recorded request is that was answered for this name", name, got)
		}
	}
}

func TestValuesThatCannotBeSentAreRefused(t *testing.T) {
	c, targets := serve(t, fine)
	for _, name := range []string{"n\nversion", "n\rversion", "n\x00", "tr ", strings.Repeat("x", 20<<10)} {
		if _, err := runs(t, c, name); !errors.Is(err, ErrValue) {
			t.Errorf("%.10q: %v", name, err)
		}
	}
	if len(targets) > 0 {
		t.Errorf("sent %s", <-targets)
	}
}

func TestRecordedAnswersAreUnderstood(t *testing.T) {
	for _, file := range []string{"10_basic.txt", "20_record.txt", "30_timers.txt", "api_pull.txt", "api_push.txt", "create.txt", "transcript.txt"} {
		for _, e := range recorded(t, file) {
			c, _ := serve(t, e.answer)
			ctx := t.Context()
			var err error
			command := strings.TrimPrefix(strings.SplitN(e.target, "?", 2)[0], "/")
			switch command {
			case "record":
				var r Recording
				r, err = c.Record(ctx, Recording{Type: "mp4"})
				if err == nil && (r.LocalStreamName == "" || r.PathToFile == "" || !r.Chunked) {
					t.Errorf("%s: %+v", e.target, r)
				}
			case "pushStream":
				var p Push
				p, err = c.PushStream(ctx, Push{})
				if err == nil && (p.ConfigID == 0 || !strings.HasPrefix(p.TargetURI, "rtmp://127.0.0.") || p.TargetStreamName == "") {
					t.Errorf("%s: %+v", e.target, p)
				}
			case "listConfig":
				var cfg Config
				cfg, err = c.ListConfig(ctx)
				if file == "api_push.txt" && (len(cfg.Push) < 2 || cfg.Push[0].StreamID != 21 || cfg.Push[1].Status != Disconnected) {
					t.Errorf("%s: %+v", e.target, cfg.Push)
				}
			case "pullStream":
				var p Pull
				p, err = c.PullStream(ctx, Pull{})
				if err == nil && (p.ConfigID == 0 || !strings.Contains(p.URI, "://127.0.0.") || p.LocalStreamName == "") {
					t.Errorf("%s: %+v", e.target, p)
				}
			case "listStreams":
				var streams []Stream
				streams, err = c.ListStreams(ctx)
				for _, s := range streams {
					pulled := s.ConnectionType == Pulled
					if s.ID == 0 || s.Name != "test1" || s.UpTime <= 0 || s.FarPort == 0 || pulled != (s.Pull != nil) || s.Type == "ONR" && s.InStreamID != 1 ||
						pulled && (s.Pull.URI != "rtmp://127.0.0.1:1935/live/test1" || s.Pull.Variables["origin"] != "A") {
						t.Errorf("%s: %+v", e.target, s)
					}
				}
			case "listStreamsIds":
				var ids []uint32
				err = c.Call(ctx, "listStreamsIds", nil, &ids)
			case "getStreamInfo":
				var s Stream
				err = c.Call(ctx, "getStreamInfo", []Param{{"localStreamName", "x"}}, &s)
				if err == nil && (s.ID == 0 || s.Name == "" || s.Type != "INR") {
					t.Errorf("%s: %+v", e.target, s)
				}
			case "version":
				var v Version
				v, err = c.Version(ctx)
				if err == nil && v.ReleaseNumber != "1.7.0" {
					t.Errorf("%s: %+v", e.target, v)
				}
			case "getConfigInfo":
				err = c.Call(ctx, "getConfigInfo", []Param{{"id", "1"}}, nil)
			case "listTimers":
				var timers []Timer
				timers, err = c.ListTimers(ctx)
				if len(timers) == 5 && (timers[1].Seconds != 3 || timers[1].Variables["a"] != "1,2,3" || timers[1].Variables["q"] != `"quoted"`) {
					t.Errorf("%+v", timers[1])
				}
			case "setTimer":
				_, err = c.SetTimer(ctx, Timer{})
			case "createHLSStream", "createHDSStream", "createDASHStream", "createMSSStream":
				var ids []uint32
				for _, f := range media.Formats() {
					if media.EMS.Traits(f).API.Create == command {
						ids, err = c.CreateOutput(ctx, f, OutputRequest{LocalStreamName: "test1"})
					}
				}
				if len(ids) != 1 {
					t.Errorf("%s: %v", e.target, ids)
				}
			default:
				err = c.Call(ctx, command, nil, nil)
			}
			failed := strings.Contains(e.answer, `"status":"FAIL"`)
			var f *Failure
			if failed != errors.As(err, &f) || !failed && err != nil {
				t.Errorf("%s: %v, of the answer %.200s", e.target, err, e.answer)
			}
		}
	}
}

// The server passes control bytes and what is not UTF-8 through, and the name must come back as it
// is.
func TestNamesOfAnyBytesAreKept(t *testing.T) {
	c, _ := serve(t, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+
		"{\"data\":[{\"name\":\"a\x01\xff\xfe\\/\\u00e9\",\"uniqueId\":3,\"type\":\"INR\",\"outStreamsUniqueIds\":null}],\"description\":\"\",\"status\":\"SUCCESS\"}")
	streams, err := c.ListStreams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(streams) != 1 || streams[0].Name != "a\x01\xff\xfe/é" || !streams[0].Inbound() {
		t.Errorf("%+v", streams)
	}
}

func TestKeysCannotBeginAnotherParameter(t *testing.T) {
	c, targets := serve(t, fine)
	for _, key := range []string{"x y", "x=y", "x\nversion", "x,y"} {
		if _, err := c.SetTimer(t.Context(), Timer{Seconds: 1, Variables: Variables{key: "1"}}); !errors.Is(err, ErrValue) {
			t.Errorf("%q: %v", key, err)
		}
	}
	if len(targets) > 0 {
		t.Errorf("sent %s", <-targets)
	}
}

// The server does not decode percents.
func TestBase64GoesOutAsItIs(t *testing.T) {
	c, targets := serve(t, fine)
	if _, err := runs(t, c, "\xfb\xff\xfe>>>???~~~"); err != nil {
		t.Fatal(err)
	}
	if got := <-targets; strings.Contains(got, "%") || !strings.ContainsAny(got, "+") || !strings.Contains(got[len("/isStreamRunning?"):], "/") {
		t.Errorf("sent %s", got)
	}
}

func TestProxyIsGivenThePassword(t *testing.T) {
	var path, user, password string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		user, password, _ = r.BasicAuth()
		_, _ = w.Write([]byte(`{"data":null,"description":"","status":"SUCCESS"}`))
	}))
	defer server.Close()
	c, err := New(Settings{URL: strings.Replace(server.URL, "http://", "http://someone:hidden@", 1) + "/apiproxy/"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveConfig(t.Context(), 7); err != nil || path != "/apiproxy/removeConfig" || user != "someone" || password != "hidden" {
		t.Errorf("%v, path %s, user %s", err, path, user)
	}
}

func TestPasswordsAreInNoError(t *testing.T) {
	c, err := New(Settings{URL: "http://someone:hidden@127.0.0.1:1/apiproxy"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(t.Context()); err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(c.Address(), "hidden") {
		t.Errorf("%v, at %s", err, c.Address())
	}
}

func TestEveryValueIsEscaped(t *testing.T) {
	got, err := encode([]Param{{"_x", `a=b, c\d`}})
	if want := "params=" + base64.StdEncoding.EncodeToString([]byte(`_x=a\=b\,\ c\\d`)); got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// A pull or push that was carried out although its answer is lost would be there twice.
func TestOnlyWhatIsSafeIsSentAgain(t *testing.T) {
	c, targets := serve(t, "") // closes each connection without an answer
	if _, err := c.ListStreams(t.Context()); err == nil || len(targets) != 2 {
		t.Errorf("listStreams: %v, sent %d times", err, len(targets))
	}
	c, targets = serve(t, "")
	if _, err := c.PushStream(t.Context(), Push{}); err == nil || len(targets) != 1 {
		t.Errorf("pushStream: %v, sent %d times", err, len(targets))
	}
}

// runs asks whether a stream is running: a command with one value that publishers choose.
func runs(t *testing.T, c *Client, name string) (on bool, err error) {
	t.Helper()
	var answer struct{ Running bool }
	err = c.Call(t.Context(), "isStreamRunning", []Param{{"localStreamName", name}}, &answer)
	return answer.Running, err
}
