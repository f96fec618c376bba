package main

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// An ender writes a live stream, and ends it as a media server that is told to stop does.
type ender interface {
	segment(n int) error // is begun and half written, after the one before is closed
	end() error
	manifests() []string
}

type hlsEnder struct{ emswriter.HLS }

func (e *hlsEnder) segment(n int) (err error) {
	if n == 0 {
		err = e.Start()
	} else {
		err = e.Next(time.Second)
	}
	if err == nil {
		_, err = e.Write(emswriter.Packet("s", n))
	}
	return err
}
func (e *hlsEnder) end() error          { return e.End(time.Second) }
func (e *hlsEnder) manifests() []string { return []string{e.Playlist()} }

type hdsEnder struct{ emswriter.HDS }

func (e *hdsEnder) segment(n int) (err error) {
	content := emswriter.Content(4000+n, "a fragment")
	if n == 0 {
		if err = e.Start(); err == nil {
			err = e.First(content)
		}
	} else {
		err = e.Next(time.Second+time.Duration(n)*time.Millisecond, content)
	}
	if err == nil {
		err = e.Write(2000)
	}
	return err
}
func (e *hdsEnder) end() error { return e.End(time.Second) }
func (e *hdsEnder) manifests() []string {
	return []string{e.Bootstrap(), filepath.Join(e.Dir, filepath.Base(e.Dir)+".f4m")}
}

// When the media server and the daemon are told to stop together, viewers get the last segment and
// the end now, and not at the next start.
func TestStreamsThatEndWithTheDaemonArePublishedToTheirEnd(t *testing.T) {
	t.Parallel()
	streams := map[string]func(dir string) ender{
		"HLS": func(dir string) ender { return &hlsEnder{emswriter.HLS{Dir: dir, Target: time.Second}} },
		"HLS appending": func(dir string) ender {
			return &hlsEnder{emswriter.HLS{Dir: dir, Target: time.Second, Appending: true}}
		},
		"HDS": func(dir string) ender { return &hdsEnder{emswriter.HDS{Dir: dir}} },
	}
	for name, test := range map[string]struct {
		stream string
		count  int
		after  time.Duration // the daemon was told to stop
	}{
		"at once":            {"HLS", 1, 0},
		"3 s later":          {"HLS", 1, 3 * time.Second},
		"appending":          {"HLS appending", 1, 1500 * time.Millisecond},
		"HDS":                {"HDS", 1, time.Second},
		"one after another":  {"HLS", 4, 700 * time.Millisecond},
		"HDS, two, 3 s each": {"HDS", 2, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s3test.Start(t)
			root := t.TempDir()
			more := []string{}
			if test.stream == "HDS" {
				more = append(more, "AmazonHDSUpload watch_dir = '"+root+"'")
			}
			side := e2e.StartSidecar(t, root, server.Endpoint, more...)
			var all []ender
			for i := range test.count {
				e := streams[test.stream](filepath.Join(root, "g", string(rune('a'+i))))
				all = append(all, e)
				for n := range 3 {
					e2e.Must(t, e.segment(n))
				}
			}
			same := func(e ender) bool {
				for _, m := range e.manifests() {
					key, err := filepath.Rel(root, m)
					e2e.Must(t, err)
					want, err := os.ReadFile(m)
					e2e.Must(t, err)
					if got, err := server.Object(filepath.ToSlash(key)); err != nil || string(got) != string(want) {
						return false
					}
				}
				return true
			}
			for _, e := range all {
				side.WaitFor("a live stream", func() bool { return same(e) })
			}

			e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGTERM))
			side.WaitFor("the word that it stops", func() bool { return len(side.Lines("msg=stopping")) > 0 })
			for _, e := range all {
				time.Sleep(test.after) // the delay is what is tested
				e2e.Must(t, e.end())
			}
			<-side.Ended
			side.Cmd.Wait()

			if code := side.Cmd.ProcessState.ExitCode(); code != exitFine {
				t.Errorf("exit code %d", code)
			}
			for _, e := range all {
				if !same(e) {
					t.Errorf("%v are not as they are on the disk", e.manifests())
				}
			}
			if len(side.Lines("everything that was closed is published")) != 1 {
				t.Errorf("it ends with\n%s", side.Tail(4))
			}
		})
	}
}

// A restart of the daemon alone does not wait for streams that go on, nor for a server that was
// killed.
func TestDaemonStopsSoonWhenNoStreamIsEnding(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		live, goesOn, killed bool
		want                 string
	}{
		"no stream is live":           {want: "no stream is live"},
		"the writer goes on":          {live: true, goesOn: true, want: "the writer goes on"},
		"the media server was killed": {live: true, killed: true, want: "nothing is written any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s3test.Start(t)
			root := t.TempDir()
			side := e2e.StartSidecar(t, root, server.Endpoint, "Upload drain_timeout = 1h")
			w := &hlsEnder{emswriter.HLS{Dir: filepath.Join(root, "g", "s"), Target: time.Second}}
			over := make(chan struct{})
			var writing sync.WaitGroup
			if test.live {
				for n := range 3 {
					e2e.Must(t, w.segment(n))
				}
				side.WaitFor("a live stream", func() bool { return len(side.Lines("stream is live")) > 0 })
			}
			if test.goesOn {
				writing.Go(func() {
					for n := 3; ; n++ {
						select {
						case <-over:
							return
						case <-time.After(500 * time.Millisecond):
						}
						if err := w.segment(n); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGTERM))
			if test.killed {
				side.WaitFor("the word that it stops", func() bool { return len(side.Lines("msg=stopping")) > 0 })
				e2e.Must(t, w.Abandon())
			}
			side.WaitFor("why it ends", func() bool { return len(side.Lines("msg=draining", test.want)) == 1 })
			<-side.Ended
			side.Cmd.Wait()
			close(over)
			writing.Wait()
		})
	}
}
