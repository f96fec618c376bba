package uploader

import (
	"context"
	"errors"
	"path"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// references are the paths below the root that a manifest waits for.
type references struct {
	others, segments []string        // no segments, and segments
	seen             map[string]bool // of others: representations share init segments
	tally            media.Tally
	directories      map[string]struct{}
	bytes            int
	outside          string // the first URI that leads out of the root
}

// resolve returns the paths below the root that the manifest p waits for, with its segments last,
// and how many are no segments. It also returns the first URI that leads out of the root. The
// manifest does not wait for files of other hosts. The error is a [media.TooManyError].
func (src *Source) resolve(p, dir string, m media.Manifest) (paths []string, others int, outside string, err error) {
	r := references{seen: make(map[string]bool), directories: make(map[string]struct{})}
	files := lookup{src: src}
	defer files.close()
	for ref := range m.References() {
		if err := r.tally.Add(ref); err != nil {
			return nil, 0, "", atLeast(err, m.Segments)
		}
		literal, decoded, out := media.Resolve(dir, ref.URI)
		ambiguous := decoded != "" || out
		name := literal
		if literal == "" || ambiguous && !files.have(literal) {
			name = decoded
		}
		if name == "" && out && r.outside == "" {
			r.outside = ref.URI
		}
		if name == "" || name == p { // it would wait for itself for ever
			continue
		}
		isManifest := ref.Manifest || src.layout.Kind(name).Role == media.ManifestFile
		if err := r.add(name, ref.Segment, isManifest && !ref.Manifest); err != nil {
			return nil, 0, "", err
		}
	}
	return append(r.others, r.segments...), len(r.others), r.outside, nil
}

// add adds the path p. uncounted: it is a manifest by its name, and the tally does not know that.
func (r *references) add(p string, segment, uncounted bool) error {
	switch n := len(r.segments); {
	case segment && n > 0 && r.segments[n-1] == p, r.seen[p]: // ranges of one file
		return nil
	case segment:
		r.segments = append(r.segments, p)
	default:
		r.seen[p] = true
		r.others = append(r.others, p)
	}
	if uncounted {
		if err := r.tally.AddManifest(); err != nil {
			return err
		}
	}
	r.directories[path.Dir(p)] = struct{}{}
	r.bytes += len(p)
	switch {
	case len(r.directories) > maxDirectories:
		return &media.TooManyError{What: "directories with files that it names", Count: len(r.directories),
			Limit: maxDirectories}
	case r.bytes > maxNames:
		return &media.TooManyError{What: "bytes of names", Count: r.bytes, Limit: maxNames}
	}
	return nil
}

// atLeast raises the count of a TooManyError to what the manifest claims.
func atLeast(err error, claimed int) error {
	var e *media.TooManyError
	if errors.As(err, &e) {
		e.Count = max(e.Count, claimed)
	}
	return err
}

// prepare has the schedule create the files of many references, some at a time, so that no manifest
// holds up the others. It returns false if the uploader ends.
func (src *Source) prepare(ctx context.Context, p string, r *publish.Reading) bool {
	for more := r.IsLarge(); more; {
		left, ok := ask(ctx, src.uploader, func(s *publish.Schedule, _ time.Time) bool { return s.Prepare(src.plan, p, r) })
		if !ok {
			return false
		}
		more = left
	}
	return true
}
