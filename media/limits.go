package media

import (
	"bytes"
	"fmt"
	"time"
)

// R8: bounded. A few bytes of a manifest can claim billions of names, so what a manifest may have
// is limited here. A parsed manifest takes memory for what it says, and not for what it names:
// names are made one by one, each of some 100 bytes. The XML formats take up to ten times the
// document's size while they are parsed. The reader of the file limits its size, and keeps what it
// names: 50,000 references take 34 MiB in the uploader.
const (
	// MaxReferences bounds what one manifest may name: an appending playlist of a day has 43,200
	// segments of 2 s.
	MaxReferences = 50_000
	// MaxManifests bounds how many of those may be manifests, each of which is a stream.
	MaxManifests = 2_000
	// maxTags and maxAttributes bound an XML document before it is parsed.
	maxTags       = 5 * MaxReferences
	maxAttributes = 10 * MaxReferences
	// maxURI bounds the URIs and patterns of which others are made, in bytes: a manifest of a
	// megabyte could name gigabytes otherwise. Browsers have long had this limit.
	maxURI = 2048
	// maxBases bounds the alternative places of one segment.
	maxBases = 32
	// maxSeries bounds the tracks of which the disk is asked for their segments: each name in a
	// directory is compared with each.
	maxSeries = 100
	// maxSpan bounds a duration in a manifest: six of them fit into a time.Duration.
	maxSpan = 48 * 365 * 24 * time.Hour
)

// A TooManyError is about a manifest with more of something than a manifest may have.
type TooManyError struct {
	What  string // in the plural
	Count int    // at least
	Limit int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("it has %d %s, more than the %d that a manifest may have", e.Count, e.What, e.Limit)
}

// checkLength returns an error if n bytes are too many for a URI or a pattern.
func checkLength(n int) error {
	if n > maxURI {
		return fmt.Errorf("a URI or a pattern of %d bytes is longer than %d", n, maxURI)
	}
	return nil
}

// checkXML returns an error if the document has too many elements. Those in comments count, too.
func checkXML(document []byte) error {
	if n := bytes.Count(document, []byte("<")); n > maxTags {
		return &TooManyError{"XML tags", n, maxTags}
	}
	if n := bytes.Count(document, []byte("=")); n > maxAttributes {
		return &TooManyError{"XML attributes", n, maxAttributes}
	}
	return nil
}

// A Tally counts references one by one, so that no one reads more of them than a manifest may have.
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

// AddManifest counts the reference that was added last as a manifest, if the Reference does not say
// so.
func (t *Tally) AddManifest() error {
	if t.manifests++; t.manifests > MaxManifests {
		return &TooManyError{"references to manifests", t.manifests, MaxManifests}
	}
	return nil
}
