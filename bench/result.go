package main

import (
	"math"
	"slices"
	"time"
)

// A result is what one round measured.
type result struct {
	Tool, Scheme string
	Case         string
	Took         time.Duration
	Chunks       int
	Bytes        int64
	CPU          time.Duration
	Memory       int64 // bytes, at the most
	Visible      percentiles
	Listed       percentiles
	Requests     requestCount
	Playlists    int // that reached the bucket
	Early        int // of those, before a chunk that they name
	Partial      int
	Lost         int // chunks that never reached the bucket
	Unlisted     int // chunks that no playlist in the bucket ever named
	Promised     int // chunks that the load should have had

	// Of an outage, from its end:
	First   time.Duration // until the first chunk came
	Current time.Duration // until all playlists were current
	Gone    time.Duration // until all chunks were there that were closed before its end
	OfLine  float64       // what came until then, as a part of what the line carries in that time
	Behind  time.Duration // how late the latest playlist was for a chunk that was closed meanwhile
	Then    time.Duration // and for one that was closed when all playlists were current again

	Edges     time.Duration // from the tool's start until all playlists were current
	Recording float64       // bytes a second
}

type percentiles struct{ P50, P99 time.Duration }

// never is how late something is that had not happened when the round ended, if it is not known
// better: more than any figure.
const never = time.Hour

// newResult returns what is known, at the time until, of the chunks that were closed from begin to end.
// Those that are not in the bucket, or not listed, count as if that were so only then.
func newResult(a *account, begin, end, until time.Time) result {
	r := result{Took: end.Sub(begin)}
	var visible, shown []time.Duration
	for _, c := range a.between(begin, end) {
		r.Chunks++
		r.Bytes += c.size
		if c.visible.IsZero() {
			r.Lost++
			c.visible = until
		}
		if c.listed.IsZero() {
			r.Unlisted++
			c.listed = until
		}
		visible = append(visible, c.visible.Sub(c.closed))
		shown = append(shown, c.listed.Sub(c.closed))
	}
	r.Visible, r.Listed = percentilesOf(visible), percentilesOf(shown)
	r.addViolations(a)
	return r
}

// addViolations adds those of an account.
func (r *result) addViolations(a *account) {
	playlists, early, partial := a.violations()
	r.Playlists, r.Early, r.Partial = r.Playlists+playlists, r.Early+early, r.Partial+partial
}

// recovered notes what happened after the outage, with a line that carries so many bytes a second.
func (r *result) recovered(a *account, o *outage, line float64) {
	before := a.between(time.Time{}, o.end)
	r.First = never
	for _, c := range before {
		r.Gone = max(r.Gone, lateness(c.visible, o.end))
		if c.visible.After(o.end) {
			r.First = min(r.First, c.visible.Sub(o.end))
		}
	}
	r.Current = currentAfter(a, streamsOf(before), o.end)
	gone, bytes := o.end.Add(r.Gone), int64(0)
	for _, c := range a.between(time.Time{}, gone) {
		if c.visible.After(o.end) && !c.visible.After(gone) {
			bytes += c.size
		}
		if c.closed.After(o.end) {
			r.Behind = max(r.Behind, lateness(c.listed, c.closed))
		}
		if c.closed.After(o.end.Add(r.Current)) {
			r.Then = max(r.Then, lateness(c.listed, c.closed))
		}
	}
	r.OfLine = ratio(float64(bytes), line*r.Gone.Seconds())
}

// currentAfter returns how long after a time playlists in the bucket named the newest chunks, as of that
// time, of so many streams, or newer ones.
func currentAfter(a *account, streams int, at time.Time) (latest time.Duration) {
	current := a.currentSince(at)
	if len(current) < streams {
		return never
	}
	for _, listed := range current {
		latest = max(latest, listed.Sub(at))
	}
	return latest
}

// lateness returns by how much something was later than that, or never if it never happened.
func lateness(happened, than time.Time) time.Duration {
	if happened.IsZero() {
		return never
	}
	return max(0, happened.Sub(than))
}

func percentilesOf(all []time.Duration) percentiles {
	if len(all) == 0 {
		return percentiles{}
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(math.Ceil(q*float64(len(all))))-1] }
	return percentiles{at(0.5), at(0.99)}
}

// perChunk returns the processor time that a chunk took, in milliseconds.
func (r result) perChunk() float64 {
	return ratio(float64(r.CPU)/float64(time.Millisecond), float64(r.Chunks))
}

func (r result) perGB() float64 { return ratio(r.CPU.Seconds(), float64(r.Bytes)/1e9) }

// ofCore returns the processor time in percent of one core.
func (r result) ofCore() float64 { return 100 * ratio(r.CPU.Seconds(), r.Took.Seconds()) }

// ratio returns a/b, or 0 if b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
