package page

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"ems-sidecar/admin"
	"ems-sidecar/admin/api"
	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/uploader/health"
)

// A stopped is the state of a daemon with a stream that returned twice, has stopped again, and is
// waited for, and one that never did.
type stopped struct{ thousand }

// until is in the zone of the browser.
var until = time.Date(2026, 11, 30, 12, 34, 56, 0, time.Local)

func (stopped) Streams(context.Context) ([]api.Stream, bool) {
	at := until.Add(-time.Minute)
	var streams []api.Stream
	for _, name := range []string{"news/sport", "news/weather"} {
		streams = append(streams, api.Stream{ID: "hls/" + name, Stream: name, Format: "HLS", State: health.Live, Since: at})
	}
	return streams, true
}

func (stopped) Config() api.Config { return api.Config{} } // which the player asks for

func (s stopped) Stream(ctx context.Context, id string) (api.Detail, bool, bool) {
	manifest := api.Manifest{Name: "playlist.m3u8", Key: "news/sport/playlist.m3u8"}
	all, _ := s.Streams(ctx)
	d := api.Detail{Stream: all[1]}
	if id == "hls/news/sport" {
		d.Stream = all[0]
		manifest.Runs, manifest.Seams, manifest.ReturnsBy = 2, 1, &until
	}
	d.Manifests = []api.Manifest{{Name: "playlist.m3u8", Key: "news/playlist.m3u8", Set: true}, manifest}
	return d, true, true
}

func TestBrowserShowsHowOftenAStreamReturned(t *testing.T) {
	long.Only(t)
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	e2e.Must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- admin.Serve(ctx, l, admin.Settings{}, stopped{}, slog.New(slog.DiscardHandler))
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	p := browser.Open(t, e2e.Patient, browser.Size{Width: 1280, Height: 900}, "http://"+l.Addr().String()+"/#/stream/hls/news/sport")
	p.WaitFor(`document.querySelector("dl.places")?.innerText.includes("2 times; 1 seam in the playlist")`)
	p.WaitFor(`document.querySelector("dl.places").innerText.includes("until 12:34:56, before viewers get its end")`)
	audit(t, p, "a stream that is waited for")

	p.Go("http://" + l.Addr().String() + "/#/stream/hls/news/weather")
	p.WaitFor(`document.querySelector("table.manifests") && document.querySelector("h1")?.innerText.includes("news/weather")`)
	if text := p.Text("dl.places"); strings.Contains(text, "Returned") || strings.Contains(text, "Waited") || !strings.Contains(text, "Objects") {
		t.Errorf("of a stream that never returned, the page shows %q", text)
	}
	for _, complaint := range p.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}
