package s3store

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// The times nest. That of one address is less than that of the shortest attempt (2 s), which must
// suffice for several addresses and for the request itself.
const (
	dialTime = 1500 * time.Millisecond // for one address
	// dialPause is how long an address may be silent before the next one is tried as well (RFC
	// 8305, section 5).
	dialPause = 250 * time.Millisecond
	// distrustTime is how long an address that failed is tried after the others.
	distrustTime = time.Minute
	// lookupPatience is how long DNS may take before the addresses of the last lookup are used.
	lookupPatience = 500 * time.Millisecond
	lookupTime     = 10 * time.Second
)

// A dialer connects to an address of a name that answers. It looks the name up each time, and
// starts with an address that did not fail lately. It is safe for concurrent use.
type dialer struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)

	open    context.Context // until Close
	close   context.CancelFunc
	lookups sync.WaitGroup // in flight

	mu     sync.Mutex              // guards what follows, and that no lookup begins after Close
	names  map[string][]netip.Addr // by the last lookup
	failed map[string]time.Time    // when it failed, by address and port
}

func newDialer() *dialer {
	d := net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}
	open, end := context.WithCancel(context.Background())
	return &dialer{
		open: open, close: end,
		lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		dial: d.DialContext,
	}
}

// DialContext is for http.Transport, which does not cancel ctx before the connection is made or has
// failed.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	p := progressOf(ctx)
	p.enter(Resolving, host)
	found, err := d.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, a := range interleaved(found) {
		addresses = append(addresses, net.JoinHostPort(a.String(), port))
	}
	addresses = d.trustedFirst(addresses)
	return d.race(ctx, network, addresses[:min(len(addresses), maxDials)], p)
}

// addresses returns those of host, at least one. If DNS does not answer in time, or fails, it
// returns those of the last lookup.
func (d *dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	answers, err := d.ask(ctx, host)
	if err != nil {
		return nil, err
	}
	known := d.known(host)
	var late <-chan time.Time
	if known != nil {
		late = time.After(lookupPatience)
	}
	select {
	case a := <-answers:
		var dns *net.DNSError
		if a.err != nil && known != nil && !(errors.As(a.err, &dns) && dns.IsNotFound) {
			return known, nil
		}
		return a.addresses, a.err
	case <-late:
		return known, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// A dnsAnswer is what a lookup found.
type dnsAnswer struct {
	addresses []netip.Addr
	err       error
}

// ask looks host up. The lookup goes on after ctx, for the next request. It ends within lookupTime,
// or with Close. Go's resolver makes one request of simultaneous lookups of a name.
func (d *dialer) ask(ctx context.Context, host string) (<-chan dnsAnswer, error) {
	answers := make(chan dnsAnswer, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open.Err() != nil {
		return nil, net.ErrClosed
	}
	d.lookups.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		defer context.AfterFunc(d.open, cancel)()
		found, err := d.lookup(ctx, host)
		if err == nil && len(found) == 0 {
			err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
		}
		if err == nil {
			d.remember(host, found)
		}
		answers <- dnsAnswer{found, err}
	})
	return answers, nil
}

// Close ends the lookups in flight, and waits for them. No other begins after it.
func (d *dialer) Close() {
	d.mu.Lock()
	d.close()
	d.mu.Unlock()
	d.lookups.Wait()
}

func (d *dialer) known(host string) []netip.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[host]
}

func (d *dialer) remember(host string, found []netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names == nil || len(d.names) >= maxNames {
		d.names = make(map[string][]netip.Addr)
	}
	d.names[host] = found
}

// interleaved returns addresses with the families in turn, so that a family that does not work at
// all delays little (RFC 8305, section 4).
func interleaved(addresses []netip.Addr) (all []netip.Addr) {
	var first, second []netip.Addr
	for _, a := range addresses {
		if a = a.Unmap(); len(first) == 0 || a.Is4() == first[0].Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			all = append(all, first[i])
		}
		if i < len(second) {
			all = append(all, second[i])
		}
	}
	return all
}

// trustedFirst returns addresses with those that failed lately at the end, the latest failure last.
func (d *dialer) trustedFirst(addresses []string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := func(address string) time.Time {
		if at := d.failed[address]; time.Since(at) < distrustTime {
			return at
		}
		return time.Time{}
	}
	slices.SortStableFunc(addresses, func(a, b string) int { return since(a).Compare(since(b)) })
	return addresses
}

// distrust notes that an address did not work.
func (d *dialer) distrust(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == nil || len(d.failed) >= maxNames {
		d.failed = make(map[string]time.Time)
	}
	d.failed[address] = time.Now()
}

func (d *dialer) trust(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failed, address)
}

// race returns the first connection to one of addresses. It tries them in order, each when the one
// before has failed or takes long.
func (d *dialer) race(ctx context.Context, network string, addresses []string, p *progress) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	type outcome struct {
		number int
		conn   net.Conn
		err    error
	}
	outcomes := make(chan outcome, len(addresses))
	running := make(map[int]bool)
	defer func() {
		cancel()
		for range running { // they end at once
			if o := <-outcomes; o.conn != nil {
				o.conn.Close()
			}
		}
	}()
	turn := time.NewTimer(0)
	defer turn.Stop()
	started := 0
	var failures dialErrors
	for len(failures) < len(addresses) {
		select {
		case <-turn.C:
			if started == len(addresses) {
				continue
			}
			number := started
			p.enter(Connecting, strings.Join(addresses[:number+1], ", "))
			go func() {
				c, err := d.dial(ctx, network, addresses[number])
				outcomes <- outcome{number, c, err}
			}()
			running[number] = true
			started++
			turn.Reset(dialPause)
		case o := <-outcomes:
			delete(running, o.number)
			if o.err == nil {
				for number := range running {
					if number < o.number { // it had more time
						d.distrust(addresses[number])
					}
				}
				d.trust(addresses[o.number])
				p.enter(Connecting, addresses[o.number])
				return o.conn, nil
			}
			d.distrust(addresses[o.number])
			failures = append(failures, o.err)
			turn.Reset(0)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if len(failures) == 1 {
		return nil, failures[0]
	}
	return nil, failures
}

// dialErrors are those of all addresses of a name.
type dialErrors []error

func (e dialErrors) Error() string {
	var texts []string
	for _, err := range e {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns why no address answers.
func (e dialErrors) Unwrap() []error { return e }
