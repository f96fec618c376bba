package publish

import (
	"slices"
	"time"
)

const (
	// firstWindow is how many requests are in flight before it is known how the bucket bears them.
	// It does not get smaller because answers are slow: that may be the bucket's own trouble.
	firstWindow = 16
	// leastWindow is how many are in flight at the least when the bucket wants fewer.
	leastWindow = 2
	// windowAnswers is of how many answers, to PUTs of about one size, the median is judged.
	windowAnswers = 64
	// A window grows while the median is below steadyStretch of the least one that was seen, and
	// shrinks above tooStretched: then requests only wait for each other, on the line or in the store.
	steadyStretch = 1.5
	tooStretched  = 2.5
	// If the median stays above stillAsLong of what it was before the window shrank twice, so that
	// nearly half of the requests are left, the bucket itself has become slower.
	stillAsLong = 0.8
	// After the bucket wanted fewer requests, the window grows one by one for so long.
	cautiousTime = time.Minute
	// windowCutPause is how long the window stays after that: answers to what was in flight tell of
	// the former one.
	windowCutPause = time.Second
)

// A window is how many requests to one bucket may be in flight at once: as many as the line and the
// store take, within the bound of Settings.Workers.
type window struct {
	size     int
	inFlight int
	filled   bool // so many were in flight since the last judgement
	cutAt    time.Time
	medians  [latencySizes]medians
}

// room reports whether one more request may be in flight.
func (w *window) room() bool { return w.inFlight < w.size }

// begin counts a request.
func (w *window) begin() {
	w.inFlight++
	w.filled = w.filled || !w.room()
}

// end counts the end of a request.
func (w *window) end() { w.inFlight-- }

// answered judges the window by how long the PUT of so many bytes took. bound is the largest size.
func (w *window) answered(size int64, took time.Duration, bound int, now time.Time) {
	switch v := w.medians[sizeClass(size)].note(took); {
	case v == noMedian:
		return
	case v == tooLong:
		w.size = max(min(w.size, firstWindow), w.size*3/4)
	case v == longer || !w.filled:
	case now.Before(w.cutAt.Add(cautiousTime)):
		w.size++
	default:
		w.size += (w.size + 1) / 2
	}
	w.size = min(w.size, bound)
	w.filled = false
}

// throttled applies that the bucket wants fewer requests.
func (w *window) throttled(now time.Time) {
	if now.Before(w.cutAt.Add(windowCutPause)) {
		return
	}
	w.cutAt = now
	w.size = max(min(w.size, leastWindow), w.size*7/10)
}

// medians are those of the PUTs of about one size.
type medians struct {
	took   []time.Duration // since the last median
	least  time.Duration   // 0: none is known
	shrunk int             // how many medians in a row were too long
	first  time.Duration   // of these
}

// A verdict says how a median compares with the least one.
type verdict uint8

const (
	noMedian verdict = iota
	steady
	longer
	tooLong
)

// note adds a PUT, and judges the median if that makes one.
func (m *medians) note(took time.Duration) verdict {
	if m.took = append(m.took, took); len(m.took) < windowAnswers {
		return noMedian
	}
	slices.Sort(m.took)
	median := max(1, m.took[windowAnswers/2])
	m.took = m.took[:0]
	if m.least == 0 || median < m.least {
		m.least = median
	}
	stretch := float64(median) / float64(m.least)
	if stretch <= tooStretched {
		m.shrunk = 0
		if stretch > steadyStretch {
			return longer
		}
		return steady
	}
	switch m.shrunk++; {
	case m.shrunk == 1:
		m.first = median
	case m.shrunk > 2 && float64(median) > stillAsLong*float64(m.first):
		m.least, m.shrunk = median, 0
		return longer
	}
	return tooLong
}
