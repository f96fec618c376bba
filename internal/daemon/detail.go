package daemon

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/hooks"
	"ems-sidecar/internal/paths"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
)

// Stream returns one stream with its last chunks, its manifests and its events. found is false if
// there is none with this id, and ok if the uploader does not answer.
func (s *state) Stream(ctx context.Context, id string) (d api.Detail, found, ok bool) {
	format, key, _ := strings.Cut(id, "/")
	v, found, ok := s.up.Stream(ctx, format, key)
	if !found || !ok {
		return d, found, ok
	}
	now := time.Now()
	d = api.Detail{
		Stream: apiStream(v.Stream, now),
		Recent: s.records.paths.Chunks(pathsName(v.Stream), now),
		Events: s.records.past.events.Of(v.Format, v.Shown, eventsOfStream), Manifests: []api.Manifest{},
	}
	d.LagHistory = s.LagHistory(d.Stream)
	for _, m := range v.Manifests {
		d.Manifests = append(d.Manifests, api.Manifest{
			Name: path.Base(m.Path), Key: m.Key, Set: m.Set, Published: moment(m.Published, now),
			Sequence: m.Sequence, Last: m.Last, Segments: m.Segments, Edge: m.Edge, Ended: m.Ended,
			Waiting: moment(m.Waiting, now),
			Runs:    m.Discontinuity, Seams: m.Seams, ReturnsBy: moment(m.ReturnsBy, now),
		})
	}
	return d, true, true
}

// EndStream ends the live playlists of a stream, whose server does not.
func (s *state) EndStream(ctx context.Context, id string) (n int, found, ok bool) {
	format, key, _ := strings.Cut(id, "/")
	return s.up.End(ctx, format, key)
}

// noteStep tells of a step those who want to know.
func (d *Daemon) noteStep(x uploader.Step) {
	d.records.metrics.Observe(x)
	d.records.paths.Observe(x)
}

// LagHistory returns the lags of a stream in the last ten minutes.
func (s *state) LagHistory(of api.Stream) []*float64 {
	return s.records.paths.Lags(paths.Name{Root: of.Root, Format: of.Format, Stream: of.Stream}, time.Now())
}

func pathsName(s uploader.Stream) paths.Name {
	return paths.Name{Root: s.Root, Format: s.Format, Stream: s.Shown}
}

// staleMemory is how long the paths are remembered of a stream that stopped without an end: someone
// may ask the next day.
const staleMemory = 24 * time.Hour

// forgetPaths forgets the paths of streams that have ended.
func (d *Daemon) forgetPaths(ctx context.Context, now time.Time) {
	streams, ok := d.up.Streams(ctx)
	if !ok {
		return
	}
	goOn := make(map[paths.Name]bool)
	for _, s := range streams {
		if s.State != health.Ended && (s.State != health.Stale || now.Sub(s.Chunk) < staleMemory) {
			goOn[pathsName(s)] = true
		}
	}
	d.records.paths.Forget(now, func(n paths.Name) bool { return goOn[n] })
}

// Plugins returns what the plugins did last.
func (s *state) Plugins() api.Plugins {
	p := api.Plugins{Actions: s.records.actions.list()}
	if r := s.ems.now.Load(); r != nil {
		p.Plugins = r.plugins
		server := r.hooks.Server()
		p.EMS = &api.EMS{API: server.API, Answers: server.Answers, Since: moment(server.Since, time.Now()),
			Error: server.Err}
	}
	return p
}

// actions are the last ones of all plugins.
type actions struct {
	mu   sync.Mutex // guards what follows
	last []api.Action
}

func (a *actions) add(x hooks.Action) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.last) >= maxActions {
		a.last = a.last[1:]
	}
	a.last = append(a.last, api.Action{At: x.At.UTC().Truncate(time.Millisecond), Plugin: x.Plugin,
		API: x.API, Function: x.Function, Stream: x.Stream, Done: x.Done, Answer: x.Answer,
		Took: x.Took.Round(time.Millisecond).Seconds()})
}

func (a *actions) list() []api.Action {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]api.Action(nil), a.last...)
}
