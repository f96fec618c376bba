package daemon

import "context"

// A slot runs one part of the daemon, until a reload puts another one in its place.
type slot struct{ next chan part }

// A part works until its context ends. If it returns before that, the daemon ends.
type part func(context.Context) error

func newSlot() slot { return slot{make(chan part)} }

// run runs first, and then each part that replaces another, until ctx ends.
func (s slot) run(ctx context.Context, first part) error {
	for current := first; ; {
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- current(running) }()
		select {
		case err := <-ended:
			stop()
			return err
		case next := <-s.next:
			stop()
			if err := <-ended; err != nil {
				return err
			}
			current = next
		}
	}
}

// replace ends the part that runs, and then runs another one. It reports false if ctx ends before
// that.
func (s slot) replace(ctx context.Context, by part) bool {
	select {
	case s.next <- by:
		return true
	case <-ctx.Done():
		return false
	}
}

// vacate ends the part that runs, and waits for that. The slot is empty until another part comes. It
// reports false if ctx ends before that.
func (s slot) vacate(ctx context.Context) bool {
	left := make(chan struct{})
	if !s.replace(ctx, func(ctx context.Context) error { close(left); <-ctx.Done(); return nil }) {
		return false
	}
	select {
	case <-left:
		return true
	case <-ctx.Done():
		return false
	}
}
