package emsapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// patient is the time-out of clients for answers that arrive: a busy machine takes seconds to read
// the longest of them.
const patient = time.Minute

// endless answers each request with head, and then with more until the client has enough. It
// returns a client with that time-out and how many bytes the client took.
func endless(t *testing.T, timeout time.Duration, head, more string, pause time.Duration) (*Client, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var taken atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answered := make(chan struct{})
			end := context.AfterFunc(ctx, func() { conn.Close() })
			go func() {
				defer close(answered)
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				_, err := io.WriteString(conn, head)
				for err == nil && more != "" {
					var n int
					n, err = io.WriteString(conn, more)
					taken.Add(int64(n))
					time.Sleep(pause)
				}
			}()
			<-answered
			end()
			conn.Close()
		}
	}()
	t.Cleanup(func() { stop(); l.Close(); <-done })
	c, err := New(Settings{URL: "http://" + l.Addr().String(), Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return c, &taken
}

const (
	head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	list = head + `{"description":"","status":"SUCCESS","data":[`
)

// Whatever a server answers, no more is read of it than an answer may have.
func TestAnswersWithoutAnEndAreGivenUp(t *testing.T) {
	const socket = 16 << 20 // what may be on its way, in bytes
	for name, c := range map[string]struct{ head, more string }{
		"a list of nothing":  {list, strings.Repeat("{},", 20_000)},
		"a list of lists":    {list, strings.Repeat("[],", 20_000)},
		"one object":         {list + "{", strings.Repeat(`"_a":"",`, 10_000)},
		"depth":              {list, strings.Repeat("[", 60_000)},
		"one name":           {list + `{"name":"`, strings.Repeat("x", 60_000)},
		"one number":         {list, strings.Repeat("9", 60_000)},
		"blanks":             {head, strings.Repeat(" ", 60_000)},
		"control characters": {list + `{"name":"`, strings.Repeat("\x01", 60_000)},
		"in chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			"8000\r\n" + strings.Repeat(" ", 0x8000) + "\r\n"},
		"headers":       {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Y: z\r\n", 5_000)},
		"one header":    {"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 60_000)},
		"a status line": {"HTTP/1.1 200 ", strings.Repeat("x", 60_000)},
		"continuations": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 2_000)},
	} {
		client, taken := endless(t, patient, c.head, c.more, 0)
		if _, err := client.ListStreams(t.Context()); err == nil {
			t.Errorf("%s: understood", name)
		} else if len(err.Error()) > 700 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if n := taken.Load(); n > 2*(maxList+socket) {
			t.Errorf("%s: %d bytes were taken", name, n)
		}
	}
}

// A server that sends a little now and then holds a command up for no longer than the timeout.
func TestDripsEndWithTheTimeout(t *testing.T) {
	for name, c := range map[string]struct{ head, more string }{
		"of a body":      {list, "{},"},
		"of headers":     {"HTTP/1.1 200 OK\r\n", "X-Y: z\r\n"},
		"of a status":    {"HTTP/1.1 200 ", "x"},
		"of early hints": {"HTTP/1.1 103 Early Hints\r\n", "X-Y: z\r\n"},
	} {
		client, _ := endless(t, time.Second, c.head, c.more, 20*time.Millisecond)
		ended := make(chan error, 1)
		go func() {
			_, err := client.ListStreams(t.Context())
			ended <- err
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no whole answer within 1s") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("drips %s hold a command up", name)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	stream := `{"name":"cam","uniqueId":3,"type":"ONR","audio":{"bytesCount":7},"video":{"bytesCount":1}` + strings.Repeat(`,"k":"vvvvvvvvvv"`, 50) + `}`
	for name, c := range map[string]struct {
		data string
		fine bool
	}{
		"8,000 streams":                    {"[" + strings.Repeat(stream+",", 7_999) + stream + "]", true},
		"a list with an element too many":  {"[" + strings.Repeat("{},", maxElements) + "{}]", false},
		"a list in it":                     {`[{"outStreamsUniqueIds":[` + strings.Repeat("1,", maxElements) + "1]}]", false},
		"an object with a member too many": {"[{" + strings.Repeat(`"_a":"",`, maxMembers) + `"_a":""}]`, false},
		"too many values":                  {"[" + strings.Repeat("["+strings.Repeat("0,", 9_000)+"0],", 60) + "[]]", false},
		"too deep":                         {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), false},
		"brackets in a name are none":      {`[{"uniqueId":3,"name":"` + strings.Repeat(`{[\",`, 20_000) + `"}]`, true},
		"a name of control characters":     {`[{"uniqueId":3,"name":"` + strings.Repeat("\x01", 60_000) + `"}]`, true},
		"control characters that fill it":  {`[{"name":"` + strings.Repeat("\x01", 2<<20) + `"}]`, false},
	} {
		client, _ := endless(t, patient, head+`{"description":"","status":"SUCCESS","data":`+c.data+"}", "", 0)
		streams, err := client.ListStreams(t.Context())
		if c.fine != (err == nil) || c.fine && len(streams) == 0 {
			t.Errorf("%s: %d streams, %v", name, len(streams), err)
		}
	}
	client, _ := endless(t, patient, head+`{"description":"`+strings.Repeat("x", maxAnswer)+`","status":"SUCCESS","data":null}`, "", 0)
	if err := client.RemoveConfig(t.Context(), 1); err == nil {
		t.Error("an order's answer may be as long as a list")
	}
}

// What a server says goes into log lines, and is cut for them.
func TestErrorsCiteNoMoreThanALogLineMayHave(t *testing.T) {
	long := strings.Repeat("ü", 200_000)
	for name, answer := range map[string]string{
		"a description": head + `{"data":null,"description":"` + long + `","status":"FAIL"}`,
		"a number":      head + `{"data":[{"uniqueId":` + strings.Repeat("9", 200_000) + `}],"description":"","status":"SUCCESS"}`,
		"a status line": "HTTP/1.1 500 " + strings.Repeat("x", 50_000) + "\r\n\r\n",
		"a header":      "HTTP/1.1 200 OK\r\n" + strings.Repeat("x", 50_000) + "\r\n\r\n",
		"no HTTP":       strings.Repeat("x", 50_000) + "\r\n\r\n",
	} {
		client, _ := endless(t, patient, answer, "", 0)
		_, err := client.ListStreams(t.Context())
		if err == nil || len([]rune(err.Error())) > maxMessage+100 {
			t.Errorf("%s: %.1000v", name, err)
		}
	}
	client, _ := endless(t, patient, head+fmt.Sprintf(`{"data":{"banner":"","releaseNumber":"%s","buildNumber":"%s"},"description":"","status":"SUCCESS"}`, long, long), "", 0)
	if v, err := client.Version(t.Context()); err != nil || len([]rune(v.ReleaseNumber)) > maxMessage+1 || len([]rune(v.BuildNumber)) > maxMessage+1 {
		t.Errorf("%d, %v", len(v.ReleaseNumber), err)
	}
	taken := head + `{"data":null,"description":"Stream name ` + long + ` already taken","status":"FAIL"}`
	client, _ = endless(t, patient, taken, "", 0)
	if _, err := client.PullStream(t.Context(), Pull{}); !NameTaken(err) {
		t.Errorf("of a long name it is not known that it is taken: %.100v", err)
	}
}
