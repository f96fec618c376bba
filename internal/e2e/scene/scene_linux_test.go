// Package scene tests what an operator learns of a site in trouble, from the log, the API and the
// events: which stream suffers, why, and when it is over.
package scene

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader/health"
)

var (
	quietTime = long.Duration("quiet", time.Second, time.Minute, "how long nothing is wrong before")
	logFile   = flag.String("scene.log", "", "write the daemon's log to this file")
	rootDir   = flag.String("scene.root", "", "have the streams in this empty directory, whose name is in the pictures")
)

// named is how long an operator waits for the name of a fault, and of its end.
const named = 10 * time.Second

// A play is what differs between the short and the long form.
type play struct {
	streams              int
	chunk                time.Duration
	quiet, fault, outage time.Duration
	late                 time.Duration // that the chunks of the slow stream take
}

// The frozen encoder, the directory that cannot be read, the slow stream, and the others.
const (
	frozen = "news/frozen"
	hidden = "news/hidden"
	slow   = "news/slow"
)

// A stage has encoders, and the faults that befall them.
type stage struct {
	*e2e.Sidecar
	t      *testing.T
	root   string
	proxy  *s3test.Proxy
	play   play
	freeze atomic.Bool
	slow   atomic.Bool
}

// Each fault is named within 10 s, and so is its end; before that, all is quiet.
func TestOperatorLearnsWhatIsWrongAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	p := long.Or(play{streams: 6, chunk: time.Second, outage: time.Second, late: 5 * time.Second},
		play{streams: 40, chunk: 2 * time.Second, fault: time.Minute, outage: 46 * time.Second, late: 8 * time.Second})
	p.quiet = quietTime()
	s := newStage(t, p)
	if *logFile != "" {
		defer func() { e2e.Must(t, os.WriteFile(*logFile, []byte(s.Tail(1<<20)+"\n"), 0o644)) }()
	}
	s.WaitFor("live streams", func() bool { return s.count(health.Live) == p.streams })
	e2e.Patient.Sleep(p.quiet)
	s.wantQuiet()

	s.freeze.Store(true)
	s.slow.Store(true)
	s.hide(0o700)
	s.names(frozen, health.Stalled, "no new chunk on the disk", `msg="stream stalled"`)
	s.names(hidden, health.Failing, "permission denied", `msg="stream cannot be published"`)
	s.names(slow, health.Lagging, "waits for", `msg="stream lags"`)
	e2e.Patient.Sleep(p.fault)
	if n := s.count(health.Live); n != p.streams-3 && !e2e.Patient.Busy() {
		t.Errorf("%d streams are live beside the three in trouble, want %d", n, p.streams-3)
	}
	s.takePictures()
	s.freeze.Store(false)
	s.slow.Store(false)
	s.hide(0o755)
	s.names(frozen, health.Live, "", `msg="stream resumed"`, "lasted=")
	s.names(hidden, health.Live, "", `msg="stream is published again"`, "lasted=")
	s.names(slow, health.Live, "", `msg="stream is current again"`, "lasted=")

	s.proxy.Befall(s3test.Refuse())
	s.happens("bucket_unreachable", "bucket serves no requests", 0)
	s.eventually("failing streams", func() bool { return s.count(health.Failing) == p.streams })
	e2e.Patient.Sleep(p.outage)
	s.proxy.Mend()
	s.happens("bucket_unreachable", "bucket accepts requests again", p.outage)
	s.happens("bucket_back", fmt.Sprintf("streams=%d", p.streams), 0)
	s.eventually("live streams", func() bool { return s.count(health.Live) == p.streams })
	s.pictureOfTheEnd()
}

// newStage starts the encoders and a daemon that is not root, with the rights of its unit.
func newStage(t *testing.T, p play) *stage {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may run the daemon as another user")
	}
	server := s3test.Start(t)
	s := &stage{t: t, root: cmp.Or(*rootDir, t.TempDir()), play: p, proxy: s3test.NewProxy(t, server)}
	s.proxy.Before = func(r *s3test.Request, _ http.ResponseWriter) bool {
		if s.slow.Load() && r.Method == http.MethodPut && strings.HasPrefix(r.Key, slow+"/") && strings.HasSuffix(r.Key, ".ts") {
			time.Sleep(p.late) // the line of this stream, not the tests'
		}
		return true
	}
	cmd, admin := e2e.SidecarCommand(t, s.root, s.proxy.Endpoint, nil, "Log level = info", "Upload workers = 32",
		"Upload min_throughput = 8K")
	const capFowner, capLease, other = 3, 28, 65534
	config := cmd.Args[len(cmd.Args)-1]
	for _, dir := range []string{filepath.Dir(filepath.Dir(config)), filepath.Dir(cmd.Path)} {
		e2e.Must(t, os.Chmod(dir, 0o755))
	}
	e2e.Must(t, os.Chmod(s.root, 0o777)) // for the spool
	e2e.Must(t, os.Chown(config, other, other))
	cmd.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{capFowner, capLease},
		Credential: &syscall.Credential{Uid: other, Gid: other}}
	s.Sidecar = e2e.Launch(t, cmd, admin)
	s.WaitForReady()

	stop := make(chan struct{})
	var writing sync.WaitGroup
	t.Cleanup(func() { close(stop); writing.Wait() })
	for n := range p.streams {
		name := append([]string{frozen, hidden, slow}, fmt.Sprintf("news/stream%02d", n))[min(n, 3)]
		writing.Go(func() {
			if err := s.encode(name, n, stop); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	return s
}

// encode writes a stream until stop is closed, in real time: one that goes slower, as those of other
// tests do on a busy machine, would be stalled.
func (s *stage) encode(name string, n int, stop <-chan struct{}) error {
	h := emswriter.HLS{Dir: filepath.Join(s.root, name), Target: s.play.chunk}
	if err := h.Start(); err != nil {
		return err
	}
	tick := time.NewTicker(s.play.chunk)
	defer tick.Stop()
	content := emswriter.Content(500*188, name)
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
		if n == 0 && s.freeze.Load() {
			continue
		}
		if _, err := h.Write(content); err != nil {
			return err
		}
		if err := h.Next(s.play.chunk); err != nil {
			return err
		}
	}
}

// hide sets the mode of the directory that is to be hidden from the daemon.
func (s *stage) hide(mode os.FileMode) {
	s.t.Helper()
	e2e.Must(s.t, os.Chmod(filepath.Join(s.root, hidden), mode))
}

func (s *stage) eventually(what string, done func() bool) {
	s.t.Helper()
	if !e2e.Within(s.t, named, what, done) {
		s.t.Fatalf("the streams are %+v", s.streams())
	}
}

// names waits until the API, the log and the events tell that the stream is in the state.
func (s *stage) names(stream string, state health.State, why string, line ...string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%s is %v in the API", stream, state), func() bool {
		for _, x := range s.streams() {
			if x.Stream == stream {
				return x.State == state && strings.Contains(x.Why, why)
			}
		}
		return false
	})
	texts := append(line, "level=WARN", "stream="+stream, why)
	s.wantLine(!e2e.Patient.Busy(), texts...)
	s.eventually(fmt.Sprintf("an event tells that %s is %v", stream, state), func() bool {
		var events api.Events
		s.ask("/api/v1/events", &events)
		for _, e := range events.Events {
			if e.Kind == "stream_"+state.String() && e.Stream == stream && strings.Contains(e.Text, why) && e.Level == "warn" {
				return true
			}
		}
		return false
	})
}

// wantLine waits for a log line with the texts, since the log is written behind what the API tells.
// With once, one more is an error.
func (s *stage) wantLine(once bool, texts ...string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("a log line with %q", texts), func() bool { return len(s.Lines(texts...)) > 0 })
	if n := len(s.Lines(texts...)); n > 1 && once {
		s.t.Errorf("%d log lines have %q, want 1", n, texts)
	}
}

// happens waits for an event, of something that lasted so long at least, and for its log line.
func (s *stage) happens(kind, text string, lasted time.Duration) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("an event %s with %q", kind, text), func() bool {
		var events api.Events
		s.ask("/api/v1/events", &events)
		for _, e := range events.Events {
			if e.Kind == kind && strings.Contains(e.Text, text) && e.Level == "error" && e.Lasted >= lasted {
				return true
			}
		}
		return false
	})
	s.wantLine(true, "level=ERROR", text)
}

// wantQuiet tests that nothing was reported so far.
func (s *stage) wantQuiet() {
	s.t.Helper()
	if e2e.Patient.Busy() {
		s.t.Log("the machine is too busy for encoders in real time: alarms are no false ones")
		return
	}
	for _, line := range append(s.Lines("level=WARN"), s.Lines("level=ERROR")...) {
		s.t.Errorf("a false alarm: %s", line)
	}
	var events api.Events
	s.ask("/api/v1/events", &events)
	for _, e := range events.Events {
		if e.Kind != "stream_live" || e.Level != "info" {
			s.t.Errorf("a false alarm: %+v", e)
		}
	}
}

func (s *stage) count(state health.State) (n int) {
	for _, x := range s.streams() {
		if x.State == state {
			n++
		}
	}
	return n
}

func (s *stage) streams() []api.Stream {
	var answer api.Streams
	s.ask("/api/v1/streams", &answer)
	return answer.Streams
}

func (s *stage) ask(path string, answer any) {
	s.t.Helper()
	code, body := s.Ask(path)
	if code != http.StatusOK {
		s.t.Fatalf("%s: status %d: %s", path, code, body)
	}
	e2e.Must(s.t, json.Unmarshal([]byte(body), answer))
}
