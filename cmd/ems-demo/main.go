// Command ems-demo shows the daemon on one machine without EMS and AWS. It plays recorded live
// output in a loop, in one or several formats, and writes it to disk as EMS does, or has the machine's
// ffmpeg write a stream. The daemon's own code publishes it to an S3 server with a bucket in memory, and
// a page plays it. The demo removes all its files when it ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"ems-sidecar/media"
)

type options struct {
	Format   formats
	FFmpeg   bool // this machine's ffmpeg writes the stream
	Listen   string
	S3Listen string
	Duration time.Duration // 0: until a signal
	Keep     time.Duration // of chunks in the bucket

	speed float64          // of the streams, as a factor; 0: real time
	now   func() time.Time // by which they go on; nil: time.Now
	temp  string           // where the streams' directory is made; "": the system's
}

// parse reads the command line. Errors and help go to out.
func (o *options) parse(args []string, out io.Writer) error {
	f := flag.NewFlagSet("ems-demo", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() {
		fmt.Fprintln(out, "Usage of ems-demo: live streams as EvoStream Media Server or ffmpeg writes them,\n"+
			"published to an S3 bucket by ems-sidecar, all on this machine.")
		f.PrintDefaults()
	}
	f.TextVar(&o.Format, "format", formats{media.HLS}, "formats to play, with commas between them: hls, hds, dash `LIST`")
	f.BoolVar(&o.FFmpeg, "ffmpeg", false, "have this machine's ffmpeg write the stream, in HLS, instead of a recording")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`address` of the page with the players; port 0: a free one")
	f.StringVar(&o.S3Listen, "s3-listen", "127.0.0.1:0", "`address` of the S3 server")
	f.DurationVar(&o.Duration, "duration", 0, "end after this `time`; 0: at Ctrl-C")
	f.DurationVar(&o.Keep, "keep", 10*time.Minute, "the `time` for which the bucket keeps a chunk")
	if err := f.Parse(args); err != nil {
		return err
	}
	err := o.check()
	if f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(out, err)
	}
	return err
}

func (o options) check() error {
	if o.Duration < 0 {
		return fmt.Errorf("--duration must not be negative")
	}
	if o.Keep < time.Minute {
		return fmt.Errorf("--keep must be 1m at least: players still load chunks that the manifest no longer names")
	}
	if o.FFmpeg && !slices.Equal(o.Format, formats{media.HLS}) {
		return fmt.Errorf("--ffmpeg writes HLS only: leave --format out")
	}
	return nil
}

func main() {
	var o options
	switch err := o.parse(os.Args[1:], os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}

	// Signals, even a second one, end the demo in order, which takes a few seconds at most. A
	// closed terminal or pipe causes SIGPIPE.
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := run(ctx, o, os.Stdout, log); err != nil {
		fmt.Fprintf(os.Stderr, "ems-demo: %v\n", err)
		os.Exit(1)
	}
}
