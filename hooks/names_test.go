package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/trouble"
)

// resolver is a name service that takes a while, and knows every name.
type resolver struct {
	takes time.Duration
	asked map[string]int
}

func (r *resolver) lookup(ctx context.Context, _, host string) ([]netip.Addr, error) {
	r.asked[host]++
	select {
	case <-time.After(r.takes):
		return []netip.Addr{netip.MustParseAddr("198.51.100.7")}, nil
	case <-ctx.Done():
		return nil, errors.New("timeout")
	}
}

// A server, or a member of the group, that names ever more hosts holds the plugins up for seconds
// in a minute, and the config's own hosts are known all the same.
func TestNamesThatEMSChoosesAreFew(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		names func(i int) string
	}{
		"a fast name service":       {0, func(i int) string { return fmt.Sprintf("h%d.example", i) }},
		"a slow one":                {500 * time.Millisecond, func(i int) string { return fmt.Sprintf("h%d.example", i) }},
		"one that does not answer":  {time.Hour, func(i int) string { return fmt.Sprintf("h%d.example", i) }},
		"names in capitals as well": {0, func(i int) string { return strings.ToUpper(fmt.Sprintf("h%d.example", i/2)) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			r := &resolver{takes: c.takes, asked: make(map[string]int)}
			b := newAddressBook(trouble.New(slog.New(slog.NewTextHandler(&log, nil)), time.Now), "own.example")
			b.lookup = r.lookup
			b.trust("member.example")
			began := time.Now()
			for i := range 10_000 {
				b.same(t.Context(), c.names(i), "192.0.2.1")
			}
			if took := time.Since(began); took > maxLookupTime+lookupTimeout || len(r.asked) > maxLookups || len(r.asked) == 0 {
				t.Errorf("%s: %d names in %v", name, len(r.asked), took)
			}
			if got := strings.Count(log.String(), "EMS names more hosts"); got != 1 {
				t.Errorf("%s: %d lines", name, got)
			}
			b.of(t.Context(), "member.example")
			b.of(t.Context(), "OWN.example")
			if r.asked["member.example"] != 1 || r.asked["own.example"]+r.asked["OWN.example"] != 1 {
				t.Errorf("%s: the config's hosts are not looked up: %v", name, r.asked)
			}
			before := len(r.asked)
			time.Sleep(allowanceLasts)
			b.of(t.Context(), "later.example")
			if len(r.asked) != before+1 {
				t.Errorf("%s: a minute later nothing is looked up", name)
			}
		})
	}
}

func TestNamesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &resolver{asked: make(map[string]int)}
		b := newAddressBook(quiet("x").Reporter)
		b.lookup = r.lookup
		b.trust("member.example")
		for i := range 3 * maxNames {
			b.of(t.Context(), fmt.Sprintf("h%d.example", i))
			b.of(t.Context(), "member.example")
			time.Sleep(allowanceLasts / maxLookups)
		}
		if n := len(b.names.known); n > maxNames+1 || len(r.asked) < 2*maxNames {
			t.Errorf("%d names are remembered of %d", n, len(r.asked))
		}
	})
}

// The addresses of a name are those from before while it may not be looked up.
func TestNamesBeyondTheLimitKeepTheirAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &resolver{asked: make(map[string]int)}
		b := newAddressBook(quiet("x").Reporter)
		b.lookup = r.lookup
		b.of(t.Context(), "source.example")
		time.Sleep(2 * addressesLast)
		for i := range 2 * maxLookups {
			b.of(t.Context(), fmt.Sprintf("h%d.example", i))
		}
		if !b.same(t.Context(), "source.example", "198.51.100.7") || r.asked["source.example"] != 1 {
			t.Errorf("asked %d times", r.asked["source.example"])
		}
		if got := b.of(t.Context(), strings.Repeat("x", 254)); got != nil || len(b.names.known) > maxLookups+2 {
			t.Error("what is no name is looked up")
		}
	})
}
