package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// callers is a listener to which the addresses connect in turn.
type callers struct {
	from []string
	all  []*call
}

// A call is one connection. Reading or writing it fails the test.
type call struct {
	net.Conn
	from   string
	closed bool
}

type origin string

func (origin) Network() string  { return "tcp" }
func (o origin) String() string { return string(o) }

func (c *call) RemoteAddr() net.Addr { return origin(c.from) }
func (c *call) Close() error         { c.closed = true; return nil }

var errNoMore = errors.New("no more calls")

func (c *callers) Accept() (net.Conn, error) {
	if len(c.from) == 0 {
		return nil, errNoMore
	}
	one := &call{from: c.from[0]}
	c.from, c.all = c.from[1:], append(c.all, one)
	return one, nil
}
func (c *callers) Close() error   { return nil }
func (c *callers) Addr() net.Addr { return origin("") }

// admit has the addresses connect and returns those of them that get in.
func admit(t *testing.T, l *Listener, from ...string) (in []net.Conn) {
	t.Helper()
	c := l.Listener.(*callers)
	c.from = from
	for {
		conn, err := l.Accept()
		if errors.Is(err, errNoMore) {
			return in
		}
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, conn)
	}
}

func addresses(conns []net.Conn) (all []string) {
	for _, c := range conns {
		all = append(all, c.RemoteAddr().String())
	}
	return all
}

func ignore(string, string) {}

func TestWhoMayConnect(t *testing.T) {
	const v4, mapped, v6, zone, other, near = "10.1.2.3:5", "[::ffff:10.1.2.3]:5", "[2001:db8::7]:5", "[fe80::1%eth0]:5", "192.0.2.1:5", "127.0.0.1:5"
	all := []string{v4, mapped, v6, zone, other, near}
	for name, c := range map[string]struct {
		allow []string
		want  []string
	}{
		"everyone":          {nil, all},
		"one address":       {[]string{"10.1.2.3/32"}, []string{v4, mapped}},
		"a network":         {[]string{"10.0.0.0/8"}, []string{v4, mapped}},
		"a network of IPv6": {[]string{"2001:db8::/32"}, []string{v6}},
		"several":           {[]string{"127.0.0.0/8", "192.0.2.0/24"}, []string{other, near}},
		"link-local":        {[]string{"fe80::/10"}, []string{zone}},
		"none of them":      {[]string{"198.51.100.0/24"}, nil},
	} {
		var allow []netip.Prefix
		for _, a := range c.allow {
			allow = append(allow, netip.MustParsePrefix(a))
		}
		refused := 0
		l := New(&callers{}, Limits{Allow: allow, Loopback: 9, PerSource: 9, Others: 9}, func(_, why string) {
			refused++
			if why != NotAllowed {
				t.Errorf("%s: %s", name, why)
			}
		})
		if got := addresses(admit(t, l, all...)); !slices.Equal(got, c.want) || refused != len(all)-len(c.want) {
			t.Errorf("%s: %v got in, want %v; %d refused", name, got, c.want, refused)
		}
		for _, one := range l.Listener.(*callers).all {
			if one.closed == slices.Contains(c.want, one.from) {
				t.Errorf("%s: closed is %v of %s", name, one.closed, one.from)
			}
		}
	}
	l := New(&callers{}, Limits{Loopback: 9, PerSource: 9, Others: 9}, ignore)
	if in := admit(t, l, "@", ""); len(in) > 0 {
		t.Errorf("%v got in", addresses(in))
	}
}

func TestOneSourceLeavesRoomForOthers(t *testing.T) {
	var reasons []string
	l := New(&callers{}, Limits{Loopback: 3, PerSource: 2, Others: 3}, func(from, why string) { reasons = append(reasons, from+" "+why) })
	in := admit(t, l, "10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", "10.0.0.2:1", "10.0.0.3:1")
	if got := addresses(in); !slices.Equal(got, []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1"}) {
		t.Errorf("%v got in", got)
	}
	if want := []string{"10.0.0.1 " + TooMany, "10.0.0.3 " + TooMany}; !slices.Equal(reasons, want) {
		t.Errorf("%q", reasons)
	}
	in[0].Close()
	in[0].Close() // counts once
	if got := addresses(admit(t, l, "10.0.0.2:2", "10.0.0.4:1")); !slices.Equal(got, []string{"10.0.0.2:2"}) {
		t.Errorf("then %v got in", got)
	}
}

func TestOneHostOfIPv6IsOneSource(t *testing.T) {
	l := New(&callers{}, Limits{PerSource: 2, Others: 9}, ignore)
	got := addresses(admit(t, l, "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "[2001:db8:0:1::1]:1"))
	if !slices.Equal(got, []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::1]:1"}) {
		t.Errorf("%v got in", got)
	}
}

func TestLoopbackIsNeverStarved(t *testing.T) {
	l := New(&callers{}, Limits{Loopback: 4, PerSource: 2, Others: 8}, ignore)
	var flood []string
	for i := range 1000 {
		flood = append(flood, fmt.Sprintf("10.0.%d.%d:1", i/250, i%250))
	}
	if in := admit(t, l, flood...); len(in) != 8 {
		t.Errorf("%d others got in", len(in))
	}
	got := addresses(admit(t, l, "127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "127.0.0.2:1"))
	if !slices.Equal(got, []string{"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
		t.Errorf("%v got in", got)
	}
}

// A burst from this host is longer than the limit: all get in, in their order.
func TestConnectionsOfThisHostWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var from []string
		for i := range 100 {
			from = append(from, fmt.Sprintf("127.0.0.1:%d", i+1))
		}
		l := New(&callers{from: from}, Limits{Loopback: 3, Patient: true, Others: 9, PerSource: 9}, func(from, _ string) { t.Errorf("%s is refused", from) })
		var got []string
		var open atomic.Int64
		most := int64(0)
		var serving sync.WaitGroup
		for {
			conn, err := l.Accept()
			if err != nil {
				break
			}
			got = append(got, conn.RemoteAddr().String())
			most = max(most, open.Add(1))
			serving.Go(func() {
				time.Sleep(time.Second)
				open.Add(-1)
				conn.Close()
			})
		}
		serving.Wait()
		if !slices.Equal(got, from) || most != 3 {
			t.Errorf("%d got in, %d at once", len(got), most)
		}
	})
}

func TestWhoWaitsEndsWithTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &callers{from: []string{"127.0.0.1:1", "127.0.0.1:2"}}
		l := New(c, Limits{Loopback: 1, Patient: true}, ignore)
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := l.Accept()
			ended <- err
		}()
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatal("the second gets in")
		}
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) || !c.all[1].closed {
			t.Errorf("%v, closed: %v", err, c.all[1].closed)
		}
	})
}

func TestSourcesAreForgotten(t *testing.T) {
	l := New(&callers{}, Limits{Loopback: 4, PerSource: 2, Others: 8}, ignore)
	for i := range 100 {
		for _, c := range admit(t, l, fmt.Sprintf("10.0.0.%d:1", i), "127.0.0.1:1") {
			c.Close()
		}
	}
	if len(l.open) > 0 || l.others != 0 {
		t.Errorf("%d sources and %d connections are remembered", len(l.open), l.others)
	}
}

func TestLocalListeners(t *testing.T) {
	for hostPort, want := range map[string]bool{
		"127.0.0.1:4000": true, "127.8.9.1:4000": true, "[::1]:4000": true, "[::ffff:127.0.0.1]:4000": true, "localhost:4000": true,
		"LOCALHOST:0": true, "localhost.:0": true,
		":4000": false, "0.0.0.0:4000": false, "[::]:4000": false, "[::ffff:0.0.0.0]:4000": false, "10.0.0.1:4000": false,
		"[2001:db8::1]:4000": false, "[fe80::1%lo]:4000": false, "ems.example.com:4000": false, "localhost.example.com:4000": false,
		"127.1:4000": false, "0:4000": false, "": false,
	} {
		if got := Local(hostPort); got != want {
			t.Errorf("%s: %v", hostPort, got)
		}
	}
}
