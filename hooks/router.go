package hooks

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
)

// mark is the variable that tells our orders from those of others; its value is the plugin's name.
const mark = "sidecar"

// A router pushes inbound streams to other servers. Its orders have keepAlive=0: a push that fails has no event, and one
// with keepAlive=1 is tried each second for ever, also when its stream is long gone.
type router struct {
	api     *emsapi.Client
	token   string
	targets []target
	hosts   *addressBook
	diary   *diary
	pushes  map[route]*attempt
	silent  bool // the server did not answer in this pass
}

// A target is a server to which streams are pushed.
type target struct {
	uri   string // as it is given to the media server
	shown config.URI
	endpoint
}

// A route is one stream's way to one target.
type route struct{ stream, uri string }

// An attempt is what became of the last push of a route.
type attempt struct {
	ordered  time.Time // zero: not yet, or it is known to have ended
	failures int
	next     time.Time // not before
	refused  bool      // it cannot be ordered at all
}

const (
	firstPush = time.Second // the pause after the first failure, doubled each time
	lastPush  = time.Minute

	// orderTakes is how long an order that was accepted may be missing from what the server lists.
	orderTakes = 3 * time.Second
	// pushSettles is when it is known whether a push came through: a refusal has no event.
	pushSettles = 2 * time.Second
)

func newRouter(api *emsapi.Client, c *config.Router, hosts *addressBook, d *diary) *router {
	r := &router{api: api, token: c.Token, hosts: hosts, diary: d, pushes: make(map[route]*attempt)}
	for _, uri := range c.Destinations {
		t := target{uri: uri.Reveal(), shown: uri}
		if !strings.Contains(t.uri, "://") {
			t.uri = "rtmp://" + bracketed(t.uri) + "/live"
		}
		t.endpoint, _ = endpointOf(t.uri)
		hosts.trust(t.host)
		r.targets = append(r.targets, t)
	}
	return r
}

// bracketed is an address as it stands in a URI.
func bracketed(host string) string {
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "[" + host + "]"
	}
	return host
}

func (r *router) act(ctx context.Context, v *view) (again time.Duration) {
	r.silent = false
	wanted := make(map[route]bool)
	for _, s := range v.inbound() {
		if !strings.Contains(s.Name, r.token) || r.isCopy(s) {
			continue
		}
		for i := range r.targets {
			t := &r.targets[i]
			if ctx.Err() != nil || r.cameFrom(ctx, s, t) {
				continue
			}
			key := route{s.Name, t.uri}
			wanted[key] = true
			if !r.silent {
				again = sooner(again, r.route(ctx, v, key, t))
			}
		}
	}
	for key := range r.pushes {
		if !wanted[key] {
			delete(r.pushes, key)
			r.diary.over(key.trouble())
		}
	}
	for i := range v.config.Push {
		if p := &v.config.Push[i]; !r.silent && r.isOurs(p) && !r.isWanted(wanted, p) {
			r.remove(ctx, p, "the stream has ended or is not to be pushed there")
		}
	}
	if r.silent {
		again = sooner(again, firstRetry)
	}
	return again
}

// isCopy reports whether another server has the stream, and pushes it itself: a copy of the balancer, or one that a
// router pushed here. In a ring, a stream that is pushed on would come back, and go round when its source is gone.
func (r *router) isCopy(s *emsapi.Stream) bool {
	if s.Pull != nil {
		_, balanced := s.Pull.Variables[localStreamName]
		return balanced
	}
	return s.ConnectionType == emsapi.Plain && s.UserAgent == pusherAgent
}

// cameFrom reports whether t is where the stream comes from, or this server itself.
func (r *router) cameFrom(ctx context.Context, s *emsapi.Stream, t *target) bool {
	if r.hosts.same(ctx, t.host, s.FarIP) {
		return true
	}
	if s.Pull != nil {
		if e, ok := endpointOf(s.Pull.URI); ok && r.hosts.same(ctx, t.host, e.host) {
			return true
		}
	}
	if t.port == rtmpPort && r.hosts.isOwn(ctx, t.host) {
		if r.diary.first("own " + t.uri) {
			r.diary.log.Info("destination is this server itself, and left out", "destination", t.shown)
		}
		return true
	}
	return false
}

func (r *router) isOurs(p *emsapi.Push) bool { return p.Variables[mark] == r.diary.plugin }

func hasEnded(p *emsapi.Push) bool {
	return p.Status == emsapi.Disconnected || p.Status == emsapi.ConnectionFailed
}

func (r *router) isWanted(wanted map[route]bool, p *emsapi.Push) bool {
	for i := range r.targets {
		if wanted[route{p.LocalStreamName, r.targets[i].uri}] && r.targets[i].takes(p) {
			return true
		}
	}
	return false
}

// takes reports whether p pushes to t, under the stream's own name.
func (t *target) takes(p *emsapi.Push) bool {
	e, ok := endpointOf(p.TargetURI)
	return ok && e == t.endpoint && (p.TargetStreamName == "" || p.TargetStreamName == p.LocalStreamName)
}

// hidden is err without the credentials of t, which the server repeats.
func (t *target) hidden(err error) string {
	return strings.ReplaceAll(err.Error(), t.uri, t.shown.String())
}

func (k route) trouble() string { return "push " + k.stream + " " + k.uri }

// route sees to it that there is one push for key.
func (r *router) route(ctx context.Context, v *view, key route, t *target) (again time.Duration) {
	a := r.pushes[key]
	if a == nil {
		a = &attempt{}
		r.pushes[key] = a
	}
	var standing *emsapi.Push // somebody else's, whose keepAlive is theirs, before one of ours
	var ours []*emsapi.Push
	for i := range v.config.Push {
		switch p := &v.config.Push[i]; {
		case p.LocalStreamName != key.stream || !t.takes(p):
		case r.isOurs(p):
			ours = append(ours, p)
		case !p.KeepAlive && hasEnded(p): // the server keeps such an order, and does nothing for it
		default:
			standing = p
		}
	}
	for _, p := range ours {
		switch {
		case standing != nil:
			r.remove(ctx, p, "the stream is pushed there already")
		case hasEnded(p):
			r.failed(ctx, a, key, t, p)
		default:
			standing = p
		}
	}
	now := time.Now()
	switch {
	case standing != nil:
		if standing.Status == emsapi.Streaming {
			a.failures = 0
			if r.diary.over(key.trouble()) {
				r.diary.log.Info("stream is pushed again", shown(key.stream), "destination", t.shown)
			}
		} else if !a.ordered.IsZero() && now.Sub(a.ordered) < pushSettles {
			again = pushSettles
		}
		return again
	case a.refused:
		return 0
	case now.Before(a.next):
		return a.next.Sub(now)
	case !a.ordered.IsZero() && v.asked.Sub(a.ordered) < orderTakes:
		return orderTakes
	}
	return r.push(ctx, a, key, t)
}

func (r *router) push(ctx context.Context, a *attempt, key route, t *target) (again time.Duration) {
	made, err := r.api.PushStream(ctx, emsapi.Push{
		TargetURI: t.uri, LocalStreamName: key.stream, TargetStreamName: key.stream,
		Variables: emsapi.Variables{mark: r.diary.plugin},
	})
	if ctx.Err() != nil {
		return 0
	}
	if r.diary.did(err) == nil {
		a.ordered = time.Now()
		level := slog.LevelInfo
		if a.failures > 0 {
			level = slog.LevelDebug // that it does not arrive was said
		}
		r.diary.log.Log(ctx, level, "stream is pushed", shown(key.stream), "destination", t.shown, "config", made.ConfigID)
		return pushSettles
	}
	if errors.Is(err, emsapi.ErrValue) {
		a.refused = true
		r.diary.log.Warn("stream cannot be pushed", shown(key.stream), "destination", t.shown, "err", t.hidden(err),
			"next", "it is left out; have it published under another name")
		return 0
	}
	// It may have been accepted all the same, if there was no answer: the next look at the server tells.
	if unanswered(err) {
		r.silent = true
		a.ordered = time.Now()
	}
	return r.again(a, key, t, err)
}

// failed removes a push that did not come through: its order stays when it has ended.
func (r *router) failed(ctx context.Context, a *attempt, key route, t *target, p *emsapi.Push) {
	r.remove(ctx, p, "it did not come through or has ended")
	a.ordered = time.Time{}
	r.again(a, key, t, errNotThrough)
}

var errNotThrough = errors.New("the other server cannot be reached, refuses the stream or has a stream of that name")

// again notes a failure, and returns after what time the push is tried again.
func (r *router) again(a *attempt, key route, t *target, err error) time.Duration {
	wait := backoff(a.failures, firstPush, lastPush)
	a.failures++
	a.next = time.Now().Add(wait)
	if r.diary.first(key.trouble()) {
		r.diary.log.Warn("stream does not arrive where it is pushed", shown(key.stream), "destination", t.shown, "err", t.hidden(err),
			"next", "it is pushed again until it does, while it lives")
	}
	return wait
}

func (r *router) remove(ctx context.Context, p *emsapi.Push, why string) {
	if err := r.diary.did(r.api.RemoveConfig(ctx, p.ConfigID)); err != nil {
		r.silent = r.silent || unanswered(err)
		if ctx.Err() == nil && r.diary.first("remove") {
			r.diary.log.Warn("push cannot be removed", shown(p.LocalStreamName), "config", p.ConfigID, "err", err,
				"next", "it is tried again at the next look, as others are")
		}
		return
	}
	r.diary.over("remove")
	r.diary.log.Debug("push removed", shown(p.LocalStreamName), "config", p.ConfigID, "why", why)
}

// sooner returns the lesser of two pauses, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
