package hooks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOwnAddresses(t *testing.T) {
	b := newAddressBook(quiet("x").Reporter, "127.0.0.1", "ems1.example.com")
	b.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if strings.EqualFold(host, "ems1.example.com") { // names of DNS have no case
			return []netip.Addr{netip.MustParseAddr("198.51.100.7")}, nil
		}
		return nil, errors.New("no such host")
	}
	b.local = func() ([]net.Addr, error) {
		_, loop, _ := net.ParseCIDR("127.0.0.3/8")
		return []net.Addr{
			&net.IPNet{IP: net.ParseIP("127.0.0.3"), Mask: loop.Mask},
			&net.IPNet{IP: net.ParseIP("192.168.2.58"), Mask: net.CIDRMask(24, 32)},
			&net.IPNet{IP: net.ParseIP("2001:db8::1"), Mask: net.CIDRMask(64, 128)},
		}, nil
	}
	for host, own := range map[string]bool{
		"127.0.0.1": true, "192.168.2.58": true, "::ffff:192.168.2.58": true, "2001:db8::1": true, "EMS1.example.com": true, "198.51.100.7": true,
		"127.0.0.2": false, "127.0.0.3": false, "192.168.2.38": false, "ems2.example.com": false, "": false,
	} {
		if got := b.isOwn(t.Context(), host); got != own {
			t.Errorf("%q is own: %v", host, got)
		}
	}
}

func TestAddressesOutliveAnOutageOfTheNameService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAddressBook(quiet("x").Reporter)
		asked, down := 0, false
		b.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
			asked++
			if down {
				return nil, errors.New("timeout")
			}
			return []netip.Addr{netip.MustParseAddr("198.51.100.7")}, nil
		}
		for range 10 {
			if !b.same(t.Context(), "ems2", "198.51.100.7") {
				t.Fatal("not the same")
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		down = true
		time.Sleep(2 * addressesLast)
		if !b.same(t.Context(), "ems2", "198.51.100.7") || asked != 2 {
			t.Errorf("forgotten, after %d questions", asked)
		}
	})
}

func TestMemberAddresses(t *testing.T) {
	for _, c := range []struct {
		destination string
		password    bool
		api         string
	}{
		{"192.168.2.39", false, "http://192.168.2.39:7777"},
		{"192.168.2.39", true, "http://192.168.2.39:8888/apiproxy"},
		{"ems2:7000", false, "http://ems2:7000"},
		{"ems2:8888", true, "http://ems2:8888/apiproxy"},
		{"user:word@ems2", false, "http://user:word@ems2:8888/apiproxy"},
		{"rtmp://ems2/live", false, "http://ems2:7777"},
		{"http://user:word@ems2:8888/apiproxy", false, "http://user:word@ems2:8888/apiproxy"},
		{"2001:db8::2", false, "http://[2001:db8::2]:7777"},
	} {
		if api := memberURL(c.destination, c.password); api != c.api {
			t.Errorf("%s: %s", c.destination, api)
		}
	}
}
