package uploader

import "time"

const (
	// longReading is how long it takes to read a manifest that is too large to be read at each closing.
	longReading = 50 * time.Millisecond
	// paceShare is how many times as long others have their turn then.
	paceShare = 10
)

// A pace tells when manifests that take long may be read again, by their paths. One that is rewritten all the time does not
// keep the others of its root waiting (R9).
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
