package hooks

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
)

// A view is what the server had at one moment. It is shared, and not changed.
type view struct {
	asked   time.Time // before the first request: what was ordered after that may be missing
	streams []emsapi.Stream
	config  emsapi.Config
}

const (
	// mediaTakes is how long it may take until a stream that is pulled has pictures.
	mediaTakes = 2 * time.Second
	// phantomLasts is how long a pull of what does not exist is listed as a stream.
	phantomLasts = 20 * time.Second
)

func age(s *emsapi.Stream) time.Duration { return time.Duration(s.UpTime * float64(time.Millisecond)) }

// isPhantom reports whether a stream is only the pull of one that does not exist: the server lists
// that for a while.
func isPhantom(s *emsapi.Stream) bool {
	return s.Pull != nil && s.Bytes == 0 && age(s) < phantomLasts
}

// undecided reports whether a stream may turn out to be a phantom, or none, soon.
func (v *view) undecided() bool {
	return slices.ContainsFunc(v.streams, func(s emsapi.Stream) bool {
		return s.Inbound() && isPhantom(&s) && age(&s) < mediaTakes
	})
}

// inbound returns the streams that come into the server, one for each name.
func (v *view) inbound() []*emsapi.Stream {
	var in []*emsapi.Stream
	seen := make(map[string]bool)
	for i := range v.streams {
		if s := &v.streams[i]; s.Inbound() && !isPhantom(s) && !seen[s.Name] {
			seen[s.Name] = true
			in = append(in, s)
		}
	}
	return in
}

// An observer looks at the server for all plugins.
type observer struct {
	api      *emsapi.Client
	interval time.Duration
	log      *slog.Logger
	trouble  *trouble.Reporter
	jitter   backoff.Jitter
	asked    chan struct{} // holds one: several requests to look are one
	server   atomic.Pointer[Server]
}

func newObserver(api *emsapi.Client, interval time.Duration, log *slog.Logger, t *trouble.Reporter,
	j backoff.Jitter) *observer {
	return &observer{api: api, interval: interval, log: log, trouble: t, jitter: j, asked: make(chan struct{}, 1)}
}

// gatherTime is how long a look waits for other reasons to look.
const gatherTime = 20 * time.Millisecond

// betweenLooks is the least time between two looks. Events come in bursts, and a look tells of them
// all.
const betweenLooks = 250 * time.Millisecond

// firstRetry is how soon a server that did not answer is asked again. It doubles up to lastRetry,
// or to the interval.
const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Second
)

func (o *observer) look() {
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// run looks at the server at once, at each interval, and when it is asked to, and passes on what it
// saw.
func (o *observer) run(ctx context.Context, seen func(*view)) {
	tick := time.NewTimer(0)
	defer tick.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	gather := time.NewTimer(gatherTime)
	defer gather.Stop()
	away := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.asked:
		case <-tick.C:
		}
		gather.Reset(gatherTime)
		for _, wait := range []*time.Timer{pause, gather} { // this look serves what is asked for meanwhile
			select {
			case <-ctx.Done():
				return
			case <-wait.C:
			}
		}
		select {
		case <-o.asked:
		default:
		}
		v, err := o.ask(ctx)
		pause.Reset(betweenLooks)
		if err != nil {
			pause.Reset(firstRetry) // events do not make a server answer
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			o.answered(err)
			o.trouble.Begin(serverAway, trouble.At{}, "api", o.api.Address(), "err", err,
				"next", "it is asked again until it answers; until then nothing is ordered there")
			away++
			tick.Reset(o.jitter.After(away, firstRetry, min(lastRetry, o.interval)))
		default:
			o.answered(nil)
			o.trouble.End(serverAway, trouble.At{}, "api", o.api.Address())
			away = 0
			tick.Reset(o.interval)
			if v.undecided() {
				tick.Reset(min(o.interval, mediaTakes))
			}
			seen(v)
		}
	}
}

// ask lists the streams first: an order that is missing from a later list is missing.
func (o *observer) ask(ctx context.Context) (*view, error) {
	v := &view{asked: time.Now()}
	var err error
	if v.streams, err = o.api.ListStreams(ctx); err != nil {
		return nil, err
	}
	v.config, err = o.api.ListConfig(ctx)
	return v, err
}
