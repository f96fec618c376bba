package hooks

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
)

// A member is another server of the group. It pulls each stream that originates here.
//
// Its orders have keepAlive=0: one with keepAlive=1 would go on for ever when this server is gone,
// and the name would be taken there for the encoder that goes over to it.
type member struct {
	group    *group
	host     string
	api      *emsapi.Client
	interval time.Duration
	orders   *reconciler[string, string, *emsapi.Pull] // from names to the addresses of their origins

	self    bool              // it is this server; known to the first look
	checked time.Time         // when its config was last listed
	origins map[string]string // what originated here then
	players map[uint32]bool   // the streams that others pulled from here then
	again   time.Duration     // when there is something to do there; 0: nothing is left to do
}

func newMember(g *group, host string, api *emsapi.Client, interval time.Duration, j backoff.Jitter) *member {
	m := &member{group: g, host: host, api: api, interval: interval}
	m.orders = newReconciler(m, pace{
		first: orderTakes, most: interval, settles: 2 * time.Second, watched: math.MaxInt64, revives: true,
		taken: interval, away: interval, unwanted: "the stream has ended here",
	}, j)
	return m
}

func (m *member) act(ctx context.Context, v *view) (again time.Duration) {
	if m.self || m.group.hosts.isOwn(ctx, m.host) {
		if !m.self {
			m.self = true
			m.group.diary.Begin(ownDestination, trouble.At{Subject: m.host}, "destination", m.host)
		}
		return 0
	}
	origins := m.group.origins(ctx, v)
	players := playersOf(v)
	now := time.Now()
	early := m.interval / 2 // so that one look soon serves all members, whenever each was checked
	if left := m.interval - now.Sub(m.checked); m.again == 0 && left > early &&
		maps.Equal(origins, m.origins) && contains(players, m.players) {
		m.players = players
		return left
	}
	var wishes []wish[string, string]
	for _, name := range slices.Sorted(maps.Keys(origins)) {
		wishes = append(wishes, wish[string, string]{name, origins[name]})
	}
	pausing := m.orders.isPausing(now)
	again, err := m.orders.reconcile(ctx, wishes, func(ctx context.Context) (listing[string, *emsapi.Pull], error) {
		return m.list(ctx, origins)
	})
	if ctx.Err() != nil {
		return 0
	}
	m.again = again
	if !pausing {
		m.report(err)
	}
	if err == nil {
		m.checked, m.origins, m.players = now, origins, players
	}
	return again
}

// report logs that the member stops answering, or answers again.
func (m *member) report(err error) {
	diary, at := m.group.diary, trouble.At{Subject: m.host}
	if err == nil {
		diary.End(memberAway, at, "destination", m.host)
	} else {
		diary.Begin(memberAway, at, "destination", m.host, "api", m.api.Address(), "err", err,
			"next", "it is asked again until it answers, and then pulls what it lacks")
	}
}

// playersOf returns the streams that media servers pull from here. If one is missing later, its
// member may have to be told to pull it again.
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

// list lists the copies that the member pulls. A pull from this server that someone ordered by hand
// is one, too.
func (m *member) list(ctx context.Context, origins map[string]string) (has listing[string, *emsapi.Pull], err error) {
	has.asked = time.Now()
	cfg, err := m.api.ListConfig(ctx)
	if err != nil {
		return has, err
	}
	for i := range cfg.Pull {
		p := &cfg.Pull[i]
		address, live := origins[p.LocalStreamName]
		f := found[string, *emsapi.Pull]{key: p.LocalStreamName, order: p, ours: m.group.isOurs(p), condition: starting}
		switch {
		case !f.ours:
			if e, ok := endpointOf(p.URI); !ok || !live || !m.group.hosts.same(ctx, e.host, address) {
				continue // another stream
			}
		case live && leadsElsewhere(p.URI, address):
			f.condition, f.why = stale, "the address of this server has changed"
		case p.Status == emsapi.Disconnected || p.Status == emsapi.ConnectionFailed:
			f.condition = ended
		}
		if f.condition == starting && p.Status == emsapi.Streaming {
			f.condition = works
		}
		has.orders = append(has.orders, f)
	}
	return has, nil
}

func leadsElsewhere(uri, address string) bool {
	e, ok := endpointOf(uri)
	return ok && !strings.EqualFold(e.host, address)
}

func (m *member) create(ctx context.Context, name, address string, tries int) error {
	began := time.Now()
	made, err := m.api.PullStream(ctx, emsapi.Pull{
		URI: uriOf(address, name), LocalStreamName: name,
		Variables: emsapi.Variables{localStreamName: name, originVariable: address, ownerVariable: m.group.owner},
	})
	m.group.diary.asked(began, m.api, "pullStream", name, order(made.ConfigID), err)
	if err != nil { // NameTaken: not by this server, whose pulls were listed just now
		return err
	}
	level := slog.LevelInfo
	if tries > 0 {
		level = slog.LevelDebug // failed has told that it does not arrive
	}
	m.group.diary.did(level, "stream is pulled", shown(name), "destination", m.host,
		"config", made.ConfigID, "from", address)
	return nil
}

func (m *member) failed(name, address string, err error) {
	diary, at := m.group.diary, trouble.At{Stream: name, Subject: m.host}
	switch {
	case emsapi.NameTaken(err):
		diary.Begin(nameTaken, at, "destination", m.host,
			"next", "it keeps its own; the stream is pulled there when the name is free")
	case errors.Is(err, emsapi.ErrValue): // it is the same at each member
		diary.Begin(notBalanceable, trouble.At{Stream: name}, "err", err,
			"next", "it is left out; publish it under another name")
	case errors.Is(err, errEnded), errors.Is(err, errUnlisted):
		diary.Begin(notReceived, at, "destination", m.host, "from", address, "err", err, "next", "it is ordered again",
			"hint", "check advertise, and that port "+rtmpPort+" of this server is open to the destination")
	case isUnanswered(err): // report tells that the member does not answer
	default:
		diary.Begin(notPulled, at, "destination", m.host, "err", err, "next", "it is ordered again")
	}
}

func (m *member) recovered(name, _ string, _ phase) {
	for _, c := range pullTroubles {
		m.group.diary.End(c, trouble.At{Stream: name, Subject: m.host}, "destination", m.host)
	}
}

func (m *member) forget(name string) {
	for _, c := range pullTroubles {
		m.group.diary.Forget(c, trouble.At{Stream: name, Subject: m.host})
	}
}

func (m *member) remove(ctx context.Context, p *emsapi.Pull, why string) error {
	diary := m.group.diary
	began := time.Now()
	err := m.api.RemoveConfig(ctx, p.ConfigID)
	diary.asked(began, m.api, "removeConfig", p.LocalStreamName, order(p.ConfigID), err)
	switch at := (trouble.At{Subject: m.host}); {
	case err == nil:
		diary.End(copyStays, at)
		diary.did(slog.LevelInfo, "copy removed", shown(p.LocalStreamName), "destination", m.host, "config", p.ConfigID,
			"why", why)
	case ctx.Err() == nil && !isUnanswered(err):
		diary.Begin(copyStays, at, shown(p.LocalStreamName), "destination", m.host, "err", err,
			"next", "this and others like it are tried again")
	}
	return err
}
