package players

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// A scenario is a time for which an encoder is away.
type scenario struct {
	away   time.Duration
	end    ending // of the run before
	killed bool   // the daemon, with SIGKILL, in the middle of that time; it starts again at once
}

func (s scenario) String() string {
	text := fmt.Sprintf("away %v", s.away)
	switch s.end {
	case frozen:
		text = fmt.Sprintf("frozen for %v", s.away)
	case crashed:
		text = fmt.Sprintf("EMS crashes, back after %v", s.away)
	}
	if s.killed {
		text += ", daemon killed"
	}
	return text
}

// A stage has a broadcast, the daemon, the bucket, and players before it.
type stage struct {
	*testing.T
	*broadcast
	scenario
	media   [2]map[kind]recording // of the two runs
	server  *s3test.Server
	proxy   *s3test.Proxy
	gateway *gateway
	daemon  func() *e2e.Sidecar // starts it
	side    *e2e.Sidecar
	page    *browser.Page
	ffmpegs []*ffmpeg
}

// newStage returns one on which the daemon runs.
func newStage(t *testing.T, s scenario, p *proof, window string) *stage {
	t.Helper()
	server := s3test.Start(t)
	st := &stage{T: t, scenario: s, broadcast: newBroadcast(t, t.TempDir(), p.layouts, p.lasts), media: p.media,
		server: server, proxy: s3test.NewProxy(t, server), gateway: newGateway(t, server, p.scripts)}
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	address := e2e.FreeAddress(t)
	config := e2e.ConfigFile(t, e2e.ConfigFor(st.root, st.proxy.Endpoint, address, "S3 reconnect_window = "+window))
	st.daemon = func() *e2e.Sidecar {
		side := e2e.Launch(t, exec.Command(path, "run", "--config", config), address)
		side.WaitForReady()
		return side
	}
	st.side = st.daemon()
	return st
}

// steady is how many chunks each player has played before the encoder drops.
const steady = 2

// A watcher is a player and the layout that it watches.
type watcher struct {
	player string
	layout
}

// raise begins the first run, and returns when all players watch it, with a function that ends it.
func (s *stage) raise(watchers []watcher) (stop func()) {
	s.Helper()
	s.page = browser.Open(s.T, e2e.Patient, browser.Size{Width: 900, Height: 700}, s.gateway.url+"/page/")
	s.first(1)
	stop = s.begin(s.end)
	playlists := func() bool {
		for _, t := range s.tracks {
			if _, err := s.server.Object(t.layout.name + "/" + t.kind.name + "/playlist.m3u8"); err != nil {
				return false
			}
		}
		return s.closed.Load() > 2
	}
	if !e2e.Eventually(s.T, "all playlists are published", playlists) {
		s.FailNow()
	}
	for _, w := range watchers {
		if w.player == "ffmpeg" {
			s.ffmpegs = append(s.ffmpegs, startFFmpeg(s.T, w.layout, s.gateway.at("ffmpeg", w.name+"/playlist.m3u8")))
			continue
		}
		s.page.Evaluate(fmt.Sprintf("play(%q, %q, %q)", w.player, w.name, s.gateway.at(w.player, w.name+"/playlist.m3u8")))
	}
	s.warmUp()
	s.page.Evaluate("watch()")
	return stop
}

// show plays the scenario before the watchers, and returns what they have seen. The second run has
// so many chunks that must be seen.
func (s *stage) show(watchers []watcher, chunks int) []seat {
	s.Helper()
	stop := s.raise(watchers)
	stop()
	s.pause()

	from := s.next // the number of the chunk before the first new one
	if s.end != frozen {
		s.first(2)
		from = 0
	}
	stop = s.begin(ended)
	seats := s.look(from, chunks)
	stop()
	for i := range seats {
		s.count(&seats[i], from, chunks)
	}
	for _, f := range s.ffmpegs {
		seats = append(seats, f.leave(s, chunks))
	}
	return seats
}

// warmUp waits until all players play.
func (s *stage) warmUp() {
	s.Helper()
	var waiting []string
	const limit = 30 // chunks
	for late := e2e.Patient.Deadline(limit * s.lasts); ; time.Sleep(100 * time.Millisecond) {
		var seats []seat
		s.page.Read("report()", &seats)
		waiting = nil
		for _, at := range seats {
			if len(at.Chunks) <= steady {
				waiting = append(waiting, fmt.Sprintf("%s of %s: %d chunks, %v, %s", at.Player, at.Stream, len(at.Chunks), at.Errors, at.Fatal))
			}
		}
		if len(waiting) == 0 {
			return
		}
		if late() {
			s.Errorf("after %d chunks these do not play: %q", limit, waiting)
			return
		}
	}
}

// first begins a run.
func (s *stage) first(n int) {
	s.Helper()
	e2e.Must(s.T, s.start(n, s.media[n-1]))
}

// begin plays the run on, and returns a function that ends that.
func (s *stage) begin(end ending) (stop func()) {
	over, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.broadcast.play(s.media[s.number-1], over, end) }()
	stop = sync.OnceFunc(func() {
		close(over)
		if err := <-done; err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(stop)
	return stop
}

// pause is the time for which the encoder is away.
func (s *stage) pause() {
	back := time.Now().Add(s.away)
	if s.killed {
		time.Sleep(s.away / 2)
		s.side.Kill()
		s.side = s.daemon()
	}
	time.Sleep(time.Until(back))
}

// look waits until all players have played the second run's chunks, or could have: they play some
// chunks behind the live edge.
func (s *stage) look(from, chunks int) (seats []seat) {
	s.Helper()
	const behind = 8 // chunks
	for late := e2e.Patient.Deadline(time.Duration(chunks+behind) * s.lasts); ; time.Sleep(250 * time.Millisecond) {
		s.page.Read("report()", &seats)
		done := true
		for i := range seats {
			done = done && seats[i].played(s.number, from, chunks, s.lasts) == chunks
		}
		if done || late() {
			return seats
		}
	}
}

// count adds to a seat what the gateway knows.
func (s *stage) count(at *seat, from, chunks int) {
	at.New = at.played(s.number, from, chunks, s.lasts)
	at.Chunks = nil
	for _, t := range s.tracks {
		if t.layout.name == at.Stream && t.video == "" { // sound cannot be seen
			at.Sound = fmt.Sprintf("%d of %d", s.gateway.requested(at.Player, t.names[:chunks]), chunks)
		}
	}
}

// versions writes what was published of a layout's playlists to a directory.
func (s *stage) versions(dir string) {
	n := 0
	for _, r := range s.proxy.Log() {
		if r.Method != "PUT" || r.Body == nil {
			continue
		}
		n++
		name := fmt.Sprintf("%04d-%s-%s", n, r.Began.Format("15.04.05.000"), filepath.Base(filepath.Dir(r.Key)))
		e2e.Put(s.T, filepath.Join(dir, filepath.Dir(filepath.Dir(r.Key))), name+".m3u8", string(r.Body))
	}
}
