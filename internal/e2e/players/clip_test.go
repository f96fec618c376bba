package players

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// A player plays a clip from its beginning to its end, over a full hour and over the seam where the
// encoder was away: each chunk of both runs.
func TestPlayersPlayAClipOverAFullHourAndASeam(t *testing.T) {
	p := newProof(t)
	p.layouts = slices.DeleteFunc(slices.Clone(p.layouts), func(l layout) bool { return len(l.tracks) > 1 })
	const chunks, token = 5, "s3cret-token"
	server := s3test.Start(t)
	st := &stage{T: t, broadcast: newBroadcast(t, t.TempDir(), p.layouts, p.lasts), media: p.media,
		server: server, proxy: s3test.NewProxy(t, server), gateway: newGateway(t, server, p.scripts)}
	var offset time.Duration // of the clock of the server
	clock := func() time.Time { return time.Now().Add(offset) }
	for _, track := range st.tracks {
		track.writer.Now = clock
	}
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	address := e2e.FreeAddress(t)
	config := e2e.ConfigFile(t, e2e.ConfigFor(st.root, st.proxy.Endpoint, address, "S3 archive = on", "S3 delete = mirror",
		"S3 reconnect_window = 30s", "Admin token = '"+token+"'"))
	side := e2e.Launch(t, exec.Command(path, "run", "--config", config), address)
	client := &api.Client{URL: "http://" + address, Token: token, HTTP: &http.Client{}}
	side.WaitFor("ready", func() bool { _, err := client.Raw(t.Context(), "/readyz"); return err == nil })
	// The full hour is in the middle of the first run.
	offset = time.Until(time.Now().Truncate(time.Hour).Add(time.Hour - 3*p.lasts))
	for run := 1; run <= 2; run++ {
		st.first(run)
		stop := st.begin(ended)
		side.WaitFor("some chunks", func() bool { return st.closed.Load() > chunks })
		stop()
	}
	st.page = browser.Open(t, e2e.Patient, browser.Size{Width: 900, Height: 700}, st.gateway.url+"/page/")
	for _, track := range st.tracks {
		request := api.ClipRequest{From: clock().Add(-time.Hour).Format(time.RFC3339), To: clock().Add(time.Hour).Format(time.RFC3339), Name: "goal"}
		key := track.layout.name + "/" + track.kind.name
		var clip api.Clip
		side.WaitFor("a clip of all of "+key, func() bool {
			clip, err = client.Clip(t.Context(), "hls/"+key, request)
			return err == nil
		})
		if clip.Segments < 2*chunks || clip.Seams != 1 || clip.From.Truncate(time.Hour).Equal(clip.To.Truncate(time.Hour)) {
			t.Errorf("the clip of %s is %+v", key, clip)
		}
		st.page.Evaluate(fmt.Sprintf("play(%q, %q, %q)", "hls.js", track.layout.name, st.gateway.at("hls.js", clip.Key)))
	}
	var seats []seat
	for late := e2e.Patient.Deadline(60 * p.lasts); ; time.Sleep(250 * time.Millisecond) {
		st.page.Read("report()", &seats)
		if !slices.ContainsFunc(seats, func(s seat) bool { return !s.Ended && s.Fatal == "" }) || late() {
			break
		}
	}
	for i := range seats {
		at := &seats[i]
		if first, second := at.played(1, 0, chunks, p.lasts), at.played(2, 0, chunks, p.lasts); first != chunks || second != chunks || !at.Ended {
			t.Errorf("%s: %d and %d of %d chunks were played; ended: %v; %s %s", at.Stream, first, second, chunks, at.Ended, at.Fatal, at.troubles())
		}
		t.Logf("%s: %d chunks were seen, it stood still for %.1f s at most, %s", at.Stream, len(at.Chunks), at.Stood/1000, at.troubles())
	}
}
