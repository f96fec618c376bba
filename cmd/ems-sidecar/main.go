// Command ems-sidecar publishes live streams in an S3 bucket, which a writer such as ffmpeg or a
// media server writes to disk. It also has EvoStream Media Server route, record and balance its
// streams.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or config
)

// configFlag is shared by the commands that read the config.
type configFlag struct {
	Config string
}

// take has c take the flag.
func (f *configFlag) take(c *cobra.Command) *cobra.Command {
	const usual = "/etc/ems-sidecar/config.ini"
	wordFlag(c, &f.Config, "config", "", "FILE", usual, "The config file ("+usual+").")
	return c
}

// A surroundings is what a command uses of the process.
type surroundings struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

// The kernel gives a signal to the main thread and to no other, unless that has one already. A call
// to a file system that does not answer may hang there, and SIGTERM would have no effect. So the main
// thread belongs to the main goroutine, which only waits.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		relaxTimers()
	}
	code := make(chan int)
	go func() { code <- work() }()
	os.Exit(<-code)
}

// work does what the command line says, until a signal ends it, and returns the exit code.
func work() int {
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // before the log says "stopping": a second signal ends the process at once
		end()
	}()
	// The reader of the log or of the output may go away. By default, this signal would then end
	// the process.
	signal.Ignore(syscall.SIGPIPE)
	return execute(ctx, os.Args[1:], surroundings{os.Stdout, os.Stderr, os.Getenv})
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, s surroundings) int {
	p := newProgram()
	if err := p.parse(args, s); err != nil {
		fmt.Fprintf(s.stderr, "ems-sidecar: %v\nTry: ems-sidecar --help\n", err)
		return exitUsage
	}
	if p.chosen == nil {
		return exitFine // --help
	}
	err := p.chosen(ctx, s)
	var mistakes *config.Error
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errSaid):
		return exitFailed
	case errors.Is(err, errSaidUsage):
		return exitUsage
	case errors.As(err, &mistakes):
		fmt.Fprintln(s.stderr, mistakes)
		return exitUsage
	}
	fmt.Fprintf(s.stderr, "ems-sidecar: %v\n", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// errSaid ends a command whose reason is printed already.
var errSaid = errors.New("failed")

// errSaidUsage is errSaid for a mistake in the config.
var errSaidUsage = errors.New("wrong config")

// A usageError is a mistake in the command line or the config.
type usageError struct{ error }

// configHint says what to do if the config cannot be read.
func configHint(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "run the command as root; for the daemon, the file needs the group ems-sidecar and the mode 0640"
	}
	return "another file is named with --config"
}

// load reads the config. It must switch something on.
func (f configFlag) load() (*config.Config, error) {
	cfg, err := config.Load(f.Config)
	var mistakes *config.Error
	if err != nil && !errors.As(err, &mistakes) {
		return nil, usageError{fmt.Errorf("%w (%s)", err, configHint(err))}
	}
	if err != nil {
		return nil, err
	}
	if len(cfg.Uploads) == 0 && !cfg.Reacts() {
		return nil, usageError{fmt.Errorf("%s switches nothing on: it needs a section such as [HLS] "+
			"with watch_dir and default_bucket, or [StreamRecorder] with file_location", f.Config)}
	}
	return cfg, nil
}

func printVersion(_ context.Context, s surroundings) error {
	_, err := fmt.Fprintln(s.stdout, versionText())
	return err
}

func versionText() string { return "ems-sidecar " + daemon.Version() }
