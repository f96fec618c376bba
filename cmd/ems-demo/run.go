package main

import (
	"cmp"
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

// drainTimeout is how long the end of the streams may take to reach the bucket.
const drainTimeout = 10 * time.Second

// run is the whole demo. It builds the parts, and runs them until the context or the duration ends.
// Then it ends them in the order in which data flows, so that each finishes the work of the one
// before.
func run(ctx context.Context, o options, out io.Writer, log *slog.Logger) (err error) {
	streams, outputs, err := newStreams(o)
	if err != nil {
		return err
	}
	if o.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Duration)
		defer cancel()
	}

	root, err := os.MkdirTemp(o.temp, "ems-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()

	var ems *mediaServers // none with ffmpeg
	if !o.FFmpeg {
		if ems, err = startMediaServers(ctx, root, outputs); err != nil {
			return err
		}
	}
	defer ems.close()
	bucket, err := newStore(log)
	if err != nil {
		return err
	}
	events := newJournal(bucket, outputs)
	faults := newTroubles(o.now)
	bucket.troubles = faults

	places, err := listen(o)
	if err != nil {
		return err
	}
	defer places.close()
	status := places.status
	endpoint := "http://" + places.s3.Addr().String()
	address := endpoint + "/" + bucketName
	player, err := newPage(events, address, log)
	if err != nil {
		return err
	}
	player.status, player.troubles = "http://"+status+"/", faults
	s3Server := &http.Server{Handler: bucket, ReadHeaderTimeout: 10 * time.Second}
	pageServer := &http.Server{Handler: player, ReadHeaderTimeout: 10 * time.Second}

	fmt.Fprintf(out, "page    %s\n", reachable("http://"+places.page.Addr().String()+"/", "localhost"))
	for _, o := range outputs {
		fmt.Fprintf(out, "%-6s  %s/%s\n", o.layout.Format, reachable(address, "localhost"), o.entry)
	}
	fmt.Fprintf(out, "status  http://%s/ (the daemon's own page)\n", status)
	ems.introduce(out)
	fmt.Fprintf(out, "files   %s (removed at the end)\nCtrl-C ends the demo.\n\n", root)

	// The sources end with ctx. The parts after them end later, one by one. A part that fails ends
	// the whole demo, too.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	publishing, stopPublishing := context.WithCancel(serving)
	defer stopPublishing()
	playing, stopPlaying := context.WithCancel(ctx)
	defer stopPlaying()
	healthy, fail := context.WithCancel(serving)
	defer fail()
	var servers, publisher, sources errgroup.Group
	start := func(g *errgroup.Group, part string, f func() error) {
		g.Go(func() error {
			if err := f(); err != nil {
				fail()
				return fmt.Errorf("%s: %w", part, err)
			}
			return nil
		})
	}
	start(&servers, "S3 server", func() error { return serve(serving, s3Server, places.s3) })
	start(&servers, "page", func() error { return serve(serving, pageServer, places.page) })
	start(&servers, "lifecycle rule", func() error {
		lifecycle{store: bucket, outputs: outputs, age: o.Keep, log: log}.run(serving)
		return nil
	})
	start(&publisher, "publisher", func() error {
		return faults.run(publishing, func(ctx context.Context) error {
			return publish(ctx, publication{
				Outputs: outputs, EMS: ems, Root: root, Endpoint: reachable(endpoint, "localhost"), Bucket: bucketName,
				AccessKey: bucket.AccessKey, SecretKey: bucket.SecretKey, Admin: status, Log: log,
			})
		})
	})
	on := stage{root: root, speed: cmp.Or(o.speed, 1), now: faults.clock, encoder: faults.encoder, closing: func(key string) {
		events.closing(key)
		if i := events.owner(key); i >= 0 {
			ems.closing(root, key, outputs[i].layout.Format)
		}
	}}
	for i, s := range streams {
		start(&sources, outputs[i].layout.Format.String()+" stream", func() error { return s.play(playing, on) })
	}

	console := newConsole(out, events)
	console.run(ctx, healthy)

	faults.mend()
	stopPlaying()
	err = sources.Wait()
	if healthy.Err() == nil {
		err = errors.Join(err, awaitEnds(healthy, events, root))
	}
	stopPublishing()
	err = errors.Join(err, publisher.Wait())
	console.end(serving)
	stopServing()
	return errors.Join(err, servers.Wait())
}

// places are where the demo is reached.
type places struct {
	s3, page net.Listener
	status   string // the address of the daemon's own page
}

// listen opens what the options ask for.
func listen(o options) (p places, err error) {
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.s3, err = net.Listen("tcp", o.S3Listen); err != nil {
		return p, fmt.Errorf("S3 server: %w", err)
	}
	if p.page, err = net.Listen("tcp", o.Listen); err != nil {
		return p, fmt.Errorf("page: %w", err)
	}
	if p.status, err = freeAddress(); err != nil {
		return p, fmt.Errorf("status page: %w", err)
	}
	return p, nil
}

func (p places) close() {
	for _, l := range []net.Listener{p.s3, p.page} {
		if l != nil {
			_ = l.Close() // it is closed already if its server has run
		}
	}
}

// newStreams returns the streams that the options ask for, and what each writes.
func newStreams(o options) (streams []stream, outputs []output, err error) {
	if o.FFmpeg {
		s, err := newFFmpegStream()
		if err != nil {
			return nil, nil, err
		}
		return []stream{s}, []output{s.output()}, nil
	}
	for _, f := range o.Format {
		s, err := newStream(f)
		if err != nil {
			return nil, nil, fmt.Errorf("recording of %s: %w", f, err)
		}
		streams, outputs = append(streams, s), append(outputs, s.output())
	}
	return streams, outputs, nil
}

// awaitEnds returns when the end of each stream has reached the bucket.
func awaitEnds(ctx context.Context, j *journal, root string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drainTimeout, fmt.Errorf("it took more than %s", drainTimeout))
	defer cancel()
	for i, o := range j.outputs {
		manifests, err := o.manifests(root)
		if err != nil {
			return err
		}
		if err := j.awaitEnd(ctx, i, manifests); err != nil {
			return fmt.Errorf("%s stream: %w", o.layout.Format, err)
		}
	}
	return nil
}

// serve serves until the context ends, and then finishes the requests in flight.
func serve(ctx context.Context, s *http.Server, l net.Listener) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if s.Shutdown(grace) != nil {
			_ = s.Close() // no wait for a player that keeps its connection
		}
		stopped <- nil
	})
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}
