// Package listen decides who may connect to a listener, before a byte is read.
//
// Whether a config may open a listener at all is the business of the package config, and what is
// asked over a connection that of its server.
package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// Server is what the daemon calls itself in the header Server of its answers: "ems-sidecar check" tells
// by it whether the daemon has a port, or another program.
const Server = "ems-sidecar"

// Limits say who may connect. Connections beyond them are closed at once.
type Limits struct {
	Allow     []netip.Prefix // empty: everyone
	Loopback  int            // connections at once from this host, which no other host uses up
	Patient   bool           // those of this host beyond that wait, and all after them
	PerSource int            // from one other source: an IPv4 address, or a /64 of IPv6, which one host has
	Others    int            // from all other sources together
}

// A Listener lets those in who may connect. Create it with New.
type Listener struct {
	net.Listener
	limits  Limits
	refused func(from, why string)

	closed   context.Context
	close    context.CancelFunc
	room     chan struct{} // holds one when a connection of this host was closed
	counting sync.Mutex
	open     map[netip.Prefix]int
	others   int
}

// Why a connection is refused.
const (
	NotAllowed = "this address is not in allow[]"
	TooMany    = "too many connections from there at once"
)

// New returns a listener that accepts from l within the limits. It calls refused with each
// connection that it closes: the address and one of the reasons above. The call must not block.
func New(l net.Listener, limits Limits, refused func(from, why string)) *Listener {
	closed, cancel := context.WithCancel(context.Background())
	return &Listener{
		Listener: l, limits: limits, refused: refused, closed: closed, close: cancel,
		room: make(chan struct{}, 1), open: make(map[netip.Prefix]int),
	}
}

// Close ends Accept, also where it waits for room.
func (l *Listener) Close() error {
	l.close()
	return l.Listener.Close()
}

// Accept returns the next connection that may be served.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, ok := address(conn.RemoteAddr())
		if !ok || !Allowed(l.limits.Allow, from) {
			l.refuse(conn, from, NotAllowed)
			continue
		}
		source := sourceOf(from)
		entered := l.enter(source)
		for !entered && source == loopback && l.limits.Patient {
			select {
			case <-l.room:
				entered = l.enter(source)
			case <-l.closed.Done():
				return nil, errors.Join(net.ErrClosed, conn.Close())
			}
		}
		if !entered {
			l.refuse(conn, from, TooMany)
			continue
		}
		return &admitted{Conn: conn, leave: sync.OnceFunc(func() { l.leave(source) })}, nil
	}
}

func (l *Listener) refuse(conn net.Conn, from netip.Addr, why string) {
	l.refused(from.String(), why)
	_ = conn.Close() // nothing was sent
}

// Allowed reports whether addr is in one of the networks, or there are none.
func Allowed(networks []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return len(networks) == 0 || slices.ContainsFunc(networks, func(p netip.Prefix) bool {
		return p.Contains(addr)
	})
}

// loopback is the source that all addresses of this host's own are.
var loopback = netip.MustParsePrefix("::1/128")

func sourceOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	if addr.IsLoopback() {
		return loopback
	}
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // cannot fail: the address is valid and has as many bits
	return p
}

func address(a net.Addr) (netip.Addr, bool) {
	p, err := netip.ParseAddrPort(a.String())
	return p.Addr(), err == nil
}

// enter counts a connection if there is room for it.
func (l *Listener) enter(source netip.Prefix) bool {
	l.counting.Lock()
	defer l.counting.Unlock()
	if source == loopback {
		if l.open[source] >= l.limits.Loopback {
			return false
		}
	} else {
		if l.open[source] >= l.limits.PerSource || l.others >= l.limits.Others {
			return false
		}
		l.others++
	}
	l.open[source]++
	return true
}

func (l *Listener) leave(source netip.Prefix) {
	l.counting.Lock()
	defer l.counting.Unlock()
	if source == loopback {
		select {
		case l.room <- struct{}{}:
		default:
		}
	} else {
		l.others--
	}
	if l.open[source]--; l.open[source] == 0 {
		delete(l.open, source)
	}
}

// admitted is a connection that is counted until it is closed.
type admitted struct {
	net.Conn
	leave func()
}

func (c *admitted) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

// Local reports whether only this host reaches a listener at host:port. It looks no name up: that
// of another address than localhost's is taken for one that others reach.
func Local(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}
