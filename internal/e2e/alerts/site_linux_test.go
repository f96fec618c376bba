package alerts

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// chunkTime is how long a chunk takes. It is far below the second that counts at least as a target
// duration, so that a busy machine makes no stream late.
const chunkTime = 250 * time.Millisecond

// A site has encoders, a daemon and a bucket behind a proxy.
type site struct {
	t      *testing.T
	root   string
	proxy  *s3test.Proxy
	side   *e2e.Sidecar
	ems    *emstest.Server // nil: there is none
	record *record
	config []byte // as it was at the start; nil: it was not changed

	end     func()      // ends all of it
	frozen  atomic.Bool // the first encoder writes nothing more
	slow    atomic.Bool // the first stream's chunks take long
	broken  atomic.Bool // what encoders cannot write is the fault
	stop    chan struct{}
	working sync.WaitGroup
}

// slowTime is how long a PUT of a slow stream takes: more than three target durations.
const slowTime = 5 * time.Second

// streams is how many streams there are.
func streams() int { return long.Or(2, 4) }

// stream is the name of a stream.
func stream(n int) string { return fmt.Sprintf("news/%d", n) }

// newSite starts the site of a fault.
func newSite(t *testing.T, f fault) *site {
	t.Helper()
	server := s3test.Start(t)
	public, err := os.MkdirTemp("", "ems-sidecar-public-") // t.TempDir is for its owner only
	e2e.Must(t, err)
	e2e.Must(t, os.Chmod(public, 0o755))
	t.Cleanup(func() { os.RemoveAll(public) })
	s := &site{t: t, root: filepath.Join(public, "root"), proxy: s3test.NewProxy(t, server), stop: make(chan struct{})}
	e2e.Must(t, os.Mkdir(s.root, 0o755))
	more := append([]string{"Upload min_throughput = 1KiB"}, f.config...)
	if f.ems {
		s.ems = emstest.New(emstest.Settings{Address: "127.0.0.1"})
		e2e.Must(t, s.ems.Start())
		t.Cleanup(s.ems.Close)
		more = append(more, "EMS api_url = '"+s.ems.URL()+"'", "EMS reconcile_interval = 1s",
			"Hooks listen = "+e2e.FreeAddress(t), "TranscodeResetter token = ''")
	}
	s.proxy.Before = func(r *s3test.Request, _ http.ResponseWriter) bool {
		if s.slow.Load() && r.Method == http.MethodPut && r.Body == nil && strings.HasPrefix(r.Key, stream(0)+"/") {
			select {
			case <-time.After(slowTime): // the fault is that it takes this long
			case <-s.stop:
			}
		}
		return true
	}
	if f.launch != nil {
		s.side = f.launch(s, more)
	} else {
		s.side = e2e.StartSidecar(t, s.root, s.proxy.Endpoint, more...)
	}
	s.record = &record{side: s.side, speed: f.speed, used: usedMetrics(t), series: make(map[string][]string)}
	if f.speed == 0 {
		s.record.speed = fast
	}
	s.end = sync.OnceFunc(func() {
		close(s.stop)
		s.working.Wait()
		if s.side.Cmd.ProcessState == nil {
			s.side.Kill()
		}
	})
	t.Cleanup(s.end)
	for n := range streams() {
		s.working.Go(func() { s.encode(n) })
	}
	s.working.Go(func() { s.record.follow(s.stop) })
	return s
}

// encode writes the stream n until the site ends.
func (s *site) encode(n int) {
	w := &emswriter.HLS{Dir: filepath.Join(s.root, filepath.FromSlash(stream(n))), Target: time.Second}
	if err := w.Start(); err != nil {
		s.t.Error(err)
		return
	}
	tick := time.NewTicker(chunkTime)
	defer tick.Stop()
	for chunk := 0; ; chunk++ {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		if n == 0 && s.frozen.Load() {
			continue
		}
		_, err := w.Write(emswriter.Content(60_000, fmt.Sprintf("%d %d", n, chunk)))
		if err == nil {
			err = w.Next(chunkTime)
		}
		if err != nil {
			if !s.broken.Load() {
				s.t.Errorf("stream %d: %v", n, err)
			}
			return
		}
	}
}

// pass waits until so much time of the record has passed.
func (s *site) pass(d time.Duration) {
	s.t.Helper()
	until := s.record.now() + int(d/s.record.step()) + 2
	s.side.WaitFor("scrapes", func() bool { return s.record.now() >= until })
}

// playTime is how long streams may take to be live: a bucket that refused is asked each 30 s.
const playTime = time.Minute

// plays waits until all streams are live.
func (s *site) plays() {
	s.t.Helper()
	e2e.Within(s.t, playTime, "all streams are live", func() bool {
		return s.record.shows(fmt.Sprintf(`ems_sidecar_streams\{format="HLS",state="live"\} %d$`, streams())) &&
			(s.ems == nil || s.record.shows(`ems_sidecar_ems_api_up 1$`))
	})
}

// reload has the daemon read its config again, with more at its end.
func (s *site) reload(more string) {
	s.t.Helper()
	file := s.side.Cmd.Args[len(s.side.Cmd.Args)-1]
	config, err := os.ReadFile(file)
	e2e.Must(s.t, err)
	if s.config == nil {
		s.config = config
	}
	e2e.Must(s.t, os.WriteFile(file, append(slices.Clip(s.config), more...), 0o600))
	e2e.Must(s.t, s.side.Cmd.Process.Signal(syscall.SIGHUP))
}
