package hooks

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"ems-sidecar/emsapi"
)

// A member is another server of the group. It pulls each stream that originates here.
//
// Its orders have keepAlive=0: one with keepAlive=1 would go on for ever when this server is gone, and the name would be
// taken there for the encoder that goes over to it.
type member struct {
	group    *group
	host     string
	api      *emsapi.Client
	interval time.Duration

	self      bool                 // it is this server; known to the first look
	checked   time.Time            // when its config was last listed
	origins   map[string]string    // what originated here then
	players   map[uint32]bool      // the streams that others pulled from here then
	pulls     map[string]*pulling  // that were ordered and are not known to stream
	conflicts map[string]time.Time // names that another stream has there, and when that was last found
	again     time.Duration        // when there is something to do there; 0: nothing is left to do
	failures  int
	next      time.Time // not before
}

// pulling is an order that was given.
type pulling struct {
	ordered time.Time
	tries   int
}

func newMember(g *group, host string, api *emsapi.Client, interval time.Duration) *member {
	return &member{group: g, host: host, api: api, interval: interval, pulls: make(map[string]*pulling), conflicts: make(map[string]time.Time)}
}

const (
	// firstPull is the pause after a member's first failure, doubled each time up to the interval.
	firstPull = time.Second
	// pullSettles is when it is known whether a pull came through.
	pullSettles = 2 * time.Second
)

func (m *member) act(ctx context.Context, v *view) (again time.Duration) {
	if m.self || m.group.hosts.isOwn(ctx, m.host) {
		if !m.self {
			m.self = true
			m.group.diary.log.Info("destination is this server itself, and left out", "destination", m.host)
		}
		return 0
	}
	origins := m.group.origins(ctx, v)
	players := playersOf(v)
	now := time.Now()
	early := m.interval / 2 // members that were checked at different times come together, and one look serves all
	if left := m.interval - now.Sub(m.checked); m.again == 0 && left > early && maps.Equal(origins, m.origins) && contains(players, m.players) {
		m.players = players
		return left
	}
	if now.Before(m.next) {
		return m.next.Sub(now)
	}
	err := m.check(ctx, origins)
	if ctx.Err() != nil {
		return 0
	}
	if err != nil {
		return m.away(err)
	}
	m.back()
	m.checked, m.origins, m.players = now, origins, players
	return m.again
}

// check lists what the member has, and has it pull what it lacks. There is an error if it does not answer: then what was to be
// done is found out anew when it does.
func (m *member) check(ctx context.Context, origins map[string]string) error {
	m.again = 0
	cfg, err := m.api.ListConfig(ctx)
	if err != nil {
		return err
	}
	present, err := m.sweep(ctx, cfg.Pull, origins)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(origins)) {
		if present[name] {
			continue
		}
		if err := m.pull(ctx, name, origins[name]); err != nil {
			return err
		}
	}
	for name := range m.pulls {
		if _, live := origins[name]; !live {
			delete(m.pulls, name)
			m.group.diary.over(m.trouble(name))
		}
	}
	for name := range m.conflicts {
		if _, live := origins[name]; !live {
			delete(m.conflicts, name)
		}
	}
	return nil
}

// playersOf returns the streams that media servers pull from here. One that is missing later may have to be ordered anew.
func playersOf(v *view) map[uint32]bool {
	players := make(map[uint32]bool)
	for i := range v.streams {
		if s := &v.streams[i]; !s.Inbound() && s.UserAgent == playerAgent {
			players[s.ID] = true
		}
	}
	return players
}

func contains(all, some map[uint32]bool) bool {
	for k := range some {
		if !all[k] {
			return false
		}
	}
	return true
}

// sweep removes the copies of streams that do not originate here any more, and returns the names that have one. A pull
// that somebody ordered by hand from this server counts as one, too.
func (m *member) sweep(ctx context.Context, pulls []emsapi.Pull, origins map[string]string) (present map[string]bool, err error) {
	present = make(map[string]bool)
	for i := range pulls {
		p := &pulls[i]
		name := p.LocalStreamName
		address, live := origins[name]
		why := ""
		switch {
		case !m.group.isOurs(p):
			if e, ok := endpointOf(p.URI); ok && live && m.group.hosts.same(ctx, e.host, address) {
				present[name] = true
			}
			continue
		case !live:
			why = "the stream has ended here"
		case leadsElsewhere(p.URI, address):
			why = "the address of this server has changed"
		case p.Status == emsapi.Disconnected || p.Status == emsapi.ConnectionFailed:
			why = "it did not come through"
		}
		if why != "" {
			if err := m.remove(ctx, p, why); unanswered(err) {
				return nil, err
			}
			continue
		}
		present[name] = true
		if _, conflict := m.conflicts[name]; conflict {
			delete(m.conflicts, name)
			m.group.diary.log.Info("name is free at the destination, and the stream is pulled there", shown(name), "destination", m.host)
		}
		if p.Status != emsapi.Streaming {
			m.again = sooner(m.again, pullSettles)
			continue
		}
		delete(m.pulls, name)
		if m.group.diary.over(m.trouble(name)) {
			m.group.diary.log.Info("destination pulls the stream again", shown(name), "destination", m.host)
		}
	}
	return present, nil
}

func (m *member) trouble(name string) string { return "pull " + m.host + " " + name }

func leadsElsewhere(uri, address string) bool {
	e, ok := endpointOf(uri)
	return ok && !strings.EqualFold(e.host, address)
}

// pull orders a copy of a stream. There is an error if the member does not answer.
func (m *member) pull(ctx context.Context, name, address string) error {
	now := time.Now()
	if left := m.interval - now.Sub(m.conflicts[name]); left > 0 {
		m.again = sooner(m.again, left) // another stream has the name, and most likely still does
		return nil
	}
	p := m.pulls[name]
	if p == nil {
		p = &pulling{}
		m.pulls[name] = p
	}
	diary := m.group.diary
	level := slog.LevelInfo
	if p.tries > 0 {
		if left := backoff(p.tries-1, orderTakes, m.interval) - now.Sub(p.ordered); left > 0 {
			m.again = sooner(m.again, left)
			return nil
		}
		level = slog.LevelDebug // that it does not arrive is said
		if diary.first(m.trouble(name)) {
			diary.log.Warn("destination does not get the stream", shown(name), "destination", m.host, "from", address,
				"next", "it is ordered again; check advertise, and that port "+rtmpPort+" of this server is open to the destination")
		}
	}
	p.ordered = now
	p.tries++
	made, err := m.api.PullStream(ctx, emsapi.Pull{
		URI: uriOf(address, name), LocalStreamName: name,
		Variables: emsapi.Variables{localStreamName: name, originVariable: address, ownerVariable: m.group.owner},
	})
	switch {
	case emsapi.NameTaken(err):
		// Not by this server: its pulls were listed just now.
		delete(m.pulls, name)
		diary.count("conflict")
		if _, known := m.conflicts[name]; !known {
			diary.log.Warn("destination has another stream of that name", shown(name), "destination", m.host,
				"next", "it keeps its own; the stream is pulled there when the name is free")
		}
		m.conflicts[name] = now
		m.again = sooner(m.again, m.interval)
	case errors.Is(err, emsapi.ErrValue):
		delete(m.pulls, name)
		diary.count("failed")
		if diary.first("name " + name) {
			diary.log.Warn("stream cannot be balanced", shown(name), "err", err,
				"next", "it is left out; have it published under another name")
		}
	case diary.did(err) != nil:
		if unanswered(err) { // it may have been accepted all the same
			return err
		}
		m.again = sooner(m.again, orderTakes)
		if diary.first(m.trouble(name)) {
			diary.log.Warn("destination does not pull the stream", shown(name), "destination", m.host, "err", err, "next", "it is ordered again")
		}
	default:
		m.again = sooner(m.again, pullSettles)
		diary.log.Log(ctx, level, "stream is pulled", shown(name), "destination", m.host, "config", made.ConfigID, "from", address)
	}
	return nil
}

func (m *member) remove(ctx context.Context, p *emsapi.Pull, why string) error {
	diary := m.group.diary
	err := diary.did(m.api.RemoveConfig(ctx, p.ConfigID))
	if err != nil {
		m.again = sooner(m.again, pullSettles)
		if ctx.Err() == nil && !unanswered(err) && diary.first("remove "+m.host) {
			diary.log.Warn("copy cannot be removed", shown(p.LocalStreamName), "destination", m.host, "err", err,
				"next", "it is tried again, as others are")
		}
		return err
	}
	diary.over("remove " + m.host)
	diary.log.Info("copy removed", shown(p.LocalStreamName), "destination", m.host, "config", p.ConfigID, "why", why)
	return nil
}

// away notes that the member does not answer.
func (m *member) away(err error) time.Duration {
	m.group.diary.count("failed")
	wait := backoff(m.failures, firstPull, m.interval)
	m.failures++
	m.next = time.Now().Add(wait)
	m.again = wait
	if m.group.diary.first("away " + m.host) {
		m.group.diary.log.Warn("destination does not answer", "destination", m.host, "api", m.api.Address(), "err", err,
			"next", "it is asked again until it does, and then pulls what it lacks")
	}
	return wait
}

func (m *member) back() {
	m.failures, m.next = 0, time.Time{}
	if m.group.diary.over("away " + m.host) {
		m.group.diary.log.Info("destination answers again", "destination", m.host)
	}
}
