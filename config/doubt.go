package config

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// doubt returns what is probably not meant in a value that is right, or "".
func (k key) doubt(raw, value string) string {
	if n, err := strconv.ParseFloat(value, 64); err == nil && k.seconds > 0 && n >= k.seconds {
		return "is " + value + " seconds: write " + value + "ms if milliseconds are meant, else " + value + "s"
	}
	if k.doubtsWord(value) {
		return "counts as disabled: write enabled or disabled"
	}
	// A comment has a blank before or after its semicolon.
	before, rest, _ := strings.Cut(raw, ";")
	quoted := strings.HasPrefix(raw, "'") || strings.HasPrefix(raw, `"`)
	if quoted || rest == "" || before == "" {
		return ""
	}
	last, next := rune(before[len(before)-1]), rune(rest[0])
	if (k.secret || strings.Contains(rest, "@")) && !unicode.IsSpace(last) && !unicode.IsSpace(next) {
		return "ends at the semicolon: put it in quotes if the semicolon belongs to it"
	}
	return ""
}

// doubtsWord reports whether a switch of [Plugins] has a word that probably means enabled, such as on.
func (k key) doubtsWord(value string) bool {
	if k.words[0] != "enabled" || value == "" {
		return false
	}
	enabled, _ := enabledWord(value)
	on, unknown := boolean(value)
	return !enabled && (on || unknown != "")
}

// WithoutBucket returns the endpoint without the bucket if the endpoint has it, as some providers
// show it: https://ACCOUNT.r2.cloudflarestorage.com/BUCKET or
// https://BUCKET.nyc3.digitaloceanspaces.com. Else it returns "".
func (u Upload) WithoutBucket() string {
	e, err := url.Parse(u.Endpoint)
	if err != nil || u.Bucket == "" {
		return ""
	}
	if dir, last := path.Split(e.Path); last == u.Bucket {
		e.Path = strings.TrimSuffix(dir, "/")
		return e.String()
	}
	// A private store's host may begin with the bucket's name by chance. A bucket's host at a
	// provider has at least four labels.
	const labels = 4
	host, ok := strings.CutPrefix(e.Host, u.Bucket+".")
	_, notAddress := netip.ParseAddr(e.Hostname())
	if notAddress == nil || !ok || strings.Count(e.Hostname(), ".") < labels-1 {
		return ""
	}
	e.Host = host
	return e.String()
}

// doubtEndpoint warns of an endpoint with the bucket in it.
func (u *Upload) doubtEndpoint(d *decoder) {
	if right := u.WithoutBucket(); right != "" {
		d.warn(u.home(d, "endpoint"), "endpoint", u.Endpoint,
			"has the bucket in it, so that each key begins with it, too: write "+right)
	}
}

// checkPorts reports two listeners on one port.
func (c *Config) checkPorts(d *decoder) {
	if !c.Hooks.On || c.Admin.Listen == "" || !samePort(c.Hooks.Listen, c.Admin.Listen) {
		return
	}
	section, other, listen := "Admin", "Hooks", c.Admin.Listen
	if !d.sets(section, "listen") {
		section, other, listen = "Hooks", "Admin", c.Hooks.Listen
	}
	d.bad(section, "listen", listen, "is the port of ["+other+"] listen, too: change one of them")
}

// samePort reports whether two listeners exclude each other.
func samePort(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	numberA, _ := strconv.ParseUint(portA, 10, 16) // hostPort has parsed them
	numberB, _ := strconv.ParseUint(portB, 10, 16)
	if errA != nil || errB != nil || numberA != numberB || numberA == 0 {
		return false
	}
	all := func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host == "" || err == nil && ip.IsUnspecified()
	}
	plain := func(host string) string {
		if strings.EqualFold(host, "localhost") {
			return "127.0.0.1"
		}
		if ip, err := netip.ParseAddr(host); err == nil {
			return ip.Unmap().String()
		}
		return strings.ToLower(host)
	}
	return all(hostA) || all(hostB) || plain(hostA) == plain(hostB)
}
