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

// The times nest: that of one address is less than that of the shortest attempt (2 s), in which
// several addresses get their turn, and the rest of the request, too.
const (
	dialTime = 1500 * time.Millisecond // for one address
	// The next address gets its turn when the one before has not answered for so long (RFC 8305,
	// section 5).
	dialPause = 250 * time.Millisecond
	// An address that failed is tried after the others for so long.
	distrustTime = time.Minute
	// A name that was looked up before is waited for so long before its former addresses serve.
	lookupPatience = 500 * time.Millisecond
	lookupTime     = 10 * time.Second
)

// A dialer connects to that address of a name which answers. It asks for the addresses each time,
// and starts with one that did not fail lately. It is safe for concurrent use.
type dialer struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)

	open    context.Context // until Close
	close   context.CancelFunc
	lookups sync.WaitGroup // those in flight

	mu     sync.Mutex              // guards what follows, and that none is added to lookups after Close
	names  map[string][]netip.Addr // what the last lookup said
	failed map[string]time.Time    // when, by address and port
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

// DialContext is http.Transport's, which never ends ctx before the connection is there or has
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

// addresses returns those of host, at least one. If DNS does not answer in time, or only with a
// failure of its own, they are those that it said last.
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

// ask looks host up. The lookup goes on when ctx ends, for the next request. It ends within lookupTime, or
// with the dialer. Go's resolver answers all who ask for a name at the same time together.
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

// Close ends the lookups in flight, and waits for them. No other begins.
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

// interleaved returns addresses with the families in turn, so that a whole family that leads
// nowhere delays little (RFC 8305, section 4).
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

// trustedFirst returns addresses with those last that failed lately, the latest failure at the end.
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

// distrust notes that an address leads nowhere.
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

// race returns the first connection to one of addresses. They start in their order, each when the
// one before has failed or takes long.
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
		for range running { // the dialers end at once
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
					if number < o.number { // it had the longer time
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
