package hooks

import (
	"context"
	"errors"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/internal/backoff"
)

// A reconciler brings the orders of one kind that one server has (H) to what is wanted (W), each
// under a key (K). It compares, and needs no event. It owns everything that takes time: orders that
// are not listed yet, pauses after failures, and a server that does not answer. One goroutine uses
// it.
type reconciler[K comparable, W, H any] struct {
	does   carrier[K, W, H]
	pace   pace
	jitter backoff.Jitter
	known  map[K]*progress // of each wish
	away   absence
}

// A carrier carries out what a reconciler decides, and logs it. An error that is neither a Failure
// nor ErrValue of emsapi says that the server did not answer.
type carrier[K comparable, W, H any] interface {
	// create gives an order; tries is how often it has failed in a row.
	create(ctx context.Context, key K, want W, tries int) error
	remove(ctx context.Context, order H, why string) error
	// failed reports a failure, each time.
	failed(key K, want W, err error)
	// recovered tells the operator that the trouble is over: failing or taken.
	recovered(key K, want W, over phase)
	// forget says that the key is not wanted any more, with its trouble.
	forget(key K)
}

// A pace is the times of one kind of order.
type pace struct {
	first, most time.Duration // the pauses after failures of one wish: they double
	settles     time.Duration // after it, it is known as a rule whether an order came through
	watched     time.Duration // how long an order that is starting is looked at each settles
	revives     bool          // an order that has worked is given again at once when it ends: no failure
	taken       time.Duration // the pause while another has the place
	away        time.Duration // the longest pause after requests without an answer; the first is firstRetry
	unwanted    string        // why an order that is not wanted is removed, for the log
}

// An absence is that of a server that does not answer.
type absence struct {
	err      error // nil: it answers
	failures int   // in a row
	next     time.Time
}

func newReconciler[K comparable, W, H any](does carrier[K, W, H], t pace, j backoff.Jitter) *reconciler[K, W, H] {
	return &reconciler[K, W, H]{does: does, pace: t, jitter: j, known: make(map[K]*progress)}
}

// reconcile asks what the server has, compares it with wishes, and has done what is missing. It
// returns after what time to call it again if nothing happens before, and an error while the server
// does not answer: nothing is known then and nothing done, except what was done before that.
func (r *reconciler[K, W, H]) reconcile(ctx context.Context, wishes []wish[K, W],
	ask func(context.Context) (listing[K, H], error)) (again time.Duration, err error) {
	if now := time.Now(); r.isPausing(now) {
		return r.away.next.Sub(now), r.away.err
	}
	has, err := ask(ctx)
	if err != nil {
		return r.unanswered(ctx, err)
	}
	changes, again := r.plan(wishes, has, time.Now())
	for _, c := range changes {
		wait, err := r.carryOut(ctx, c)
		if err != nil {
			return r.unanswered(ctx, err)
		}
		if ctx.Err() != nil {
			return 0, nil
		}
		again = sooner(again, wait)
	}
	r.away = absence{}
	return again, nil
}

// isPausing reports whether the server did not answer, and is not asked again yet.
func (r *reconciler[K, W, H]) isPausing(now time.Time) bool {
	return r.away.err != nil && now.Before(r.away.next)
}

// unanswered notes that the server did not answer, and returns when it is asked again.
func (r *reconciler[K, W, H]) unanswered(ctx context.Context, err error) (again time.Duration, _ error) {
	if ctx.Err() != nil {
		return 0, nil
	}
	r.away.err = err
	r.away.failures++
	again = r.jitter.After(r.away.failures, firstRetry, r.pace.away)
	r.away.next = time.Now().Add(again)
	return again, err
}

// carryOut does what is to be done about one key. There is an error if the server does not answer.
func (r *reconciler[K, W, H]) carryOut(ctx context.Context, c change[K, W, H]) (again time.Duration, err error) {
	if c.gone {
		r.does.forget(c.key)
	}
	if c.failed != nil {
		r.does.failed(c.key, c.want, c.failed)
	}
	if c.over != unordered {
		r.does.recovered(c.key, c.want, c.over)
	}
	for _, old := range c.remove {
		switch err := r.does.remove(ctx, old.order, old.why); {
		case isUnanswered(err):
			return 0, err
		case err != nil && c.create:
			c.create = false // before the old one is gone, the new one would be a second
			again = orderTakes
		}
	}
	if c.create && ctx.Err() == nil {
		return r.create(ctx, c.key, c.want)
	}
	return again, nil
}

// create gives an order, and notes how that went.
func (r *reconciler[K, W, H]) create(ctx context.Context, key K, want W) (again time.Duration, err error) {
	p := r.progress(key)
	err = r.does.create(ctx, key, want, p.failures)
	if ctx.Err() != nil {
		return 0, nil
	}
	now := time.Now()
	switch {
	case err == nil:
		p.accept(now)
		return r.pace.settles, nil
	case errors.Is(err, emsapi.ErrValue):
		p.phase = refused
	case emsapi.NameTaken(err):
		p.yield(now, r.pace.taken)
	case isUnanswered(err):
		p.miss(now, r.jitter, r.pace)
	default:
		p.fail(now, r.jitter, r.pace)
	}
	r.does.failed(key, want, err)
	if isUnanswered(err) {
		return 0, err
	}
	return max(0, p.next.Sub(now)), nil
}

// replace removes an order and gives another one at once.
func (r *reconciler[K, W, H]) replace(ctx context.Context, w wish[K, W], old removal[H]) (
	again time.Duration, err error) {
	return r.carryOut(ctx, change[K, W, H]{key: w.key, want: w.want, remove: []removal[H]{old}, create: true})
}

func (r *reconciler[K, W, H]) progress(key K) *progress {
	p := r.known[key]
	if p == nil {
		p = &progress{}
		r.known[key] = p
	}
	return p
}

// isUnanswered reports whether err says that the server did not answer: then what was seen of it no
// longer counts, and the next orders would wait in vain, too.
func isUnanswered(err error) bool {
	var f *emsapi.Failure
	return err != nil && !errors.As(err, &f) && !errors.Is(err, emsapi.ErrValue)
}

// sooner returns the lesser of two pauses, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
