package events

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs an endpoint for the length of the test and returns where it is.
func serve(t testing.TB, s Settings, handle func(context.Context, Event), look func(string), log io.Writer) (*Endpoint, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.Path == "" {
		s.Path = "/evowebservices/"
	}
	if s.MaxBody == 0 {
		s.MaxBody = 1 << 20
	}
	e := New(s, handle, look, slog.New(slog.NewTextHandler(log, nil)))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return e, l.Addr().String()
}

// send does as the media server does: a connection, a request, and an answer that ends with the
// connection.
func send(address, method, path, contentType, body string) (answer string, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: EvoStream Media Server (www.evostream.com)\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, contentType, len(body), body)
	raw, err := io.ReadAll(c)
	return string(raw), err
}

func ignore(context.Context, Event) {}
func unseen(string)                 {}

const created = `{"id":1,"processId":2,"timestamp":3,"type":"inStreamCreated","payload":{"uniqueId":4,"name":"cam","type":"INR"}}`

func TestAnswers(t *testing.T) {
	const p = "/evowebservices/"
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		settings           Settings
		method, path, body string
		want               int
	}{
		"an event":                  {Settings{}, "POST", p, created, 200},
		"where the PHP version was": {Settings{}, "POST", p + "evowebservices.php", created, 200},
		"without the last slash":    {Settings{}, "POST", "/evowebservices", created, 200},
		"an unknown path":           {Settings{}, "POST", "/", created, 404},
		"a path below":              {Settings{}, "POST", p + "x", created, 404},
		"GET":                       {Settings{}, "GET", p, "", 405},
		"no event":                  {Settings{}, "POST", p, "hello", 200},
		"an empty one":              {Settings{}, "POST", p, "", 200},
		"too long":                  {Settings{MaxBody: 50}, "POST", p, created, 413},
		"an allowed address":        {Settings{Allow: local}, "POST", p, created, 200},
		"no secret":                 {Settings{Secret: "s3"}, "POST", p, created, 401},
		"a wrong secret":            {Settings{Secret: "s3"}, "POST", p + "s4/", created, 401},
		"the secret in the path":    {Settings{Secret: "s3"}, "POST", p + "s3/", created, 200},
		"the secret, no slash":      {Settings{Secret: "s3"}, "POST", p + "s3", created, 200},
		"the secret before the PHP": {Settings{Secret: "s3"}, "POST", p + "s3/evowebservices.php", created, 200},
		"the secret in the query":   {Settings{Secret: "s3"}, "POST", p + "evowebservices.php?secret=s3", created, 200},
		"a wrong one in the query":  {Settings{Secret: "s3"}, "POST", p + "?secret=s", created, 401},
		"XML":                       {Settings{}, "POST", p, "<TYPED_MAP><STR name=\"type\">x</STR></TYPED_MAP>", 200},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			_, address := serve(t, c.settings, ignore, unseen, &log)
			answer, err := send(address, c.method, c.path, "application/json", c.body)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", c.want)) ||
				!strings.Contains(answer, "\r\nContent-Length: 0\r\n") || !strings.Contains(answer, "\r\nConnection: close\r\n") || !strings.HasSuffix(answer, "\r\n\r\n") {
				t.Errorf("%q", answer)
			}
			if got := log.String(); (c.want != 200) != strings.Contains(got, "event refused") || strings.Contains(got, "s3") || strings.Contains(got, "s4") {
				t.Errorf("log: %s", got)
			}
		})
	}
}

func TestEventsOfAStreamAreHandledInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := make(map[string][]uint64) // by stream, the ids
		var handling sync.Mutex
		e := New(Settings{Path: "/evowebservices/", MaxBody: 1 << 20}, func(_ context.Context, e Event) {
			handling.Lock()
			defer handling.Unlock()
			handled[e.Name] = append(handled[e.Name], e.ID)
		}, unseen, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		go e.line.run(ctx)
		post := func(id int) {
			body := fmt.Sprintf(`{"id":%d,"processId":2,"timestamp":3,"type":"inStreamCreated","payload":{"uniqueId":4,"name":"s%d"}}`, id, id%5)
			e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/evowebservices/", strings.NewReader(body)))
		}
		post(1) // now the first id is known
		synctest.Wait()
		for id := 2; id <= 300; id++ {
			go post(id)
			if id%10 == 0 {
				synctest.Wait() // ten at once, in any order
			}
		}
		time.Sleep(time.Second)
		stop()
		synctest.Wait()
		for stream, ids := range handled {
			if len(ids) != 60 || !slices.IsSorted(ids) {
				t.Errorf("%s: %v", stream, ids)
			}
		}
		if len(handled) != 5 {
			t.Errorf("%d streams", len(handled))
		}
	})
}

// What hangs is the handling of one stream; others go on, and each event is answered.
func TestOneStreamThatHangsHoldsUpNoOther(t *testing.T) {
	others := make(chan string, 100)
	_, address := serve(t, Settings{}, func(ctx context.Context, e Event) {
		if e.Name == "hangs" {
			<-ctx.Done()
			return
		}
		others <- e.Name
	}, unseen, io.Discard)
	for id := 1; id <= 100; id++ {
		name := "hangs"
		if id%10 == 0 {
			name = fmt.Sprint("s", id)
		}
		body := fmt.Sprintf(`{"id":%d,"processId":2,"timestamp":3,"type":"inStreamCreated","payload":{"uniqueId":4,"name":%q}}`, id, name)
		if answer, err := send(address, "POST", "/evowebservices/", "", body); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 200") {
			t.Fatal(answer, err)
		}
	}
	for range 10 {
		<-others
	}
}

func TestMissingIdsHaveTheServerLookedAt(t *testing.T) {
	looks := make(chan string, 10)
	e, address := serve(t, Settings{}, ignore, func(reason string) { looks <- reason }, io.Discard)
	post := func(id, process int) {
		if _, err := send(address, "POST", "/evowebservices/", "", fmt.Sprintf(`{"id":%d,"processId":%d,"timestamp":%d,"type":"x"}`, id, process, process)); err != nil {
			t.Fatal(err)
		}
	}
	post(1, 7)
	post(3, 7)
	if got := <-looks; got != "ids of events are missing" {
		t.Error(got)
	}
	post(1, 8)
	if got := <-looks; got != "the media server was restarted" {
		t.Error(got)
	}
	if f := e.Figures(); f.Missing != 1 || f.Lost != 0 || f.Broken != 0 || f.Taken["x"] != 3 {
		t.Errorf("%+v", f)
	}
}

func TestEventThatCannotBeReadHasTheServerAsked(t *testing.T) {
	looks := make(chan string, 10)
	var log bytes.Buffer
	e, address := serve(t, Settings{}, ignore, func(reason string) { looks <- reason }, &log)
	if _, err := send(address, "POST", "/evowebservices/", "", `{"hunter2`); err != nil {
		t.Fatal(err)
	}
	if got := <-looks; got != "an event that is not understood" {
		t.Error(got)
	}
	if f := e.Figures(); f.Broken != 1 || strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "cannot be read") {
		t.Errorf("%+v, log: %s", f, log.String())
	}
}

func TestSecretsOfAnyCharacters(t *testing.T) {
	for _, secret := range []string{"a+b/c==", "a b", "100%", "x&y", "é;ü", "-_.~"} {
		_, address := serve(t, Settings{Secret: secret}, ignore, unseen, io.Discard)
		ways := []string{url.PathEscape(secret) + "/", url.PathEscape(secret) + "/evowebservices.php", "?a=1&secret=" + strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")}
		if !strings.ContainsAny(secret, " %&") { // as it is
			ways = append(ways, secret, "?secret="+secret)
		}
		for _, way := range ways {
			if answer, err := send(address, "POST", "/evowebservices/"+way, "application/json", created); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 200") {
				t.Errorf("%q as %s: %q, %v", secret, way, answer, err)
			}
		}
	}
}

func TestWaitingEventsAreBounded(t *testing.T) {
	var looks atomic.Int64
	e, _ := serve(t, Settings{}, func(ctx context.Context, _ Event) { <-ctx.Done() }, func(string) { looks.Add(1) }, io.Discard)
	for _, size := range []int{50_000, 100} { // few large ones, many small ones
		for id := uint64(1); id <= 200_000; id++ {
			e.line.join(Event{ID: id, ProcessID: 1, Timestamp: 1, Type: "inStreamCreated", Name: fmt.Sprint("s", id%10000), size: size})
		}
		f := e.Figures()
		if f.Waiting > maxWaiting || f.Waiting < 0 || f.Dropped < 50_000 {
			t.Errorf("%+v", f)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); looks.Load() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("no look was asked for")
		}
	}
}

// BenchmarkEndpoint posts 2,000 events each second, a connection each, while nothing that is behind
// the endpoint answers.
func BenchmarkEndpoint(b *testing.B) {
	e, address := serve(b, Settings{}, func(ctx context.Context, _ Event) { <-ctx.Done() }, unseen, io.Discard)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	const rate = 2000
	took := make([]time.Duration, b.N)
	var all sync.WaitGroup
	began := time.Now()
	for i := range b.N {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / rate)))
		all.Go(func() {
			body := fmt.Sprintf(`{"id":%d,"processId":2,"timestamp":3,"type":"inStreamCreated","payload":{"uniqueId":4,"name":"s%d"}}`, i+1, i%300)
			sent := time.Now()
			resp, err := client.Post("http://"+address+"/evowebservices/", "application/json", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			took[i] = time.Since(sent)
			resp.Body.Close()
		})
	}
	all.Wait()
	slices.Sort(took)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(took[b.N/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB")
	b.ReportMetric(float64(e.Figures().Dropped), "dropped")
}
