package hooks

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
)

// mark is the variable that tells our orders from those of others; its value is the plugin's name.
const mark = "sidecar"

// A router pushes inbound streams to other servers. Its orders have keepAlive=0: a push that fails
// has no event, and the server tries one with keepAlive=1 each second for ever, also when its
// stream is long gone.
type router struct {
	api     *emsapi.Client
	token   string
	targets []*target
	hosts   *addressBook
	diary   *diary
	orders  *reconciler[route, *target, *emsapi.Push]
}

// A target is a server to which streams are pushed.
type target struct {
	uri   string // as it is given to the media server
	shown config.URI
	endpoint
}

// A route is one stream's way to one target.
type route struct{ stream, uri string }

// pushPace: a push that is refused has no event, but it is known after some seconds.
var pushPace = pace{
	first: time.Second, most: time.Minute, settles: 2 * time.Second, watched: 2 * time.Second,
	taken: time.Minute, away: lastRetry,
	unwanted: "the stream has ended or is not to be pushed there",
}

func newRouter(api *emsapi.Client, c *config.Router, hosts *addressBook, d *diary, j backoff.Jitter) *router {
	r := &router{api: api, token: c.Token, hosts: hosts, diary: d}
	r.orders = newReconciler(r, pushPace, j)
	for _, uri := range c.Destinations {
		t := &target{uri: uri.Reveal(), shown: uri}
		if !strings.Contains(t.uri, "://") {
			t.uri = "rtmp://" + bracketed(t.uri) + "/live"
		}
		t.endpoint, _ = endpointOf(t.uri)
		hosts.trust(t.host)
		if !slices.ContainsFunc(r.targets, func(o *target) bool { return o.endpoint == t.endpoint }) {
			r.targets = append(r.targets, t)
		}
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
	wishes := r.wishes(ctx, v)
	if ctx.Err() != nil {
		return 0
	}
	again, _ = r.orders.reconcile(ctx, wishes, func(context.Context) (listing[route, *emsapi.Push], error) {
		return listing[route, *emsapi.Push]{v.asked, r.find(v)}, nil
	}) // failed has told of an order without an answer
	return again
}

// wishes returns which streams are to be pushed where.
func (r *router) wishes(ctx context.Context, v *view) (wishes []wish[route, *target]) {
	for _, s := range v.inbound() {
		if !strings.Contains(s.Name, r.token) || r.isCopy(s) {
			continue
		}
		for _, t := range r.targets {
			if ctx.Err() == nil && !r.cameFrom(ctx, s, t) {
				wishes = append(wishes, wish[route, *target]{route{s.Name, t.uri}, t})
			}
		}
	}
	return wishes
}

// find returns the pushes that the server has: those of others first, whose keepAlive is theirs.
func (r *router) find(v *view) (orders []found[route, *emsapi.Push]) {
	var ours []found[route, *emsapi.Push]
	for i := range v.config.Push {
		p := &v.config.Push[i]
		f := found[route, *emsapi.Push]{
			key: route{stream: p.LocalStreamName}, order: p, ours: r.isOurs(p), condition: starting,
		}
		for _, t := range r.targets {
			if t.takes(p) {
				f.key.uri = t.uri
			}
		}
		switch {
		case hasEnded(p):
			f.condition = ended
		case p.Status == emsapi.Streaming:
			f.condition = works
		}
		switch {
		case f.ours:
			ours = append(ours, f)
		case f.condition == ended && !p.KeepAlive: // the server keeps such an order, and does nothing for it
		default:
			orders = append(orders, f)
		}
	}
	return append(orders, ours...)
}

// isCopy reports whether another server has the stream, and pushes it itself: a copy of the
// balancer, or one that a router pushed here. In a ring, a stream that is pushed on would come
// back, and go round when its source is gone.
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
		r.diary.Begin(ownDestination, trouble.At{Subject: t.uri}, "destination", t.shown)
		return true
	}
	return false
}

func (r *router) isOurs(p *emsapi.Push) bool { return p.Variables[mark] == r.diary.plugin }

func hasEnded(p *emsapi.Push) bool {
	return p.Status == emsapi.Disconnected || p.Status == emsapi.ConnectionFailed
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

func (r *router) create(ctx context.Context, key route, t *target, tries int) error {
	began := time.Now()
	made, err := r.api.PushStream(ctx, emsapi.Push{
		TargetURI: t.uri, LocalStreamName: key.stream, TargetStreamName: key.stream,
		Variables: emsapi.Variables{mark: r.diary.plugin},
	})
	r.diary.asked(began, r.api, "pushStream", key.stream, order(made.ConfigID), err)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if tries > 0 {
		level = slog.LevelDebug // failed has told that it does not arrive
	}
	r.diary.did(level, "stream is pushed", shown(key.stream), "destination", t.shown, "config", made.ConfigID)
	return nil
}

var errNotThrough = errors.New("the other server cannot be reached, refuses the stream or has a stream of that name")

func (r *router) failed(key route, t *target, err error) {
	at := trouble.At{Stream: key.stream, Subject: t.uri}
	if errors.Is(err, emsapi.ErrValue) {
		r.diary.Report(notPushable, at, "destination", t.shown, "err", t.hidden(err),
			"next", "it is left out; publish it under another name")
		return
	}
	if errors.Is(err, errEnded) {
		err = errNotThrough
	}
	r.diary.Begin(notArriving, at, "destination", t.shown, "err", t.hidden(err),
		"next", "it is pushed again until it arrives or ends")
}

func (r *router) recovered(key route, t *target, _ phase) {
	r.diary.End(notArriving, trouble.At{Stream: key.stream, Subject: t.uri}, "destination", t.shown)
}

func (r *router) forget(key route) {
	r.diary.Forget(notArriving, trouble.At{Stream: key.stream, Subject: key.uri})
}

func (r *router) remove(ctx context.Context, p *emsapi.Push, why string) error {
	began := time.Now()
	err := r.api.RemoveConfig(ctx, p.ConfigID)
	r.diary.asked(began, r.api, "removeConfig", p.LocalStreamName, order(p.ConfigID), err)
	if err == nil {
		r.diary.End(pushStays, trouble.At{})
		r.diary.did(slog.LevelDebug, "push removed", shown(p.LocalStreamName), "config", p.ConfigID, "why", why)
	} else if ctx.Err() == nil {
		r.diary.Begin(pushStays, trouble.At{}, shown(p.LocalStreamName), "config", p.ConfigID, "err", err,
			"next", "this and others like it are tried again at the next look")
	}
	return err
}
