package page

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ems-sidecar/admin"
	"ems-sidecar/admin/api"
	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/long"
	"ems-sidecar/uploader/health"
)

// A thousand is the state of a daemon with a thousand streams, the last of which fails.
type thousand struct{ admin.State }

func (thousand) Streams(context.Context) ([]api.Stream, bool) {
	at := time.Now().UTC().Truncate(4 * time.Second)
	streams := make([]api.Stream, 1000)
	for i := range streams {
		name := fmt.Sprintf("group-%d/stream-%04d", i/50, i)
		streams[i] = api.Stream{ID: "hls/" + name, Stream: name, Format: "HLS", State: health.Live, Since: at, Chunk: &at, Edge: &at,
			Target: 4, Lag: float64(i) / 1000}
	}
	streams[999].State, streams[999].Why = health.Failing, "<img src=x onerror=alert(1)>"
	return streams, true
}

func (thousand) EndStream(context.Context, string) (n int, found, ok bool) { return 0, false, true }
func (thousand) LagHistory(api.Stream) []*float64                          { return make([]*float64, 60) }
func (thousand) Events(uint64) ([]history.Event, <-chan struct{})          { return nil, nil }
func (thousand) Directories() []api.Directory {
	at := time.Now()
	return []api.Directory{{Directory: "/srv/ems", Ready: true, Unseen: []api.Unseen{{Directory: "/srv/ems/<b>", Since: &at, Why: "permission denied"}}}}
}
func (thousand) Version() api.Version  { return api.Version{Host: "ems1"} }
func (thousand) Metrics() http.Handler { return http.NotFoundHandler() }
func (thousand) Stream(context.Context, string) (api.Detail, bool, bool) {
	return api.Detail{}, false, true
}

// The page asks for the token, and draws the rows that can be seen.
func TestBrowserShowsAThousandStreams(t *testing.T) {
	long.Only(t)
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	e2e.Must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- admin.Serve(ctx, l, admin.Settings{Token: "s3cret"}, thousand{}, slog.New(slog.DiscardHandler))
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	p := browser.Open(t, e2e.Patient, browser.Size{Width: 1280, Height: 900}, "http://"+l.Addr().String()+"/")
	p.WaitFor(`document.getElementById("ask").open`)
	audit(t, p, "the question for the token")
	p.Click("#token")
	p.Type("wrong")
	p.Press("Enter")
	p.WaitFor(`document.getElementById("ask-wrong").innerText === "This is not the token."`)
	p.Type("s3cret")
	p.Press("Enter")
	p.WaitFor(`document.getElementById("overall").innerText.trim() === "999 live, 1 failing: group-19/stream-0999"`)

	p.WaitFor(`document.getElementById("unseen").innerText.startsWith("cannot read /srv/ems/<b>: permission denied, since ")`)

	const rows = `document.querySelectorAll("table.streams tbody:not(.space) tr")`
	var drawn int
	p.Read(rows+".length", &drawn)
	if drawn == 0 || drawn > 100 {
		t.Errorf("%d rows are drawn", drawn)
	}
	p.WaitFor(`document.querySelector("table.streams").getAttribute("aria-rowcount") === "1001"`)
	p.WaitFor(rows + `[0].querySelector("td.why").innerText === "<img src=x onerror=alert(1)>"`)
	p.Evaluate("scrollTo(0, document.body.scrollHeight)")
	p.WaitFor(`[...` + rows + `].at(-1).getAttribute("aria-rowindex") === "1001"`)
	p.Evaluate("scrollTo(0, 0)")
	p.Click("#filter")
	p.Type("stream-0500")
	p.WaitFor(rows + `.length === 1 && ` + rows + `[0].innerText.includes("stream-0500")`)
	audit(t, p, "a thousand streams")
	for _, complaint := range p.Complaints() {
		if !strings.Contains(complaint, "401") { // which made it ask
			t.Errorf("the browser complains: %s", complaint)
		}
	}
	local(t, p, l.Addr().String())
}
