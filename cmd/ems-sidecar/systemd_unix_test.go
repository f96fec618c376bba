//go:build unix

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// A supervisor is what systemd is for a service: a socket for its messages.
type supervisor struct {
	path string

	mu  sync.Mutex
	all []string
}

func newSupervisor(t *testing.T) *supervisor {
	t.Helper()
	s := &supervisor{path: filepath.Join(t.TempDir(), "notify")}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	e2e.Must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for message := make([]byte, 4096); ; {
			n, err := l.Read(message)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.all = append(s.all, string(message[:n]))
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return s
}

func (s *supervisor) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// count returns how many messages begin like that.
func (s *supervisor) count(begin string) (n int) {
	for _, m := range s.messages() {
		if strings.HasPrefix(m, begin) {
			n++
		}
	}
	return n
}

// A hangingStore is a bucket that is empty, and whose PUTs do what put does.
type hangingStore struct {
	uploader.Store
	put func(ctx context.Context) error
}

func (s hangingStore) Put(ctx context.Context, _ uploader.Object) error { return s.put(ctx) }
func (s hangingStore) Stat(context.Context, string) (i uploader.ObjectInfo, found bool, err error) {
	return i, false, nil
}

type noWatcher struct{}

func (noWatcher) Expect(...string) {}

// The watchdog is not fed while a worker or the loop hangs, and it is fed in an outage.
func TestWatchdogIsFedWhileThePipelineMoves(t *testing.T) {
	hang := make(chan struct{})
	for name, test := range map[string]struct {
		put   func(ctx context.Context) error
		loop  func(uploader.Change)
		hangs bool
	}{
		"a worker hangs":           {put: func(context.Context) error { <-hang; return nil }, hangs: true},
		"the loop hangs":           {put: func(context.Context) error { return nil }, loop: func(uploader.Change) { <-hang }, hangs: true},
		"the bucket is away":       {put: func(context.Context) error { return errors.New("connection refused") }},
		"the bucket is silent":     {put: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		"the bucket refuses all":   {put: func(context.Context) error { return errors.Join(uploader.ErrPermanent, uploader.ErrBucket) }},
		"everything is as it goes": {put: func(context.Context) error { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			told := newSupervisor(t)
			t.Setenv("NOTIFY_SOCKET", told.path)
			const interval = time.Minute
			var early, late, healed int
			synctest.Test(t, func(t *testing.T) {
				hang = make(chan struct{})
				log := slog.New(slog.DiscardHandler)
				up := uploader.New(uploader.Settings{Workers: 4, BulkWorkers: 1, MinThroughput: 64 << 10, Changed: test.loop}, log)
				dir := t.TempDir()
				src := up.Source(dir, media.Layout{Format: media.HLS}, &uploader.Destination{Store: hangingStore{put: test.put}, Destination: publish.Destination{Bucket: "b"}}, noWatcher{})
				ctx, end := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { up.Run(ctx) })
				feeding, stop := context.WithCancel(t.Context())
				running.Go(func() { systemd{log}.feedWatchdog(feeding, interval, up.Moving) })
				time.Sleep(interval)
				early = sent(t, told)
				e2e.Put(t, dir, "g/s/1.ts", "one")
				now := time.Now()
				e2e.Must(t, os.Chtimes(filepath.Join(dir, "g/s/1.ts"), now, now))
				fi, err := os.Stat(filepath.Join(dir, "g/s/1.ts"))
				e2e.Must(t, err)
				go src.Closed(ctx, "g/s/1.ts", media.VersionOf(fi))
				time.Sleep(3 * interval) // until a worker that hangs is late
				late = sent(t, told)
				time.Sleep(3 * interval)
				late = sent(t, told) - late
				close(hang)
				time.Sleep(2 * interval)
				healed = sent(t, told)
				stop()
				end()
				running.Wait()
			})
			if early == 0 || (late == 0) != test.hangs {
				t.Errorf("signs of life: %d at first, %d in three intervals, %d in all; hangs: %v", early, late, healed, test.hangs)
			}
			if healed <= early+late {
				t.Errorf("none after it: %d", healed)
			}
		})
	}
}

// sent returns how many signs of life systemd has got, after all messages so far have arrived.
func sent(t *testing.T, told *supervisor) int {
	t.Helper()
	n := told.count("MARK")
	_, err := sdnotify.SdNotify(false, "MARK")
	e2e.Must(t, err)
	for told.count("MARK") == n {
	}
	return told.count("WATCHDOG=1")
}

func TestWithoutSystemdNothingIsFed(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	var log strings.Builder
	s := systemd{slog.New(slog.NewTextHandler(&log, nil))}
	if got := s.watchdogInterval(); got != 0 {
		t.Errorf("%v", got)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	s.showStatus(t.Context(), nil) // returns at once
	s.tell("READY=1")
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

// The built binary and a bucket that is away: systemd learns when it is ready, how it fares, that it
// moves, when it reads its config, and that it stops.
func TestSystemdIsToldHowTheDaemonFares(t *testing.T) {
	t.Parallel()
	told := newSupervisor(t)
	proxy := s3test.NewProxy(t, s3test.Start(t))
	root := t.TempDir()
	cmd, admin := e2e.SidecarCommand(t, root, proxy.Endpoint, nil, "Upload drain_timeout = 0")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+told.path, "WATCHDOG_USEC=2000000")
	side := e2e.Launch(t, cmd, admin)
	wait := func(begin string, n int) {
		t.Helper()
		side.WaitFor(begin, func() bool { return told.count(begin) >= n })
	}
	wait("READY=1", 1)
	wait("STATUS=no stream yet", 1)
	e2e.Put(t, root, "news/sport/1.ts", "one")
	e2e.Put(t, root, "news/sport/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:600\n#EXTINF:600,\n1.ts\n")
	wait("STATUS=1 live", 1)
	proxy.Befall(s3test.Refuse())
	e2e.Put(t, root, "news/sport/2.ts", "two")
	side.WaitFor("a request has failed", func() bool { // the upload, or the question that comes after a start
		return len(side.Lines("upload failed"))+len(side.Lines("request about an object failed")) > 0
	})
	wait("WATCHDOG=1", told.count("WATCHDOG=1")+5)
	e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGHUP))
	wait("RELOADING=1\nMONOTONIC_USEC=", 1)
	wait("READY=1", 2)
	side.Stop()
	wait("STOPPING=1", 1)
	if hangs := side.Lines("the daemon hangs"); len(hangs) > 0 {
		t.Error(hangs)
	}
}

// SIGUSR1 needs no restart and no change of the config, and goes on over a reload.
func TestSignalShowsDebugLogForAWhile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	side := e2e.StartSidecar(t, root, s3test.Start(t).Endpoint, "Log level = warn")
	publish := func(stream string) {
		t.Helper()
		e2e.Put(t, root, stream+"/1.ts", "one")
		e2e.Put(t, root, stream+"/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:600\n#EXTINF:600,\n1.ts\n#EXT-X-ENDLIST\n")
	}
	e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGUSR1))
	side.WaitFor("the word of it", func() bool { return len(side.Lines("level=WARN", "debug logging is on", "until=")) == 1 })
	e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGHUP))
	side.WaitFor("the reload", func() bool { return len(side.Lines("config reloaded")) == 1 })
	publish("g/s")
	side.WaitFor("a debug line", func() bool { return len(side.Lines("level=DEBUG", "g/s")) > 0 })
}

// The end of it is ten minutes later, or after the last of several signals.
func TestDebugLogEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level atomic.Int64
		log := &logbook{Logger: slog.New(slog.DiscardHandler)}
		log.level.Set(slog.LevelWarn)
		level.Store(int64(log.level.Level()))
		o := &operator{signals: signals{make(chan os.Signal, 1), make(chan os.Signal, 1)}, log: log, level: slog.LevelWarn}
		defer beside(func(ctx context.Context) { o.run(ctx, nil) })()
		want := func(want slog.Level) {
			t.Helper()
			synctest.Wait()
			if got := log.level.Level(); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		}
		o.signals.debug <- debugSignal
		want(slog.LevelDebug)
		time.Sleep(9 * time.Minute)
		o.signals.debug <- debugSignal
		time.Sleep(9 * time.Minute)
		want(slog.LevelDebug)
		time.Sleep(time.Minute)
		want(slog.LevelWarn)
	})
}

// A config that cannot be used changes nothing; one that can is used, and the log tells key by key.
func TestHangupReadsTheConfigAgain(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	one, two := t.TempDir(), t.TempDir()
	cmd, admin := e2e.SidecarCommand(t, one, server.Endpoint, nil, "Log level = info")
	ini := cmd.Args[slices.Index(cmd.Args, "--config")+1]
	side := e2e.Launch(t, cmd, admin)
	side.WaitForReady()
	original, err := os.ReadFile(ini)
	e2e.Must(t, err)
	hangUp := func(config, message string) {
		t.Helper()
		e2e.Must(t, os.WriteFile(ini, []byte(config), 0o600))
		n := len(side.Lines(message))
		e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGHUP))
		side.WaitFor(message, func() bool { return len(side.Lines(message)) > n })
	}
	hangUp(string(original)+"\n[Upload]\nworkers = many\nwach_dir = /x\n", "config not reloaded")
	if got := side.Lines("config has a mistake", "file="+ini, "section=Upload", "key=workers", "line="); len(got) != 1 {
		t.Errorf("%q", side.Lines("config"))
	}
	changed := strings.Replace(string(original), "watch_dir = '"+one+"'", "watch_dir[] = '"+one+"'\nwatch_dir[] = '"+two+"'", 1)
	changed = strings.Replace(changed, "level = info", "level = debug\nformat = json", 1)
	hangUp(changed, `msg="config reloaded" changes=3 need_restart=0`)
	for _, key := range []string{"section=AmazonHLSUpload key=watch_dir", "section=Log key=level old=info new=debug", "key=format"} {
		if len(side.Lines("config key changed", key)) != 1 {
			t.Errorf("no line about %s: %q", key, side.Lines("config key changed"))
		}
	}
	e2e.Put(t, two, "g/s/1.ts", "one")
	side.WaitFor("a debug line in JSON", func() bool { return len(side.Lines(`{"time":`, `"level":"DEBUG"`)) > 0 })
	side.WaitFor("the chunk in the bucket", func() bool { _, err := server.Object("g/s/1.ts"); return err == nil })
	if code, body := side.Ask("/api/v1/version"); code != 200 || !strings.Contains(body, `"reloads":{"ok":1,"failed":1,`) {
		t.Errorf("%d %s", code, body)
	}
	if code := side.Stop(); code != exitFine {
		t.Errorf("exit code %d", code)
	}
}
