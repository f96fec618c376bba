package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Troubles are what a visitor of the page can cause: a bucket that is cut off from the daemon, an
// encoder that stands still, one that drops, and a daemon that is stopped. All go on by another click.
type troubles struct {
	now     func() time.Time
	encoder *encoder

	mu     sync.Mutex // guards what follows
	cut    bool       // no request of the daemon reaches the bucket
	frozen time.Time  // since when the encoder stands still; zero: it does not
	stood  time.Duration
	end    context.CancelFunc // ends the daemon that runs
	again  chan struct{}      // holds one when it is to run again
}

func newTroubles(now func() time.Time) *troubles {
	if now == nil {
		now = time.Now
	}
	return &troubles{now: now, encoder: newEncoder(), end: func() {}, again: make(chan struct{}, 1)}
}

// isCut reports whether the bucket is cut off.
func (t *troubles) isCut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cut
}

// clock is the time by which the encoder goes on. It stands still while the encoder does.
func (t *troubles) clock() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.frozen.IsZero() {
		return t.frozen.Add(-t.stood)
	}
	return t.now().Add(-t.stood)
}

// setCut cuts the bucket off, or lets it be reached again.
func (t *troubles) setCut(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut = on
}

// setFrozen has the encoder stand still, or go on where it stopped.
func (t *troubles) setFrozen(on bool) {
	t.encoder.setStanding(on)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case on && t.frozen.IsZero():
		t.frozen = t.now()
	case !on && !t.frozen.IsZero():
		t.stood += t.now().Sub(t.frozen)
		t.frozen = time.Time{}
	}
}

// setStopped stops the daemon, or starts it again.
func (t *troubles) setStopped(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if on {
		select {
		case <-t.again:
		default:
		}
		t.end()
		return
	}
	select {
	case t.again <- struct{}{}:
	default:
	}
}

// run runs the daemon, again after each stop, until ctx ends.
func (t *troubles) run(ctx context.Context, daemon func(context.Context) error) error {
	for {
		running, end := context.WithCancel(ctx)
		t.mu.Lock()
		t.end = end
		t.mu.Unlock()
		select {
		case <-t.again: // it runs already
		default:
		}
		err := daemon(running)
		stopped := running.Err() != nil
		end()
		if err != nil || ctx.Err() != nil || !stopped {
			return err
		}
		select {
		case <-t.again:
		case <-ctx.Done():
			return nil
		}
	}
}

// mend ends the troubles that keep the end of the streams from the bucket.
func (t *troubles) mend() {
	t.setCut(false)
	t.setFrozen(false)
	t.setStopped(false)
}

// ServeHTTP is POST /troubles/{which}?on=true. The header is one that a page of another origin cannot
// send without being asked for it.
func (t *troubles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	set := map[string]func(bool){"/troubles/bucket": t.setCut, "/troubles/encoder": t.setFrozen,
		"/troubles/drop": t.encoder.setAway, "/troubles/daemon": t.setStopped}[r.URL.Path]
	switch {
	case set == nil:
		http.NotFound(w, r)
	case r.Method != http.MethodPost || r.Header.Get("X-Demo") == "":
		http.Error(w, "only the page causes troubles", http.StatusForbidden)
	default:
		set(r.FormValue("on") == "true")
		w.WriteHeader(http.StatusNoContent)
	}
}
