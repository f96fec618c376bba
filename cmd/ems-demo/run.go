package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// drainTimeout is how long the end of the stream may take to reach the bucket.
const drainTimeout = 10 * time.Second

// run is the whole demo: it builds the parts, runs them until the context ends or the duration is over,
// and ends them in the order in which data flows, so that each finishes what the one before it left.
func run(ctx context.Context, o options, out io.Writer, log *slog.Logger) (err error) {
	segments, err := recordedSegments()
	if err != nil {
		return err
	}
	recording, err := newLoop(segments)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	if o.pace == 0 {
		o.pace = recording.chunkDuration()
	}
	if o.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Duration)
		defer cancel()
	}

	root, err := os.MkdirTemp("", "ems-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()

	bucket, err := newStore(log)
	if err != nil {
		return err
	}
	events := newJournal(bucket)

	s3Listener, err := net.Listen("tcp", o.S3Listen)
	if err != nil {
		return fmt.Errorf("S3 server: %w", err)
	}
	defer s3Listener.Close()
	pageListener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	defer pageListener.Close()
	endpoint := "http://" + s3Listener.Addr().String()
	stream := endpoint + "/" + bucketName + "/" + masterKey
	player, err := newPage(events, stream, log)
	if err != nil {
		return err
	}
	s3Server := &http.Server{Handler: bucket, ReadHeaderTimeout: 10 * time.Second}
	pageServer := &http.Server{Handler: player, ReadHeaderTimeout: 10 * time.Second}

	fmt.Fprintf(out, "page    %s\nstream  %s\n",
		reachable("http://"+pageListener.Addr().String()+"/", "localhost"), reachable(stream, "localhost"))
	fmt.Fprintf(out, "files   %s (removed at the end)\nCtrl-C ends the demo.\n\n", root)

	// The source ends with ctx; what comes behind it ends later, one after the other. A part that fails
	// ends the whole demo, too.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	publishing, stopPublishing := context.WithCancel(serving)
	defer stopPublishing()
	playing, stopPlaying := context.WithCancel(ctx)
	defer stopPlaying()
	healthy, fail := context.WithCancel(serving)
	defer fail()
	var servers, publisher, source errgroup.Group
	start := func(g *errgroup.Group, part string, f func() error) {
		g.Go(func() error {
			if err := f(); err != nil {
				fail()
				return fmt.Errorf("%s: %w", part, err)
			}
			return nil
		})
	}
	start(&servers, "S3 server", func() error { return serve(serving, s3Server, s3Listener) })
	start(&servers, "page", func() error { return serve(serving, pageServer, pageListener) })
	start(&servers, "lifecycle rule", func() error { bucket.runLifecycle(serving, o.Keep, log); return nil })
	start(&publisher, "publisher", func() error {
		return publish(publishing, publication{
			Root: root, Endpoint: reachable(endpoint, "localhost"), Bucket: bucketName,
			AccessKey: bucket.AccessKey, SecretKey: bucket.SecretKey, Log: log,
		})
	})
	start(&source, "live stream", func() error {
		return (&live{root: root, loop: recording, pace: o.pace, closing: events.closing}).play(playing)
	})

	console := newConsole(out, events)
	console.run(ctx, healthy)

	stopPlaying()
	err = source.Wait()
	select {
	case <-events.ended:
	case <-healthy.Done():
	case <-time.After(drainTimeout):
		err = errors.Join(err, fmt.Errorf("the end of the stream did not reach the bucket within %s", drainTimeout))
	}
	stopPublishing()
	err = errors.Join(err, publisher.Wait())
	console.line(serving)
	stopServing()
	return errors.Join(err, servers.Wait())
}

// serve serves until the context ends, and then finishes the requests in flight.
func serve(ctx context.Context, s *http.Server, l net.Listener) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if s.Shutdown(grace) != nil {
			_ = s.Close() // a player that holds its connection is not waited for
		}
		stopped <- nil
	})
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}
