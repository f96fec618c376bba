package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

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

// replace ends the part that runs, and then runs another one. It reports false
// if ctx ends before that.
func (s slot) replace(ctx context.Context, by part) bool {
	select {
	case s.next <- by:
		return true
	case <-ctx.Done():
		return false
	}
}

// A door is a listener that outlives its servers. While a reload replaces a server, connections
// wait, and none is refused.
type door struct {
	address string
	*net.TCPListener
}

// movedTo returns the door at an address: d itself, or another one. Without an address there is none.
func (d *door) movedTo(address string) (*door, error) {
	switch {
	case address == "":
		return nil, nil
	case d != nil && d.address == address:
		return d, nil
	}
	l, err := net.Listen("tcp", address)
	if d != nil && samePort(d.address, address) && errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: %w", err, errOwnPort)
	}
	if err != nil {
		return nil, err
	}
	return &door{address, l.(*net.TCPListener)}, nil
}

// errOwnPort refuses an address that differs from the former one in its host only.
var errOwnPort = errors.New("this daemon itself has the port: restart the service for this change")

func samePort(a, b string) bool {
	_, portA, errA := net.SplitHostPort(a)
	_, portB, errB := net.SplitHostPort(b)
	return errA == nil && errB == nil && portA == portB
}

// Close ends Accept for the server that calls it.
func (d *door) Close() error { return d.SetDeadline(time.Unix(1, 0)) }

// enter has Accept wait for connections again.
func (d *door) enter() error { return d.SetDeadline(time.Time{}) }

// shut ends the listener.
func (d *door) shut() {
	if d != nil {
		_ = d.TCPListener.Close() // with or without an error, it does not listen any more
	}
}
