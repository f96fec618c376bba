package uploader

import "time"

const (
	// longReading is how long reading a manifest takes that is too large to be read at each
	// closing.
	longReading = 50 * time.Millisecond
	// paceShare is how many times as long other manifests are then read before it is read again.
	paceShare = 10
)

// A pace has the times at which slow manifests may be read again, by path. A manifest that is
// rewritten all the time does not keep the others of its root waiting (R9).
type pace map[string]time.Time

// next returns when p may be read.
func (w pace) next(p string) time.Time { return w[p] }

// took notes that p was read from begun until now.
func (w pace) took(p string, begun time.Time) {
	now := time.Now()
	if d := now.Sub(begun); d >= longReading && len(w) < maxPaced {
		w[p] = now.Add(paceShare * d)
	} else {
		delete(w, p)
	}
}
