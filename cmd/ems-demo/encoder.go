package main

import (
	"context"
	"sync"
	"time"
)

// awayFor is how long an encoder that dropped is away.
const awayFor = 10 * time.Second

// An encoder sends a stream to the media server. It can drop, and returns by itself.
type encoder struct {
	mu       sync.Mutex         // guards what follows
	end      context.CancelFunc // ends what it sends
	returned chan struct{}      // closed when it is to return; nil: it is not away
	standing bool               // it stands still
	stand    func(bool)         // has the program that sends stand still, or go on; nil: no program sends
}

func newEncoder() *encoder { return &encoder{end: func() {}} }

// attach names the program that sends; nil: none does any more.
func (e *encoder) attach(stand func(bool)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stand = stand; stand != nil && e.standing {
		stand(true)
	}
}

// setStanding has a program that sends stand still, or go on.
func (e *encoder) setStanding(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.standing = on; e.stand != nil {
		e.stand(on)
	}
}

// setAway has the encoder drop, or return at once.
func (e *encoder) setAway(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case on && e.returned == nil:
		e.returned = make(chan struct{})
		e.end()
	case !on && e.returned != nil:
		close(e.returned)
		e.returned = nil
	}
}

// sending returns a context that ends with ctx, or when the encoder drops.
func (e *encoder) sending(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.end = end; e.returned != nil {
		end()
	}
	return ctx, end
}

// runs calls run for each time that the encoder sends, with a context that ends when it drops. It
// returns when ctx ends, or when run fails.
func (e *encoder) runs(ctx context.Context, run func(ctx context.Context) error) error {
	for {
		sending, end := e.sending(ctx)
		err := run(sending)
		end()
		if err != nil {
			return err
		}
		e.awaitReturn(ctx)
		if ctx.Err() != nil {
			return nil
		}
	}
}

// awaitReturn returns when the encoder is back, or when ctx ends.
func (e *encoder) awaitReturn(ctx context.Context) {
	e.mu.Lock()
	returned := e.returned
	e.mu.Unlock()
	if returned == nil {
		return // it is back already
	}
	away := time.NewTimer(awayFor)
	defer away.Stop()
	select {
	case <-returned:
	case <-ctx.Done():
	case <-away.C:
		e.setAway(false)
	}
}
