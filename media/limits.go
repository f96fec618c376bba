package media

import (
	"bytes"
	"fmt"
)

const (
	// MaxReferences bounds what one manifest may name: an appending playlist of a day has 43,200 segments of 2 s. A few
	// bytes can claim billions.
	MaxReferences = 50_000
	// MaxManifests bounds how many of them may be manifests, each of which is a stream.
	MaxManifests = 2_000
	// maxTags and maxAttributes bound an XML document before it is decoded: they take many times their size then.
	maxTags       = 5 * MaxReferences
	maxAttributes = 10 * MaxReferences
)

// A TooManyError is about a manifest that has more of something than one may have.
type TooManyError struct {
	What  string // in the plural
	Count int    // at least
	Limit int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("it has %d %s, more than the %d that a manifest may have", e.Count, e.What, e.Limit)
}

// checkXML returns an error if the document has too much of what is decoded. What looks so in a comment counts, too.
func checkXML(document []byte) error {
	if n := bytes.Count(document, []byte("<")); n > maxTags {
		return &TooManyError{"XML tags", n, maxTags}
	}
	if n := bytes.Count(document, []byte("=")); n > maxAttributes {
		return &TooManyError{"XML attributes", n, maxAttributes}
	}
	return nil
}

// A Tally counts references as they come, so that nobody goes through more than a manifest may have.
type Tally struct{ all, manifests int }

// Add counts r. It returns a [TooManyError] if that is too much.
func (t *Tally) Add(r Reference) error {
	if t.all++; t.all > MaxReferences {
		return &TooManyError{"references", t.all, MaxReferences}
	}
	if r.Manifest {
		return t.AddManifest()
	}
	return nil
}

// AddManifest counts that what was added is a manifest, if the Reference does not say so.
func (t *Tally) AddManifest() error {
	if t.manifests++; t.manifests > MaxManifests {
		return &TooManyError{"references to manifests", t.manifests, MaxManifests}
	}
	return nil
}
