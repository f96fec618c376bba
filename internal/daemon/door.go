package daemon

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"ems-sidecar/config"
)

// A door is a listener that outlives its servers. While a reload replaces a server, connections
// wait, and none is refused.
type door struct {
	address string
	*net.TCPListener
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

// doors are those of the parts that a reload replaces. A part that does not listen has none.
type doors struct{ admin, reactor *door }

// movedTo returns the doors that cfg asks for: those that are open, whichever part had them, and new
// ones.
func (d doors) movedTo(cfg *config.Config) (next doors, err error) {
	if next.admin, err = d.at(cfg.Admin.Listen); err != nil {
		return doors{}, fmt.Errorf("[Admin] listen: %w", err)
	}
	if cfg.Hooks.On {
		next.reactor, err = d.at(cfg.Hooks.Listen)
	}
	if err != nil {
		next.shutUnless(d)
		if !errors.Is(err, errOwnPort) {
			err = fmt.Errorf("%w (do the older services still run?)", err)
		}
		return doors{}, fmt.Errorf("[Hooks] listen: %w", err)
	}
	return next, nil
}

// at returns the door at an address: an open one, or a new one. Without an address there is none.
func (d doors) at(address string) (*door, error) {
	if address == "" {
		return nil, nil
	}
	for _, open := range []*door{d.admin, d.reactor} {
		if open != nil && open.address == address {
			return open, nil
		}
	}
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) && (samePort(d.admin, address) || samePort(d.reactor, address)) {
		return nil, fmt.Errorf("%w: %w", err, errOwnPort)
	}
	if err != nil {
		return nil, err
	}
	return &door{address, l.(*net.TCPListener)}, nil
}

// errOwnPort refuses an address that differs in its host only from one that is open.
var errOwnPort = errors.New("this daemon itself has the port: restart the service for this change")

func samePort(open *door, address string) bool {
	if open == nil {
		return false
	}
	_, portA, errA := net.SplitHostPort(open.address)
	_, portB, errB := net.SplitHostPort(address)
	return errA == nil && errB == nil && portA == portB
}

// has reports whether one of the doors is o.
func (d doors) has(o *door) bool { return o != nil && (d.admin == o || d.reactor == o) }

// left returns former if no part of d has it, or nil. Its part shuts it then.
func (d doors) left(former *door) *door {
	if d.has(former) {
		return nil
	}
	return former
}

// tradedIn reports whether a part has in next the door that another part has in d.
func (d doors) tradedIn(next doors) bool {
	return next.admin != nil && next.admin == d.reactor || next.reactor != nil && next.reactor == d.admin
}

// shutUnless shuts the doors that are not among others.
func (d doors) shutUnless(others doors) {
	for _, o := range []*door{d.admin, d.reactor} {
		if !others.has(o) {
			o.shut()
		}
	}
}
