package hooks

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/trouble"
)

// An addressBook knows which names and addresses stand for the same host. It may be used from any
// goroutine.
type addressBook struct {
	own    []string // names and addresses of this server beside those of its interfaces
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	local  func() ([]net.Addr, error)
	bridge func() []netip.Addr // addresses of the machine's own bridges
	names  *nameCache
}

func newAddressBook(t *trouble.Reporter, own ...string) *addressBook {
	b := &addressBook{own: own, lookup: net.DefaultResolver.LookupNetIP, local: net.InterfaceAddrs,
		bridge: bridges, names: newNameCache(t)}
	b.trust(own...)
	return b
}

// trust has hosts that the config names looked up whenever that is needed.
func (b *addressBook) trust(hosts ...string) { b.names.trust(hosts) }

// of returns the addresses of host: none if it is a name that cannot be looked up now.
func (b *addressBook) of(ctx context.Context, host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}
	}
	return b.names.of(host, func(timeout time.Duration) ([]netip.Addr, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return b.lookup(ctx, "ip", host)
	})
}

// same reports whether a and b are the same host.
func (b *addressBook) same(ctx context.Context, a, c string) bool {
	if a == "" || c == "" {
		return false
	}
	if strings.EqualFold(a, c) {
		return true
	}
	other := b.of(ctx, c)
	return slices.ContainsFunc(b.of(ctx, a), func(a netip.Addr) bool { return slices.Contains(other, a) })
}

// isOwn reports whether host is this server. Every server has the loopback addresses: only those
// that we were told of are this one's.
func (b *addressBook) isOwn(ctx context.Context, host string) bool {
	for _, o := range b.own {
		if b.same(ctx, host, o) {
			return true
		}
	}
	interfaces, err := b.local()
	if err != nil {
		return false
	}
	_, literal := netip.ParseAddr(host)
	for _, a := range b.of(ctx, host) {
		if a.IsLoopback() && literal != nil {
			return true // a host's own name may stand for that
		}
		for _, i := range interfaces {
			if p, err := netip.ParsePrefix(i.String()); err == nil && p.Addr().Unmap() == a && !a.IsLoopback() {
				return true
			}
		}
	}
	return false
}

// isBridge reports whether a is an address that containers or virtual machines on this host use
// only.
func (b *addressBook) isBridge(a netip.Addr) bool { return slices.Contains(b.bridge(), a) }

// bridges returns the addresses of what container engines and hypervisors make, which have them on
// each host.
func bridges() (found []netip.Addr) {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		isNamed := func(prefix string) bool { return strings.HasPrefix(i.Name, prefix) }
		if !slices.ContainsFunc([]string{"docker", "br-", "veth", "virbr", "cni", "podman", "lxc", "lxd"}, isNamed) {
			continue
		}
		addresses, _ := i.Addrs() // of one that is gone meanwhile there are none
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				found = append(found, p.Addr().Unmap())
			}
		}
	}
	return found
}

// IsOwn reports whether a destination is the server with this API, which others reach under the
// address advertise.
func IsOwn(ctx context.Context, host string, api config.URI, advertise string) bool {
	own := []string{advertise}
	if u, err := url.Parse(api.Reveal()); err == nil {
		own = append(own, u.Hostname())
	}
	return newAddressBook(trouble.New(slog.New(slog.DiscardHandler), time.Now), own...).isOwn(ctx, host)
}

// An endpoint is what an RTMP URI leads to, without the stream's name.
type endpoint struct{ scheme, host, port, app string }

// endpointOf returns what uri leads to; ok is false if it is no URI of a host.
func endpointOf(uri string) (e endpoint, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return e, false
	}
	e = endpoint{strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port(), strings.Trim(u.EscapedPath(), "/")}
	if e.port == "" && e.scheme == "rtmp" {
		e.port = rtmpPort
	}
	return e, true
}

const rtmpPort = "1935"

// playerAgent and pusherAgent are the user agents with which a media server meets another one.
const (
	playerAgent = "EvoStream Media Server (www.evostream.com) player"
	pusherAgent = "EvoStream Media Server (www.evostream.com)"
)
