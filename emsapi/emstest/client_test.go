package emstest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/media"
)

func dial(t *testing.T, url string) *emsapi.Client {
	t.Helper()
	c, err := emsapi.New(emsapi.Settings{URL: url, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each command of the client does what it says, straight and through the proxy.
func TestClientAndServerUnderstandEachOther(t *testing.T) {
	network := emstest.NewNetwork()
	server := start(t, emstest.Settings{Network: network, Proxy: "127.0.0.1:0", Username: "ems", Password: "a b"})
	other := start(t, emstest.Settings{Address: "127.0.0.2", Network: network})
	publish(t, other, "far")
	for _, name := range []string{"cam", "a b,c=d\\e", "\xff\x01ü", `q"\`} {
		publish(t, server, name)
		for _, url := range []string{server.URL(), server.ProxyURL()} {
			c, ctx := dial(t, url), t.Context()
			if v, err := c.Version(ctx); err != nil || v.ReleaseNumber != "1.7.0" {
				t.Errorf("version: %+v, %v", v, err)
			}
			var s emsapi.Stream
			err := c.Call(ctx, "getStreamInfo", []emsapi.Param{{Key: "localStreamName", Value: name}}, &s)
			if err != nil || s.Name != name || !s.Inbound() || s.UserAgent == "" {
				t.Errorf("getStreamInfo: %+v, %v", s, err)
			}
			if s.Type != "INR" {
				t.Errorf("type %s", s.Type)
			}
			if same, err := c.StreamInfoByID(ctx, s.ID); err != nil || same.Name != name || same.ID != s.ID {
				t.Errorf("getStreamInfo by id: %+v, %v", same, err)
			}
			var is struct{ Running bool }
			err = c.Call(ctx, "isStreamRunning", []emsapi.Param{{Key: "localStreamName", Value: name}}, &is)
			if err != nil || !is.Running {
				t.Errorf("isStreamRunning: %v, %v", is.Running, err)
			}
			record, err := c.Record(ctx, emsapi.Recording{LocalStreamName: name, PathToFile: "/rec/x", Type: "ts", ChunkLength: 60, KeepAlive: true, Variables: emsapi.Variables{"v": name}})
			if err != nil || record.LocalStreamName != name || record.Variables["v"] != name || !record.Chunked || record.ComputedPathToFile != "/rec/x.ts" {
				t.Errorf("record: %+v, %v", record, err)
			}
			push, err := c.PushStream(ctx, emsapi.Push{TargetURI: "rtmp://127.0.0.2/live", LocalStreamName: name})
			if err != nil || push.TargetURI != "rtmp://127.0.0.2/live" {
				t.Errorf("pushStream: %+v, %v", push, err)
			}
			pull, err := c.PullStream(ctx, emsapi.Pull{URI: "rtmp://127.0.0.2/live/far", LocalStreamName: "near", Variables: emsapi.Variables{"origin": "B"}})
			if err != nil || pull.URI != "rtmp://127.0.0.2/live/far" || pull.Variables["origin"] != "B" || pull.KeepAlive {
				t.Errorf("pullStream: %+v, %v", pull, err)
			}
			if _, err := c.PullStream(ctx, emsapi.Pull{URI: "rtmp://127.0.0.2/live/far", LocalStreamName: "near"}); !emsapi.NameTaken(err) {
				t.Errorf("pullStream again: %v", err)
			}
			for id, want := range map[uint32]string{record.ConfigID: name, push.ConfigID: name, pull.ConfigID: "near"} {
				var order struct{ LocalStreamName emsapi.Text }
				params := []emsapi.Param{{Key: "id", Value: strconv.FormatUint(uint64(id), 10)}}
				if err := c.Call(ctx, "getConfigInfo", params, &order); err != nil || string(order.LocalStreamName) != want {
					t.Errorf("getConfigInfo: %+v, %v", order, err)
				}
			}
			timer, err := c.SetTimer(ctx, emsapi.Timer{Seconds: 60, Variables: emsapi.Variables{"v": name}})
			if err != nil || timer.Seconds != 60 || timer.Variables["v"] != name {
				t.Errorf("setTimer: %+v, %v", timer, err)
			}
			if all, err := c.ListTimers(ctx); err != nil || len(all) != 1 || all[0].ID != timer.ID {
				t.Errorf("listTimers: %+v, %v", all, err)
			}
			if err := c.RemoveTimer(ctx, timer.ID); err != nil {
				t.Errorf("removeTimer: %v", err)
			}
			outputs := make(map[media.Format][]uint32)
			request := emsapi.OutputRequest{LocalStreamName: name, TargetFolder: "/www", GroupName: "g"}
			for _, f := range []media.Format{media.HLS, media.HDS, media.DASH, media.MSS} {
				if outputs[f], err = c.CreateOutput(ctx, f, request); err != nil || len(outputs[f]) != 1 {
					t.Errorf("create %s: %v, %v", f, outputs[f], err)
				}
			}
			cfg, err := c.ListConfig(ctx)
			if err != nil || len(cfg.Record) != 1 || len(cfg.Push) != 1 || len(cfg.Pull) != 1 {
				t.Errorf("listConfig: %+v, %v", cfg, err)
			}
			for f := range outputs {
				if o := cfg.Outputs[f]; len(o) != 1 || o[0].GroupTargetFolder != "/www/g/" || o[0].ConfigID != outputs[f][0] {
					t.Errorf("listConfig: %+v of %s, want one of the order %v", o, f, outputs[f])
				}
			}
			streams, err := c.ListStreams(ctx)
			var ids []uint32
			err2 := c.Call(ctx, "listStreamsIds", nil, &ids)
			if err != nil || err2 != nil || len(ids) < 6 || len(streams) < 6 {
				t.Errorf("listStreams: %d, %v; ids: %d, %v", len(streams), err, len(ids), err2)
			}
			for _, o := range []uint32{record.ConfigID, push.ConfigID, pull.ConfigID, outputs[media.HLS][0], outputs[media.HDS][0], outputs[media.DASH][0], outputs[media.MSS][0], 9999} {
				if err := c.RemoveConfig(ctx, o); err != nil {
					t.Errorf("removeConfig: %v", err)
				}
			}
			var failure *emsapi.Failure
			if err := c.ShutdownStream(ctx, 99999, true); !errors.As(err, &failure) || failure.Command != "shutdownStream" || failure.Description != "Stream no longer available" {
				t.Errorf("shutdownStream: %v", err)
			}
		}
	}
}

func TestErrorOfAWrongPasswordDoesNotShowIt(t *testing.T) {
	server := start(t, emstest.Settings{Proxy: "127.0.0.1:0", Username: "ems", Password: "right"})
	_, err := dial(t, strings.Replace(server.ProxyURL(), "right", "hunter2", 1)).Version(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "not accepted") {
		t.Error(err)
	}
}

// What the recorded server did with requests that are none of a client.
func TestRequestsAreTakenAsRecorded(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(recordings + "/40_http_behaviour.txt")
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, emstest.Settings{})
	publish(t, server, "test1")
	compared := 0
	for part := range strings.SplitSeq(string(raw), "##### ") {
		title, rest, _ := strings.Cut(part, "\n")
		_, rest, ok := strings.Cut(rest, ">>> b")
		quoted, rest, _ := strings.Cut(rest, "\n")
		_, want, _ := strings.Cut(rest, "\n")
		if !ok || strings.Contains(title, " cli 1") || strings.Contains(title, "long url") { // other ports; cut short in the recording
			continue
		}
		request, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.Trim(quoted, `'"`), `"`, `\"`) + `"`)
		if err != nil {
			t.Fatal(title, err)
		}
		want = strings.TrimRight(strings.ReplaceAll(want, "\r\n", "\n"), "\n")
		got := strings.TrimRight(strings.ReplaceAll(exchange(t, server, request, title == "LF only line ends"), "\r\n", "\n"), "\n")
		if normal(got) != normal(want) {
			t.Errorf("%s: %q\ngot  %s\nwant %s", title, request, normal(got), normal(want))
		}
		compared++
	}
	if compared < 25 {
		t.Errorf("%d compared", compared)
	}
}

var (
	streamInfo = regexp.MustCompile(`\{"data":\{"appName":.*,"description":"Stream information"`)
	infoLength = regexp.MustCompile(`Content-Length: \d+((\n.*){6}"Stream information")`)
)

// normal leaves out of answers what differs from run to run.
func normal(answers string) string {
	return infoLength.ReplaceAllString(streamInfo.ReplaceAllString(answers, `{"data":{},"description":"Stream information"`), `Content-Length: n$1`)
}

func TestLongRequestsEndTheConnection(t *testing.T) {
	t.Parallel()
	server := start(t, emstest.Settings{})
	for size, answered := range map[int]bool{10 << 10: true, 15 << 10: true, 17 << 10: false, 1 << 20: false} {
		got := exchange(t, server, "GET /version?x="+strings.Repeat("a", size)+" HTTP/1.1\r\nHost: x\r\n\r\n", false)
		if strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") != answered {
			t.Errorf("%d bytes: %.100q", size, got)
		}
	}
}

// exchange sends bytes and returns what comes until the connection is closed, or for a moment if it
// stays open.
func exchange(t *testing.T, server *emstest.Server, request string, open bool) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	timeout := 5 * time.Second
	if open {
		timeout = 100 * time.Millisecond
	}
	c.SetDeadline(time.Now().Add(timeout))
	fmt.Fprint(c, request)
	got, err := io.ReadAll(c) // also what came before a reset
	if expired := errors.Is(err, os.ErrDeadlineExceeded); expired != open {
		t.Errorf("%.100q: the connection is open: %v", request, expired)
	}
	return string(got)
}

// BenchmarkListStreams is the server's part: decoding the answer takes the client longer.
func BenchmarkListStreams(b *testing.B) {
	server := emstest.New(emstest.Settings{})
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	for i := range 150 {
		if _, err := server.Publish(fmt.Sprint("s", i), emstest.Publisher{}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		c, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprint(c, "GET /listStreams HTTP/1.1\r\n\r\n")
		if n, err := io.Copy(io.Discard, c); err != nil || n < 100_000 {
			b.Fatal(n, err)
		}
		c.Close()
	}
}
