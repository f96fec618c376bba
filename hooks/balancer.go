package hooks

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
)

// The variables of a copy: the address of the server on which its stream originates, and by whom it
// was ordered.
const (
	originVariable = "origin"
	ownerVariable  = "owner"
)

// A group is the servers that carry each other's streams.
type group struct {
	advertise string // empty: the address at which the publisher met this server
	owner     string // by which we know our copies: several servers may have one address, of a bridge or a virtual one
	hosts     *addressBook
	members   []string // hosts
	diary     *diary
}

// newMembers returns the servers of the group. The first look finds out which one is this server.
func newMembers(c *config.Balancer, s Settings, hosts *addressBook, d *diary, j backoff.Jitter) ([]*member, error) {
	if c.Advertise != "" {
		hosts = newAddressBook(d.Reporter, append(hosts.own, c.Advertise)...)
	}
	g := &group{advertise: c.Advertise, owner: c.Advertise, hosts: hosts, diary: d}
	if g.owner == "" {
		g.owner = s.Host + "/" + s.APIHost
	}
	var members []*member
	for _, uri := range c.Destinations {
		api, err := MemberAPI(c, uri, s.Timeout)
		if err != nil {
			return nil, fmt.Errorf("[StreamLoadBalancer] destination_uri %s: %w", uri, err)
		}
		g.members = append(g.members, api.Host())
		hosts.trust(api.Host())
		members = append(members, newMember(g, api.Host(), api, s.Interval, j))
	}
	return members, nil
}

// The ports at which a server's API is: straight, and behind its web server, which asks for a
// password.
const (
	apiPort   = "7777"
	proxyPort = "8888"
)

// MemberAPI returns a client of a destination's API. It makes no request.
func MemberAPI(c *config.Balancer, destination config.URI, timeout time.Duration) (*emsapi.Client, error) {
	return emsapi.New(emsapi.Settings{
		URL:      memberURL(destination.Reveal(), c.Username != ""),
		Username: c.Username, Password: c.Password.Reveal(), Timeout: timeout,
	})
}

// memberURL returns the URL of a destination's API.
func memberURL(destination string, password bool) string {
	scheme, rest, ok := strings.Cut(destination, "://")
	if !ok {
		scheme, rest = "", destination
	}
	u, err := url.Parse("//" + bracketed(rest))
	if err != nil || scheme == "http" || scheme == "https" {
		return destination
	}
	// An address, or where the stream would be.
	u.Scheme, u.Path, u.RawQuery = "http", "", ""
	if scheme != "" || u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), apiPort)
		if password || u.User != nil {
			u.Host = net.JoinHostPort(u.Hostname(), proxyPort)
		}
	}
	if u.Port() == proxyPort {
		u.Path = "/apiproxy"
	}
	return u.String()
}

// origins returns the streams that originate here, and under which URI the others reach each.
func (g *group) origins(ctx context.Context, v *view) map[string]string {
	found := make(map[string]string)
	for _, s := range v.inbound() {
		if g.isCopy(ctx, s) {
			continue
		}
		address := g.advertised(ctx, s)
		if address == "" {
			continue
		}
		if strings.ContainsAny(s.Name, "/?#") {
			g.diary.Begin(notBalanceable, trouble.At{Stream: s.Name}, "err", "its name cannot stand in a URI",
				"next", "it is left out; publish it under a name without / ? and #")
			continue
		}
		found[s.Name] = address
	}
	return found
}

// isCopy reports whether a stream comes from a server of the group: a copy is not copied again.
func (g *group) isCopy(ctx context.Context, s *emsapi.Stream) bool {
	if s.Pull != nil {
		if _, balanced := s.Pull.Variables[localStreamName]; balanced {
			return true
		}
		e, ok := endpointOf(s.Pull.URI)
		return ok && g.isMember(ctx, e.host)
	}
	return s.ConnectionType == emsapi.Plain && s.UserAgent == pusherAgent && g.isMember(ctx, s.FarIP)
}

func (g *group) isMember(ctx context.Context, host string) bool {
	for _, m := range g.members {
		if g.hosts.same(ctx, host, m) {
			return true
		}
	}
	return false
}

// advertised returns the address under which the others reach a stream, or "" if it is not known.
func (g *group) advertised(ctx context.Context, s *emsapi.Stream) string {
	if g.advertise != "" {
		return g.advertise
	}
	if a, err := netip.ParseAddr(s.NearIP); err == nil && !a.Unmap().IsLoopback() && !a.IsUnspecified() {
		if !g.hosts.isBridge(a.Unmap()) {
			return a.Unmap().String()
		}
	}
	g.diary.Begin(unreachable, trouble.At{}, shown(s.Name), "near_ip", s.NearIP,
		"next", "it is left out, as others like it", "hint", "set advertise in [StreamLoadBalancer]")
	return ""
}

// isOurs reports whether we ordered a pull at a member, whatever address was advertised then.
func (g *group) isOurs(p *emsapi.Pull) bool { return p.Variables[ownerVariable] == g.owner }

// uriOf is where a stream of this server is.
func uriOf(address, name string) string {
	return "rtmp://" + net.JoinHostPort(address, rtmpPort) + "/live/" + name
}
