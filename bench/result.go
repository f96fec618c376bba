package main

import (
	"slices"
	"time"
)

// A result is what one round measured.
type result struct {
	Tool, Scheme  string
	Took          time.Duration
	Chunks        int
	Bytes         int64
	CPU           time.Duration
	Memory        int64 // bytes, at the most
	Visible       percentiles
	Listed        percentiles
	Requests      requestCount
	Playlists     int // that reached the bucket
	Early         int // of those, before a chunk that they name
	Partial       int
	Lost          int // chunks that never reached the bucket
	Unlisted      int // chunks that no playlist in the bucket ever named
	Current, Gone time.Duration
}

type percentiles struct{ P50, P99 time.Duration }

// newResult returns what is known of the chunks that were closed from begin to end.
func newResult(a *account, begin, end time.Time) result {
	r := result{Took: end.Sub(begin)}
	var visible, shown []time.Duration
	for _, c := range a.between(begin, end) {
		r.Chunks++
		r.Bytes += c.size
		if c.visible.IsZero() {
			r.Lost++
		} else {
			visible = append(visible, c.visible.Sub(c.closed))
		}
		if c.listed.IsZero() {
			r.Unlisted++
		} else {
			shown = append(shown, c.listed.Sub(c.closed))
		}
	}
	r.Visible, r.Listed = percentilesOf(visible), percentilesOf(shown)
	r.Playlists, r.Early, r.Partial = a.violations()
	return r
}

// recovered notes how long after the outage all playlists were current, and all chunks in the
// bucket that were closed before its end.
func (r *result) recovered(a *account, o *outage) {
	newest := make(map[int]chunk)
	for _, c := range a.between(time.Time{}, o.end) {
		newest[c.stream] = c
		r.Gone = max(r.Gone, c.visible.Sub(o.end))
	}
	for _, c := range newest {
		r.Current = max(r.Current, c.listed.Sub(o.end))
	}
}

func percentilesOf(all []time.Duration) percentiles {
	if len(all) == 0 {
		return percentiles{}
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))] }
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
