// Command ems-demo shows the daemon on one machine without EMS and AWS. It plays recorded live
// output in a loop, in one or several formats, and writes it to disk as EMS does, or has the machine's
// ffmpeg write a stream. The daemon's own code publishes it to an S3 server with a bucket in memory, and
// a page plays it. The demo removes all its files when it ends.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"ems-sidecar/media"
)

type options struct {
	Format   formats       `default:"hls" placeholder:"LIST" help:"Formats to play, with commas between them: hls, hds, dash (${default})."`
	FFmpeg   bool          `name:"ffmpeg" help:"Have this machine's ffmpeg write the stream, in HLS, instead of a recording."`
	Listen   string        `default:"127.0.0.1:0" placeholder:"ADDR" help:"Address of the page with the players; port 0: a free one (${default})."`
	S3Listen string        `name:"s3-listen" default:"127.0.0.1:0" placeholder:"ADDR" help:"Address of the S3 server (${default})."`
	Duration time.Duration `default:"0" help:"End after this time; 0: at Ctrl-C."`
	Keep     time.Duration `default:"10m" help:"How long the bucket keeps a chunk (${default})."`

	speed float64          // of the streams, as a factor; 0: real time
	now   func() time.Time // by which they go on; nil: time.Now
	temp  string           // where the streams' directory is made; "": the system's
}

func (o options) Validate() error {
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
	parser := kong.Must(&o, kong.Name("ems-demo"), kong.Description(
		"Live streams as EvoStream Media Server or ffmpeg writes them, published to an S3 bucket by ems-sidecar, all on this machine."))
	if _, err := parser.Parse(goFlags(parser.Model, os.Args[1:])); err != nil {
		fmt.Fprintf(os.Stderr, "ems-demo: %v\nTry ems-demo --help.\n", err)
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
