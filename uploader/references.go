package uploader

import (
	"context"
	"errors"
	"path"
	"slices"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// maxAwaited bounds the files for which a manifest is read again when they appear.
const maxAwaited = 1000

// references are the paths below the root that a manifest waits for.
type references struct {
	// optional are no segments, and players go on without them; others are no segments.
	optional, others, segments []string

	seen        map[string]bool // of optional and others: representations share init segments
	tally       media.Tally
	directories map[string]struct{}
	bytes       int
	awaited     []string // files that do not exist, and that addresses would mean
	outside     string   // the first URI that leads out of the root
	hostPath    string   // the first one that is a path on this host
}

// all returns all of the paths: those of optional, others and segments.
func (r *references) all() []string { return slices.Concat(r.optional, r.others, r.segments) }

// resolve returns what the manifest p waits for. It does not wait for files of other hosts. have reports
// whether a file exists. The error is a [media.TooManyError].
func (src *Source) resolve(p string, m media.Manifest, names *media.Names,
	have func(string) bool) (r references, err error) {
	r = references{seen: make(map[string]bool), directories: make(map[string]struct{})}
	for ref := range m.References() {
		if err := r.tally.Add(ref); err != nil {
			return r, atLeast(err, m.Segments)
		}
		if r.hostPath == "" && media.IsHostPath(src.dir, ref.URI) {
			r.hostPath = ref.URI
		}
		name, out := names.File(ref.URI, have)
		if name == "" {
			if out && r.outside == "" {
				r.outside = ref.URI
			}
			r.await(names.Beside(ref.URI), p)
			continue
		}
		if name == p { // it would wait for itself for ever
			continue
		}
		isManifest := ref.Manifest || src.layout.Kind(name).Role == media.ManifestFile
		if err := r.add(name, ref, isManifest && !ref.Manifest); err != nil {
			return r, err
		}
	}
	return r, nil
}

// await adds beside, which an address would mean if there were such a file, unless it is "", or the
// manifest p itself.
func (r *references) await(beside, p string) {
	if beside != "" && beside != p && len(r.awaited) < maxAwaited {
		r.awaited = append(r.awaited, beside)
	}
}

// add adds the path p of ref. uncounted: it is a manifest by its name, and the tally does not know
// that.
func (r *references) add(p string, ref media.Reference, uncounted bool) error {
	switch n := len(r.segments); {
	case ref.Segment && n > 0 && r.segments[n-1] == p, r.seen[p]: // ranges of one file
		return nil
	case ref.Segment:
		r.segments = append(r.segments, p)
	case ref.Optional:
		r.seen[p] = true
		r.optional = append(r.optional, p)
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
