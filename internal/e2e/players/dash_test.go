package players

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// dashScript is the player's.
const dashScript = "../../../cmd/ems-demo/page/dash.mediaplayer.min.js"

// dashPlayers watch DASH. Only the long form has Shaka Player, which has to be installed.
func dashPlayers() []string {
	return long.Or([]string{"dash.js"}, []string{"dash.js", "shaka"})
}

// A dashStage has an encoder of DASH, the daemon, the bucket, and players before it.
type dashStage struct {
	*testing.T
	scenario
	lasts   time.Duration // of a chunk
	media   [2]map[kind]recording
	writer  emswriter.DASH
	server  *s3test.Server
	proxy   *s3test.Proxy
	gateway *gateway
	daemon  func() *e2e.Sidecar // starts it
	side    *e2e.Sidecar
	page    *browser.Page
}

var (
	pictures = kind{name: "pictures", video: "160x90", fmp4: true}
	tone     = kind{name: "tone", audio: true, fmp4: true}
)

func newDASHStage(t *testing.T, s scenario, media [2]map[kind]recording, lasts time.Duration,
	window string) *dashStage {
	t.Helper()
	server := s3test.Start(t)
	st := &dashStage{T: t, scenario: s, lasts: lasts, media: media, server: server, proxy: s3test.NewProxy(t, server),
		gateway: newGateway(t, server, map[string]string{"dash.js": dashScript, "shaka.js": shakaScript})}
	root := t.TempDir()
	st.writer = emswriter.DASH{Dir: filepath.Join(root, "group", "stream"), List: 6}
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	address := e2e.FreeAddress(t)
	config := e2e.ConfigFile(t, e2e.ConfigFor("", st.proxy.Endpoint, address, "AmazonDASHUpload watch_dir = '"+root+"'",
		"S3 reconnect_window = "+window))
	st.daemon = func() *e2e.Sidecar {
		side := e2e.Launch(t, exec.Command(path, "run", "--config", config), address)
		side.WaitForReady()
		return side
	}
	st.side = st.daemon()
	return st
}

// run begins a run of the stream, and returns a function that ends it.
func (s *dashStage) run(n int, end ending) (stop func()) {
	over, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.write(s.media[n-1], over, end) }()
	stop = sync.OnceFunc(func() {
		close(over)
		if err := <-done; err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(stop)
	return stop
}

// write writes the chunks of a run until over is closed.
func (s *dashStage) write(media map[kind]recording, over <-chan struct{}, end ending) error {
	video, audio := media[pictures], media[tone]
	w := &s.writer
	w.VideoInit, w.AudioInit = video.init, audio.init
	if err := w.Start(); err != nil {
		return err
	}
	if err := w.First(video.chunks[0], audio.chunks[0]); err != nil {
		return err
	}
	for n, began := 1, time.Now(); n < recorded; n++ {
		began = began.Add(s.lasts)
		time.Sleep(time.Until(began))
		select {
		case <-over:
			if end == crashed {
				w.Abandon()
				return nil
			}
			return w.End(s.lasts, s.lasts)
		default:
		}
		if err := w.NextVideo(s.lasts, video.chunks[n]); err != nil {
			return err
		}
		if err := w.NextAudio(s.lasts, audio.chunks[n]); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d chunks were not enough", recorded)
}

// show plays the scenario before the players. The second run has so many chunks that must be seen.
func (s *dashStage) show(chunks int) []seat {
	s.Helper()
	s.page = browser.Open(s.T, e2e.Patient, browser.Size{Width: 900, Height: 700}, s.gateway.url+"/page/")
	stop := s.run(1, s.end)
	if !e2e.Eventually(s.T, "the manifest has a segment", func() bool {
		mpd, _ := s.server.Object("group/manifest.mpd")
		return strings.Count(string(mpd), "<S ") >= 8
	}) {
		s.FailNow()
	}
	s.page.Evaluate(fmt.Sprintf("seats.delay = %v", (4 * s.lasts).Seconds()))
	for _, player := range dashPlayers() {
		s.page.Evaluate(fmt.Sprintf("play(%q, %q, %q)", player, "stream", s.gateway.at(player, "group/manifest.mpd")))
	}
	var seats []seat
	for late := e2e.Patient.Deadline(40 * s.lasts); ; time.Sleep(100 * time.Millisecond) {
		s.page.Read("report()", &seats)
		if !slices.ContainsFunc(seats, func(at seat) bool { return len(at.Chunks) <= steady }) {
			break
		}
		if late() {
			s.Fatalf("not all play: %+v", seats)
		}
	}
	s.page.Evaluate("watch()")
	stop()
	back := time.Now().Add(s.away)
	if s.killed {
		time.Sleep(s.away / 2)
		s.side.Kill()
		s.side = s.daemon()
	}
	time.Sleep(time.Until(back))
	stop = s.run(2, ended)
	const behind = 14 // chunks
	for late := e2e.Patient.Deadline(time.Duration(chunks+behind) * s.lasts); ; time.Sleep(250 * time.Millisecond) {
		s.page.Read("report()", &seats)
		all := true
		for i := range seats {
			seats[i].New = seats[i].played(2, 0, chunks, s.lasts)
			all = all && seats[i].New == chunks
		}
		if all || late() {
			break
		}
	}
	stop()
	return seats
}

// An encoder of DASH drops and returns. The page is not loaded again: the players go on by themselves, and
// play every new chunk. For how long they stand still, only the long form tells: dash.js may lose a race of
// its own, and waits for longer then (docs/performance.md).
func TestDASHPlayersGoOnWhenAnEncoderReturns(t *testing.T) {
	long.Browser(t)
	for _, program := range []string{"chromium", "ffmpeg"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s", program)
		}
	}
	if _, err := os.Stat(shakaScript); err != nil && slices.Contains(dashPlayers(), "shaka") {
		t.Skipf("run npm ci in tools/players: %v", err)
	}
	const lasts = 2 * time.Second
	chunks := long.Or(5, 8)
	var media [2]map[kind]recording
	for i := range media {
		media[i] = map[kind]recording{}
		for _, k := range []kind{pictures, tone} {
			media[i][k] = record(t, k, i+1, lasts)
		}
	}
	var table strings.Builder
	for _, s := range long.Or(shortDASH, all[:7]) {
		if *only != "" && s.String() != *only {
			continue
		}
		for window := range strings.SplitSeq(*windows, ",") {
			t.Run(s.String()+", "+window, func(t *testing.T) {
				st := newDASHStage(t, s, media, lasts, window)
				seats := st.show(chunks)
				if *versions != "" {
					st.versions(filepath.Join(*versions, "dash "+s.String()+", "+window))
				}
				for _, at := range seats {
					fmt.Fprintf(&table, "| %s | %v | %s | %s | %d of %d | %s |\n", at.Player, s, window, at.stands(lasts),
						at.New, chunks, at.troubles())
					if window != "0" { // which shows what happens without it
						at.judge(t, s, chunks, lasts)
					}
				}
			})
		}
	}
	t.Logf("\n%s", &table)
}

// judge tests that the player went on, and, in the long form, that it stood still for the gap and a chunk.
func (s *seat) judge(t *testing.T, played scenario, chunks int, lasts time.Duration) {
	t.Helper()
	if s.New != chunks || !s.goesOn(lasts) {
		t.Errorf("%s: %d of %d new chunks; %s; %s; %v", s.Player, s.New, chunks, s.stands(lasts), s.troubles(), s.Chunks)
	}
	limit := played.away + lasts + slack
	if long.Or(false, true) && s.Stood > float64(limit.Milliseconds()) && !e2e.Patient.Busy() {
		t.Errorf("%s stood still for %.1f s, want %v at most", s.Player, s.Stood/1000, limit)
	}
}

var shortDASH = []scenario{{away: 8 * time.Second}}

// versions writes what was published of the manifest to a directory.
func (s *dashStage) versions(dir string) {
	n := 0
	for _, r := range s.proxy.Log() {
		if r.Method == "PUT" && r.Body != nil && strings.HasSuffix(r.Key, ".mpd") {
			n++
			e2e.Put(s.T, dir, fmt.Sprintf("%04d-%s.mpd", n, r.Began.Format("15.04.05.000")), string(r.Body))
		}
	}
}
