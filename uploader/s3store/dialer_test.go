package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/patience"
)

// attemptTime is the shortest that an attempt has, as the uploader gives it.
const attemptTime = 2 * time.Second

// A network is one with a DNS and hosts of its own, in the time of the test.
type network struct {
	mu      sync.Mutex
	names   map[string][]string // the addresses of a name, in the order in which DNS tells them
	asked   int                 // how often DNS was
	silent  bool                // DNS answers nothing
	failing error               // what DNS answers
	dead    map[string]bool     // addresses that answer nothing
	refuses map[string]bool     // addresses on which no one listens
	slow    map[string]time.Duration
	dialed  []string // without those that the dialer gave up before
}

func (n *network) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	n.asked++
	silent, failing, names := n.silent, n.failing, n.names[host]
	n.mu.Unlock()
	if silent {
		<-ctx.Done()
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true, IsTemporary: true}
	}
	if failing != nil {
		return nil, failing
	}
	var found []netip.Addr
	for _, a := range names {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, nil
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	n.mu.Lock()
	n.dialed = append(n.dialed, host)
	dead, refuses, slow := n.dead[host], n.refuses[host], n.slow[host]
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dialTime) // as newDialer's has
	defer cancel()
	if refuses {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	timer := time.NewTimer(slow)
	if dead {
		timer.Stop()
	}
	defer timer.Stop()
	select {
	case <-timer.C:
		client, server := net.Pipe()
		return &hostConn{client, host, server}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("dial tcp %s: i/o timeout", address)
	}
}

// A hostConn is one to a host of a network.
type hostConn struct {
	net.Conn
	host   string
	server net.Conn
}

func (c *hostConn) Close() error { return errors.Join(c.Conn.Close(), c.server.Close()) }

func (n *network) dialer() *dialer {
	d := newDialer()
	d.lookup, d.dial = n.lookup, n.dial
	return d
}

// connect dials as an attempt does, and returns the host that it got and how long it took.
func connect(t *testing.T, d *dialer) (host string, took time.Duration, err error) {
	t.Helper()
	began := time.Now()
	c, err := d.DialContext(t.Context(), "tcp", "store.test:443")
	if err == nil {
		host = c.(*hostConn).host
		c.Close()
	}
	return host, time.Since(began), err
}

func set(names ...string) map[string]bool {
	s := make(map[string]bool)
	for _, n := range names {
		s[n] = true
	}
	return s
}

// Whichever addresses of a name are dead: one attempt reaches one that is not, with more than half
// of its time left. The attempt after it does not wait for the dead ones again.
func TestDeadAddressCostsNoAttempt(t *testing.T) {
	const a, b, c, a6, b6 = "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"
	for name, n := range map[string]*network{
		"the first of two":          {names: map[string][]string{"store.test": {a, b}}, dead: set(a)},
		"two of three":              {names: map[string][]string{"store.test": {a, b, c}}, dead: set(a, b)},
		"all with IPv6":             {names: map[string][]string{"store.test": {a6, b6, a, b}}, dead: set(a6, b6)},
		"all with IPv4":             {names: map[string][]string{"store.test": {a, b, c, a6}}, dead: set(a, b, c)},
		"one, and one refuses":      {names: map[string][]string{"store.test": {a, b, c}}, dead: set(a), refuses: set(b)},
		"one is far away":           {names: map[string][]string{"store.test": {a, b}}, slow: map[string]time.Duration{a: time.Minute}},
		"IPv4 written as IPv6":      {names: map[string][]string{"store.test": {"::ffff:" + a, "::ffff:" + b}}, dead: set(a)},
		"none, and one is repeated": {names: map[string][]string{"store.test": {a, a, b}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := n.dialer()
				host, took, err := connect(t, d)
				if err != nil || n.dead[host] || n.refuses[host] || n.slow[host] > 0 || took > attemptTime/2 {
					t.Errorf("the first attempt reached %q after %v, %v", host, took, err)
				}
				for range 5 {
					if again, took, err := connect(t, d); err != nil || took > 0 {
						t.Errorf("a later attempt reached %q after %v, %v", again, took, err)
					}
				}
				if n.asked != 6 {
					t.Errorf("DNS was asked %d times in 6 attempts", n.asked)
				}
			})
		})
	}
}

// With more dead addresses than fit into one attempt, the next one starts with others.
func TestEachAttemptStartsWithOtherAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{names: map[string][]string{}, dead: map[string]bool{}}
		for i := range 20 {
			a := fmt.Sprintf("192.0.2.%d", i+1)
			n.names["store.test"], n.dead[a] = append(n.names["store.test"], a), i < 19
		}
		d := n.dialer()
		for attempt := range 4 {
			if host, _, err := connect(t, d); err == nil {
				if host != "192.0.2.20" {
					t.Errorf("reached %s", host)
				}
				return
			} else if attempt == 3 {
				t.Errorf("four attempts, and the one that works was not tried: %v", err)
			}
		}
	})
}

// An address that took the connection and then did not answer the request is not the first of the
// next one.
func TestAddressThatGaveNoAnswerComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{names: map[string][]string{"store.test": {"192.0.2.1", "192.0.2.2"}}}
		d := n.dialer()
		first, _, _ := connect(t, d)
		d.distrust(net.JoinHostPort(first, "443"))
		if second, _, err := connect(t, d); err != nil || second == first {
			t.Errorf("reached %s again, %v", second, err)
		}
		time.Sleep(distrustTime)
		if later, _, err := connect(t, d); err != nil || later != first {
			t.Errorf("after %v, reached %s, %v", distrustTime, later, err)
		}
	})
}

func TestDialFailsWhenAllAddressesAreDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{names: map[string][]string{"store.test": {"192.0.2.1", "192.0.2.2"}}, dead: set("192.0.2.1"), refuses: set("192.0.2.2")}
		_, took, err := connect(t, n.dialer())
		if err == nil || took >= attemptTime {
			t.Fatalf("after %v: %v", took, err)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "192.0.2.1:443: i/o timeout") {
			t.Errorf("%v does not tell why each address failed", err)
		}
		p := &progress{}
		_, err = n.dialer().DialContext(context.WithValue(t.Context(), progressKey{}, p), "tcp", "store.test:443")
		if phase, address := p.now(); err == nil || phase != Connecting || address != "192.0.2.1:443, 192.0.2.2:443" {
			t.Errorf("%v %s, %v", phase, address, err)
		}
	})
}

// The addresses that DNS told last serve while DNS is away, and a new address is used as soon as
// DNS tells it.
func TestNamesOutliveAnOutageOfDNS(t *testing.T) {
	for name, away := range map[string]func(n *network){
		"it is silent": func(n *network) { n.silent = true },
		"it fails":     func(n *network) { n.failing = &net.DNSError{Err: "server misbehaving", IsTemporary: true} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{names: map[string][]string{"store.test": {"192.0.2.1"}}}
				d := n.dialer()
				if _, _, err := connect(t, d); err != nil {
					t.Fatal(err)
				}
				away(n)
				if host, took, err := connect(t, d); err != nil || host != "192.0.2.1" || took > attemptTime/2 {
					t.Errorf("without DNS, reached %q after %v, %v", host, took, err)
				}
				time.Sleep(lookupTime)
				n.mu.Lock()
				n.silent, n.failing, n.names["store.test"] = false, nil, []string{"192.0.2.9"}
				n.mu.Unlock()
				if host, _, err := connect(t, d); err != nil || host != "192.0.2.9" {
					t.Errorf("with DNS again, reached %q, %v", host, err)
				}
				n.failing = &net.DNSError{Err: "no such host", IsNotFound: true}
				if host, _, err := connect(t, d); err == nil {
					t.Errorf("reached %q, a host of a name that is gone", host)
				}
			})
		})
	}
}

// A store whose first address is dead, over real sockets: each attempt arrives in its time.
func TestAttemptsReachAStoreWithADeadAddress(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	clock := patience.Start()
	t.Cleanup(clock.Stop)
	_, port, _ := strings.Cut(strings.TrimPrefix(server.Endpoint, "http://"), ":")
	for name, dead := range map[string][]string{"one": {"192.0.2.1"}, "two of each family": {"192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, "http://store.test:"+port)
			n := &network{names: map[string][]string{"store.test": append(slices.Clone(dead), "127.0.0.1")}, dead: set(dead...)}
			d := s.client.Options().HTTPClient.(*client).dialer
			d.lookup = n.lookup
			reach := d.dial
			d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if host, _, _ := net.SplitHostPort(address); n.dead[host] {
					return n.dial(ctx, network, address)
				}
				return reach(ctx, network, address)
			}
			for i := range 4 {
				o := object(fmt.Sprint(i), strings.NewReader("x"), 1)
				o.FreshConnection = i%2 == 1
				ctx, cancel := patientContext(t.Context(), clock, attemptTime)
				if err := s.Put(ctx, o); err != nil {
					t.Errorf("attempt %d: %v", i, err)
				}
				cancel()
			}
		})
	}
}

// patientContext returns a context that ends after a time on the clock, which slows down with the machine. cancel
// ends it at once.
func patientContext(ctx context.Context, clock *patience.Clock, limit time.Duration) (_ context.Context, cancel func()) {
	ctx, end := context.WithCancel(ctx)
	passed := clock.Deadline(limit)
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for !passed() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		end()
	})
	return ctx, func() { end(); watch.Wait() }
}

// The error of a request tells how far it came.
func TestErrorsTellTheirPhase(t *testing.T) {
	t.Parallel()
	silent := impolite(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	deaf := impolite(t, func(c net.Conn) { <-t.Context().Done() }) // reads nothing
	clock := patience.Start()
	t.Cleanup(clock.Stop)
	unanswered := func(t *testing.T, endpoint string, n *network, body int) *UnansweredError {
		t.Helper()
		s := open(t, endpoint, func(to *Settings) { to.PartSize = 64 << 20 })
		d := s.client.Options().HTTPClient.(*client).dialer
		if n != nil {
			d.lookup, d.dial = n.lookup, n.dial
		}
		limit := 300 * time.Millisecond
		if body > 1 {
			limit += 3 * time.Second // for one of which the client waits whether the store wants a large body at all
		}
		ctx, cancel := patientContext(t.Context(), clock, limit)
		defer cancel()
		err := s.Put(ctx, object("k", strings.NewReader(strings.Repeat("x", body)), int64(body)))
		var u *UnansweredError
		if !errors.As(err, &u) {
			t.Fatalf("%v tells no phase", err)
		}
		return u
	}
	names := map[string][]string{"store.test": {"192.0.2.1"}}
	for _, c := range []struct {
		endpoint string
		network  *network
		body     int
		phase    Phase
		address  string
	}{
		{"http://store.test:80", &network{silent: true}, 1, Resolving, "store.test"},
		{"http://store.test:80", &network{failing: &net.DNSError{Err: "no such host", IsNotFound: true}}, 1, Resolving, "store.test"},
		{"http://store.test:80", &network{names: names, dead: set("192.0.2.1")}, 1, Connecting, "192.0.2.1:80"},
		{"http://store.test:80", &network{names: names, refuses: set("192.0.2.1")}, 1, Connecting, "192.0.2.1:80"},
		{"https://" + silent, nil, 1, Handshaking, silent},
		{"http://" + deaf, nil, 16 << 20, Sending, deaf},
		{"http://" + silent, nil, 1, Waiting, silent},
	} {
		t.Run(fmt.Sprint(c.phase, " ", c.endpoint), func(t *testing.T) {
			t.Parallel()
			if u := unanswered(t, c.endpoint, c.network, c.body); u.Phase != c.phase || u.Address != c.address {
				t.Errorf("%v %s, want %v %s", u.Phase, u.Address, c.phase, c.address)
			}
		})
	}
}

// impolite starts a server that does with each connection what serve does, and returns its address.
func impolite(t *testing.T, serve func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String()
}

func TestCloseEndsLookupsAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{silent: true}
		d := n.dialer()
		var running atomic.Int32
		d.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			running.Add(1)
			defer running.Add(-1)
			return n.lookup(ctx, host)
		}
		ctx, cancel := context.WithTimeout(t.Context(), attemptTime)
		defer cancel()
		if _, err := d.DialContext(ctx, "tcp", "store.test:443"); err == nil {
			t.Fatal("connected without an address")
		}
		if running.Load() != 1 {
			t.Fatal("the lookup does not outlive its request")
		}
		began := time.Now()
		d.Close()
		if n := running.Load(); n != 0 || time.Since(began) > 0 {
			t.Errorf("Close left %d lookups, after %v", n, time.Since(began))
		}
		if _, err := d.DialContext(t.Context(), "tcp", "store.test:443"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a lookup after Close: %v", err)
		}
		d.Close()
	})
}
