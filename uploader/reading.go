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
)

// A reading is what one closing of a manifest brought.
type reading struct {
	snapshot *snapshot
	refs     []string // paths below the root of what it waits for; segments last
	// onDisk has the version of each of refs as it was right after the manifest was read, or is nil if names
	// never come back in this format, and chunks do not change: then what is confirmed stays so.
	onDisk []media.Version

	// If there are many: the files of refs, which were made one after the other, and count as named once more; or that
	// they are too many together with those of other manifests.
	files   []*file
	tooMuch error
}

// A notManifestError is about what a manifest holds, which only its writer can change.
type notManifestError struct{ error }

func (e *notManifestError) Unwrap() error { return e.error }

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

// refuse logs that the manifest p names too much.
func (src *Source) refuse(p string, many *media.TooManyError) {
	src.log.Error("manifest is not published: it names too much", "stream", src.layout.Stream(p), "key", src.dest.Prefix+p,
		"what", many.What, "count", many.Count, "limit", many.Limit,
		"next", "its next closing is waited for; this is logged again when it was readable in between")
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
	}
	refs, others, outside, err := src.resolve(p, dir, manifest)
	if err != nil {
		return reading{}, &notManifestError{err}
	}
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
