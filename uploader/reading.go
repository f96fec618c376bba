package uploader

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"ems-sidecar/media"
)

const (
	// maxManifest bounds what is read of one manifest, in bytes: an appending playlist of two days has 3 MiB.
	maxManifest = 8 << 20
	// maxBootstrap is the same for a bootstrap, whose runs take 16 bytes for each fragment at most.
	maxBootstrap = 2 << 20
	// maxSegments bounds what one manifest may name: a week of segments of 1.2 s. In HDS and DASH, a few bytes can
	// claim billions.
	maxSegments = 1 << 19
)

// A reading is what one closing of a manifest brought.
type reading struct {
	snapshot *snapshot
	refs     []string // paths below the root of what it waits for; segments last
	// onDisk has the version of each of refs as it was right after the manifest was read, or is nil if names
	// never come back in this format, and chunks do not change: then what is confirmed stays so.
	onDisk []media.Version
}

// A notManifestError is about what a manifest holds, which only its writer can change.
type notManifestError struct{ error }

// unfit are the manifests that were found to hold something else, since they last held one.
type unfit map[string]bool

// maxUnfit bounds what is remembered of them. Beyond it, one is logged at each closing.
const maxUnfit = 10_000

// first reports whether p was not one of them before.
func (u unfit) first(p string) bool {
	known := u[p]
	if len(u) < maxUnfit {
		u[p] = true
	}
	return !known
}

// errNotNamed says that nothing on disk tells yet what a bootstrap's fragments are called.
var errNotNamed = errors.New("no F4M names it yet")

// readManifest returns what the manifest p holds. The error is errChanged if it was written meanwhile.
func (src *Source) readManifest(p string) (reading, error) {
	content, version, err := src.readWhole(p)
	if err != nil {
		return reading{}, err
	}
	manifest, dir, err := src.parse(p, content)
	switch {
	case errors.Is(err, errNotNamed):
		return reading{}, err
	case err != nil && len(content) == 0:
		return reading{}, errChanged // EMS truncates and then writes
	case err != nil:
		return reading{}, &notManifestError{err}
	case manifest.Segments > maxSegments:
		return reading{}, &notManifestError{fmt.Errorf("it claims %d segments, more than the %d that a manifest may name", manifest.Segments, maxSegments)}
	}
	refs, others, outside := src.resolve(p, dir, manifest)
	r := reading{
		snapshot: &snapshot{
			content: content, sum: sha256.Sum256(content), md5: md5Of(content), parsed: manifest.WithoutReferences(),
			others: others, outside: outside, modTime: version.ModTime, readAt: time.Now(),
		},
		refs: refs,
	}
	if f := src.layout.Format; f.ReusesNames() || f.PatchesLate() {
		r.onDisk = src.versions(refs)
	}
	return r, nil
}

// readWhole returns the content of the manifest p and its version, or errChanged if it was written meanwhile.
func (src *Source) readWhole(p string) (content []byte, v media.Version, err error) {
	f, err := src.open(p)
	if err != nil {
		return nil, v, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, v, err
	}
	if most := src.mostOf(p); before.Size() > most {
		return nil, v, &notManifestError{fmt.Errorf("it has %d bytes, more than the %d that are read of such a file", before.Size(), most)}
	}
	content, v = make([]byte, before.Size()), media.VersionOf(before)
	if _, err := io.ReadFull(f, content); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, v, errChanged // truncated under our hands
		}
		return nil, v, err
	}
	return content, v, unchanged(f, v)
}

// mostOf returns how many bytes are read of the manifest p.
func (src *Source) mostOf(p string) int64 {
	if src.layout.IsBootstrap(p) {
		return maxBootstrap
	}
	return maxManifest
}

// parse returns what the manifest p names, and the directory to which that is relative.
func (src *Source) parse(p string, content []byte) (m media.Manifest, dir string, err error) {
	if src.layout.IsBootstrap(p) {
		b, err := media.ParseBootstrap(content)
		if err != nil {
			return m, "", err
		}
		bases := src.bases(p)
		if len(bases) == 0 && !src.bootstraps.waiting[p] {
			src.bootstraps.waiting[p] = true
			src.log.Warn("bootstrap waits for an F4M that names it, which tells what its fragments are called",
				"stream", src.layout.Stream(p), "key", src.dest.Prefix+p, "next", "it is published when there is one")
		}
		if len(bases) == 0 {
			return m, "", errNotNamed
		}
		return b.Manifest(bases), ".", nil
	}
	m, err = src.layout.Parse(p, content)
	if err == nil && src.layout.Format == media.HDS {
		if waited := src.bootstraps.learn(p, m); len(waited) > 0 {
			src.expecter.Expect(waited...)
		}
	}
	return m, path.Dir(p), err
}

// resolve returns the paths below the root that the manifest p waits for, its segments last, how many are no
// segments, and the first URI that leads out of the root. What another host has is not waited for.
func (src *Source) resolve(p, dir string, m media.Manifest) (paths []string, others int, outside string) {
	var segments []string
	seen := make(map[string]bool) // of what is no segment: representations share init segments
	for r := range m.References() {
		literal, decoded, out := media.Resolve(dir, r.URI)
		ambiguous := decoded != "" || out
		ref := literal
		if literal == "" || ambiguous && !src.exists(literal) {
			ref = decoded
		}
		switch {
		case ref == p: // it would wait for itself
		case ref != "" && r.Segment:
			if n := len(segments); n == 0 || segments[n-1] != ref { // ranges of one file
				segments = append(segments, ref)
			}
		case ref != "" && !seen[ref]:
			seen[ref] = true
			paths = append(paths, ref)
		case out && outside == "":
			outside = r.URI
		}
	}
	return append(paths, segments...), len(paths), outside
}
