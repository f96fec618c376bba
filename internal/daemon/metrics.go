package daemon

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"ems-sidecar/hooks"
	"ems-sidecar/internal/metrics"
	"ems-sidecar/media"
)

// newMetrics returns metrics that ask d at each scrape.
func (d *Daemon) newMetrics() *metrics.Metrics {
	var formats []media.Format
	for _, u := range d.config().Uploads {
		formats = append(formats, u.Format)
	}
	c := d.config()
	plugins := hooks.Settings{Router: c.Router, Recorder: c.Recorder, Balancer: c.Balancer, Resetter: c.Resetter}.Plugins()
	return metrics.New(metrics.Settings{Version: Version(), Formats: formats, Plugins: plugins,
		StreamLabel: c.Admin.StreamLabel,
		Facts:       d.facts, Trouble: d.trouble})
}

// noteAction keeps and counts what a plugin did.
func (d *Daemon) noteAction(a hooks.Action) {
	d.records.actions.add(a)
	d.records.metrics.Acted(a.Plugin, a.Done)
}

// Metrics serves them.
func (s *state) Metrics() http.Handler { return s.records.metrics }

// facts returns what a scrape shows.
func (d *Daemon) facts(ctx context.Context) metrics.Facts {
	f := metrics.Facts{Roots: d.rootFacts(time.Now()), Troubles: d.trouble.Counts(), Conditions: d.trouble.Holding()}
	if u, ok := d.up.Facts(ctx); ok {
		f.Uploader = &u
	}
	if r := d.ems.now.Load(); r != nil && r.hooks.Asks() {
		f.EMS = r.facts()
	}
	return f
}

// rootFacts returns what the watchers tell, by directory: two roots may share one.
func (d *Daemon) rootFacts(now time.Time) []metrics.Root {
	byDir := make(map[string]metrics.Root)
	for _, r := range d.roots.list() {
		ready := d.roots.stuckSince(r, now).IsZero()
		select {
		case <-r.watcher.Ready():
		default:
			ready = false
		}
		s := r.watcher.State()
		f, known := byDir[r.dir]
		byDir[r.dir] = metrics.Root{
			Dir: r.dir, Ready: ready && !s.Waiting && (f.Ready || !known), Degraded: f.Degraded || s.Degraded,
			Watches: f.Watches + s.Watches, Dirs: f.Dirs + s.Dirs, Files: f.Files + s.Files,
			Overflows: f.Overflows + s.Overflows, Refusals: f.Refusals + s.Refusals,
		}
	}
	return slices.SortedFunc(maps.Values(byDir), func(a, b metrics.Root) int { return cmp.Compare(a.Dir, b.Dir) })
}

// facts returns what was heard of the media server.
func (r *reactor) facts() *metrics.EMS {
	e := r.events.Figures()
	taken := make(map[string]uint64, len(e.Taken))
	for typ, n := range e.Taken {
		taken[string(typ)] = n
	}
	return &metrics.EMS{
		Answers: r.hooks.Server().Answers,
		Events: metrics.Events{Taken: taken, Lost: e.Lost, Missing: e.Missing, Duplicates: e.Duplicates,
			Dropped: e.Dropped, Refused: e.Refused, Broken: e.Broken, WaitingBytes: e.Waiting},
	}
}
