package metrics

import (
	"context"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

// A scrape is all that is asked for when Prometheus asks.
type scrape struct {
	source      Source
	version     string
	streamLabel bool
	mostStreams int // that have series of their own
}

const (
	// patience is how long the uploader may take to answer.
	patience = 2 * time.Second
	// shownFor is how long a stream that is over is shown. Names of streams come and go, and each
	// makes series that Prometheus keeps for weeks.
	shownFor = time.Hour
)

// Describe describes nothing: which labels there are is known when they are asked for.
func (s *scrape) Describe(chan<- *prometheus.Desc) {}

// Collect asks once, and writes all that it is told.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f, now, p := s.source(ctx), time.Now(), page(ch)
	p.put(buildInfo, 1, s.version, runtime.Version())
	p.put(clock, float64(now.UnixNano())/1e9)
	p.put(uploaderUp, one(f.Uploader != nil))
	if f.Uploader != nil {
		p.uploader(f.Uploader)
		shown := shown(f.Uploader.Streams, now)
		p.counts(shown)
		if s.streamLabel {
			p.streams(shown[:min(len(shown), s.mostStreams)], now)
		}
	}
	p.roots(f.Roots)
	if f.EMS != nil {
		p.ems(f.EMS)
	}
	for kind, times := range sums(f) {
		p.put(troubles, float64(times), kind)
	}
	for kind, n := range f.Conditions {
		p.put(lasting, float64(n), kind)
	}
}

// sums returns how often there was trouble of each kind.
func sums(f Facts) map[string]uint64 {
	kinds := make(map[string]uint64)
	for _, c := range f.Troubles {
		kinds[c.Kind] += c.Times
	}
	return kinds
}

// shown returns the streams that are not over for long.
func shown(all []uploader.Stream, now time.Time) (shown []uploader.Stream) {
	for _, s := range all {
		over := s.State == health.Ended || s.State == health.Stale
		if !over || now.Sub(s.Since) < shownFor {
			shown = append(shown, s)
		}
	}
	return shown
}

// counts writes how many streams are in each state.
func (p page) counts(all []uploader.Stream) {
	counts := make(map[string]map[health.State]int)
	for _, s := range all {
		if counts[s.Format] == nil {
			counts[s.Format] = make(map[health.State]int)
		}
		counts[s.Format][s.State]++
	}
	for format, of := range counts {
		for _, state := range health.States {
			p.put(streams, float64(of[state]), format, state.String())
		}
	}
}

// uploader writes what concerns all streams.
func (p page) uploader(u *uploader.Facts) {
	f := &u.Figures
	for _, of := range []struct {
		family
		value int64
	}{
		{queue, int64(f.Queue)}, {waiting, int64(f.Waiting)}, {inFlight, int64(f.InFlight)}, {knownFiles, int64(f.Names)},
		{lost, f.Lost}, {unwritten, f.Unwritten}, {skipped, f.Skipped}, {found, f.Found}, {failures, f.Failures},
		{conflicts, f.Conflicts}, {unfinished, f.Unfinished}, {deleted, f.Deleted},
	} {
		p.put(of.family, float64(of.value))
	}
	for _, l := range u.Lanes {
		p.put(laneWindow, float64(l.Window), l.Format, l.Section, l.Bucket)
		for _, state := range publish.LaneStates {
			p.put(laneState, one(l.State.String() == state), l.Format, l.Section, l.Bucket, state)
		}
	}
	for _, s := range u.Spools {
		p.put(spoolBytes, float64(s.Bytes), s.Dir)
		p.put(spoolLimit, float64(s.Limit), s.Dir)
	}
}

// roots writes what concerns each watched directory.
func (p page) roots(all []Root) {
	for _, r := range all {
		p.put(rootReady, one(r.Ready), r.Dir)
		p.put(rootDegraded, one(r.Degraded), r.Dir)
		p.put(watches, float64(r.Watches), r.Dir)
		p.put(dirs, float64(r.Dirs), r.Dir)
		p.put(files, float64(r.Files), r.Dir)
		p.put(overflows, float64(r.Overflows), r.Dir)
		p.put(refusals, float64(r.Refusals), r.Dir)
	}
}

// ems writes what concerns the media server.
func (p page) ems(e *EMS) {
	p.put(emsUp, one(e.Answers))
	for typ, n := range e.Events.Taken {
		p.put(events, float64(n), typ)
	}
	p.put(eventsLost, float64(e.Events.Lost))
	p.put(idsMissing, float64(e.Events.Missing))
	p.put(duplicates, float64(e.Events.Duplicates))
	p.put(dropped, float64(e.Events.Dropped))
	p.put(refused, float64(e.Events.Refused))
	p.put(broken, float64(e.Events.Broken))
	p.put(waitingBytes, float64(e.Events.WaitingBytes))
}
