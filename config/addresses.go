package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// The parsers of URLs, hosts and networks.

func endpoint(value string) (string, string) {
	u, ok := webURL(value)
	switch {
	case ok && u.User != nil:
		return "", "must not have credentials in it: set aws_access_key and aws_secret_key"
	case ok && u.RawQuery == "" && u.Fragment == "":
		return strings.TrimRight(value, "/"), ""
	}
	if _, want := hostPort(value); want == "" && !strings.Contains(value, "@") {
		return "", "must be a URL: write https://" + value
	}
	return "", "must be a URL, such as https://host:port"
}

// player parses from where streams are played.
func player(value string) (string, string) {
	if strings.EqualFold(value, PlayerDaemon) {
		return PlayerDaemon, ""
	}
	u, ok := webURL(value)
	if !ok || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(value, " ;,'\"") {
		return "", "must be daemon, or a URL such as https://cdn.example.com"
	}
	return strings.TrimRight(value, "/") + "/", ""
}

func apiURL(value string) (URI, string) {
	if _, ok := webURL(value); !ok {
		return "", "must be a URL, such as http://127.0.0.1:7777"
	}
	return URI(strings.TrimRight(value, "/")), ""
}

func webURL(value string) (*url.URL, bool) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, false
	}
	return u, true
}

// destination parses another server: a name, an address or a URI.
func destination(value string) (URI, string) {
	const want = "must be a host's name or address, or a URI such as rtmp://host/live"
	if _, bad := word(value); bad != "" {
		return "", want
	}
	if strings.Contains(value, "://") {
		if u, err := url.Parse(value); err != nil || u.Hostname() == "" {
			return "", want
		}
	}
	return URI(value), ""
}

func hostPort(value string) (string, string) {
	const want = "must be host:port, such as 127.0.0.1:4000"
	host, port, err := net.SplitHostPort(value)
	if err != nil || strings.ContainsFunc(host, unicode.IsSpace) || strings.Contains(host, "/") {
		return "", want
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", want
	}
	return value, ""
}

func urlPath(value string) (string, string) {
	slashes := strings.HasPrefix(value, "/") && strings.HasSuffix(value, "/")
	if !slashes || strings.ContainsAny(value, " ?#%\\") {
		return "", "must begin and end with a slash, such as /evowebservices/"
	}
	return value, ""
}

// network parses an address or a range of addresses.
func network(value string) (netip.Prefix, string) {
	if addr, err := netip.ParseAddr(value); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), ""
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return p, "must be an IP address or a network, such as 10.0.0.0/8"
	}
	const mapped = 96 // bits before an IPv4 address; connections over IPv4 are compared as IPv4
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p.Masked(), ""
}

// urlSecret parses a secret that is a part of a path. Dots alone would change the path.
func urlSecret(value string) (Secret, string) {
	odd := func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("._~-", r) }
	if strings.ContainsFunc(value, odd) || strings.Trim(value, ".") == "" && value != "" {
		return "", "may have letters, digits and . _ ~ - only, since it is a part of a URL"
	}
	return Secret(value), ""
}
