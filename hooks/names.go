package hooks

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"ems-sidecar/internal/trouble"
)

// A nameCache remembers the addresses of names. Those that the config has are looked up whenever
// that is needed. The media server and the members of the group can name any number of others, such
// as that of a pull's source: how many of those are looked up is limited, and so is the time that
// it takes, since streams wait for it. It may be used from any goroutine.
type nameCache struct {
	trouble *trouble.Reporter

	caching sync.Mutex
	known   map[string]addresses
	trusted map[string]bool
	strange allowance
}

type addresses struct {
	of    []netip.Addr
	until time.Time
}

// An allowance is what may be spent on names that are not the config's, in each allowanceLasts.
type allowance struct {
	since   time.Time
	lookups int
	took    time.Duration
}

const (
	addressesLast = time.Minute
	lookupTimeout = 2 * time.Second
	longestName   = 253 // bytes (RFC 1035, section 2.3.4, as text)
)

func newNameCache(t *trouble.Reporter) *nameCache {
	return &nameCache{trouble: t, known: make(map[string]addresses), trusted: make(map[string]bool)}
}

func (c *nameCache) trust(names []string) {
	c.caching.Lock()
	defer c.caching.Unlock()
	for _, n := range names {
		c.trusted[strings.ToLower(n)] = true
	}
}

// of returns the addresses of a name. It calls lookup, with the time that it may take, if they are
// not known or were looked up long ago. An outage of the name service moves no server, and nor does
// a limit: former addresses are those of the name until there are others.
func (c *nameCache) of(name string, lookup func(timeout time.Duration) ([]netip.Addr, error)) []netip.Addr {
	name = strings.ToLower(name)
	known, timeout := c.remembered(name)
	if timeout <= 0 {
		return known
	}
	began := time.Now()
	found, err := lookup(timeout)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	if err != nil {
		found = known
	}
	c.caching.Lock()
	defer c.caching.Unlock()
	if !c.trusted[name] {
		c.strange.took += time.Since(began)
	}
	c.known[name] = addresses{found, time.Now().Add(addressesLast)}
	return found
}

// remembered returns what is known of a name, and how long looking it up may take; 0: it is not to
// be.
func (c *nameCache) remembered(name string) (known []netip.Addr, timeout time.Duration) {
	c.caching.Lock()
	defer c.caching.Unlock()
	now := time.Now()
	entry, ok := c.known[name]
	switch {
	case ok && now.Before(entry.until), name == "" || len(name) > longestName:
		return entry.of, 0
	case c.trusted[name]:
		return entry.of, lookupTimeout
	}
	if now.Sub(c.strange.since) >= allowanceLasts {
		c.strange = allowance{since: now}
		c.trouble.End(tooManyNames, trouble.At{})
	}
	timeout = min(lookupTimeout, maxLookupTime-c.strange.took)
	if c.strange.lookups == maxLookups || timeout <= 0 {
		c.trouble.Begin(tooManyNames, trouble.At{}, "lookups", c.strange.lookups, "took", c.strange.took,
			"next", "the addresses of others are not known for a minute: a stream may be sent back to one of them")
		return entry.of, 0
	}
	c.strange.lookups++
	if !ok && len(c.known) >= maxNames+len(c.trusted) {
		for n := range c.known {
			if !c.trusted[n] {
				delete(c.known, n)
			}
		}
	}
	return entry.of, timeout
}
