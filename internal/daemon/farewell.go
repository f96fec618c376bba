package daemon

import (
	"context"
	"time"

	"ems-sidecar/uploader"
)

// Often the media server is told to end at the same time as the daemon. Then it closes the last
// segment of each stream, and writes the stream's end a moment later. A server that goes on begins
// new segments. The daemon watches until it knows which it is.
const (
	// graceTime is how long a server that ends with the daemon may begin new segments, and may
	// pause between the ends of two streams.
	graceTime = 2 * time.Second
	// confirmTime is how long after the beginning of the last segment a stream's end may follow. A
	// writer that renames its segments has finished one when it appears.
	confirmTime = time.Second
	// settleTime is how long after a change others may follow that belong to it: an F4M follows its
	// bootstrap.
	settleTime = 500 * time.Millisecond
	// quietTime is how long nothing is written before the server counts as gone.
	quietTime = 3 * time.Second
	// sightEvery is how often we look.
	sightEvery = 100 * time.Millisecond
)

// A sight is the state of the live streams at one moment.
type sight struct {
	written int       // segments that are being written
	begun   time.Time // when the last one was begun
	changed time.Time // when a file was last written or deleted
	uploader.Outlook
}

// A farewell decides when the daemon, which was told to end, stops watching.
type farewell struct {
	began     time.Time // when it was told so
	until     time.Time // the latest time to stop
	wroteOpen bool      // a segment was seen with a writer: so one without a writer is not being written
	goesOn    time.Time // since when there is a sign that the server goes on; zero: none
	arrived   int64
	moved     time.Time // when something last arrived in the bucket
}

// reason is why to stop watching; empty: not yet.
type reason string

const (
	stay       reason = ""
	noneLive   reason = "no stream is live"
	allEnded   reason = "all live streams have ended, and their ends are published"
	serverRuns reason = "the writer goes on"
	nothing    reason = "nothing is written any more"
	tooLate    reason = "drain_timeout is over"
)

func (f *farewell) decide(now time.Time, s sight) reason {
	f.wroteOpen = f.wroteOpen || s.written > 0
	if s.Arrived != f.arrived {
		f.arrived, f.moved = s.Arrived, now
	}
	over := s.written == 0 && s.Unended == 0 && now.Sub(s.changed) >= settleTime
	switch runs := f.serverRuns(now, s); {
	case over && s.Ended.IsZero():
		return noneLive
	case over:
		return allEnded
	case runs:
		return serverRuns
	case s.written == 0 && f.isQuiet(now, s):
		return nothing
	case !now.Before(f.until):
		return tooLate
	}
	return stay
}

// serverRuns reports whether there is a sign since confirmTime that the server goes on: a segment
// that was begun more than graceTime after the signal to end and the last end of a stream.
func (f *farewell) serverRuns(now time.Time, s sight) bool {
	switch sign := later(f.began, s.Ended).Add(graceTime); {
	case !s.begun.After(sign):
		f.goesOn = time.Time{}
	case f.goesOn.IsZero():
		f.goesOn = now
	}
	return !f.goesOn.IsZero() && now.Sub(f.goesOn) >= confirmTime
}

// isQuiet reports whether nothing was written and nothing arrived in the bucket for long enough.
func (f *farewell) isQuiet(now time.Time, s sight) bool {
	patience := quietTime
	if !f.wroteOpen { // a writer that makes segments at once is seen once in a target duration
		patience = max(patience, s.Target*3/2)
	}
	return now.Sub(later(s.changed, f.moved)) >= patience
}

// seeOff waits until the daemon is to stop watching, or has stopped. drain_timeout limits it.
func (d *Daemon) seeOff(ctx context.Context) {
	now := time.Now()
	first, _ := d.up.Outlook(ctx) // an end is seen below
	f := farewell{began: now, until: now.Add(d.config().Upload.DrainTimeout), arrived: first.Arrived}
	d.up.DrainBy(f.until)
	tick := time.NewTicker(sightEvery)
	defer tick.Stop()
	for {
		s, ok := d.look(ctx)
		if !ok {
			return
		}
		if why := f.decide(time.Now(), s); why != stay {
			d.log.Info("draining", "reason", string(why))
			return
		}
		<-tick.C
	}
}

// look returns what there is to see, or false when nothing is published any more.
func (d *Daemon) look(ctx context.Context) (s sight, ok bool) {
	s.Outlook, ok = d.up.Outlook(ctx)
	for _, r := range d.roots.list() {
		if r.holdsRecordings() {
			continue // the next start finds a recording that ends later
		}
		state := r.watcher.State()
		s.written += state.Written
		s.begun, s.changed = later(s.begun, state.Begun), later(s.changed, state.Changed)
	}
	return s, ok
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
