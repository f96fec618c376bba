package publish

import (
	"fmt"
	"time"
)

// Knows reports whether anything is remembered of the file p.
func (src *Source) Knows(p string) bool { return src.files[p] != nil }

// State returns what is known of the file p, in words, or "" if nothing is.
func (src *Source) State(p string, now time.Time) string {
	f := src.files[p]
	switch {
	case f == nil:
		return ""
	case f.manifest == nil:
		return f.String()
	case len(f.manifest.waiting) > 0:
		return fmt.Sprintf("%s/%s, %d waiting", f.disk.state, f.manifest.state(now), len(f.manifest.waiting))
	}
	return f.disk.state.String() + "/" + f.manifest.state(now)
}
