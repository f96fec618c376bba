package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

// readInherited reads the manifests that the bucket has in the directories of the job, except known
// ones.
func (src *Source) readInherited(ctx context.Context, r *publish.Result) {
	for _, dir := range r.Survey.Dirs {
		err := src.readInheritedIn(ctx, r, dir)
		switch {
		case err == nil:
			r.Surveyed = append(r.Surveyed, dir)
		case r.Err == nil:
			r.Err = err // the other directories may still be readable
		}
		if ctx.Err() != nil || errors.Is(err, ErrBucket) {
			return
		}
	}
}

func (src *Source) readInheritedIn(ctx context.Context, r *publish.Result, dir string) error {
	prefix := src.dest.Prefix
	below := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if dir != "." {
		below = prefix + dir + "/"
	}
	var found []string
	err := src.store(ctx).List(ctx, below, "", func(key string, _ publish.ObjectInfo) error {
		p, ours := strings.CutPrefix(key, prefix)
		if !ours || p == "" || src.layout.Kind(p).Role != media.ManifestFile || r.Survey.Known[p] || src.isDVR(p) {
			return nil
		}
		if found = append(found, p); len(found) > maxInherited {
			return fmt.Errorf("%q has more than %d manifests that are not on the disk", below, maxInherited)
		}
		return nil
	})
	for _, p := range found {
		if err == nil {
			err = src.inherit(ctx, r, p)
		}
	}
	return err
}

// isDVR reports whether p is a playlist of the archivist, which says itself what leaves it.
func (src *Source) isDVR(p string) bool { return src.dest.DVR > 0 && path.Base(p) == archive.DVRName }

// inherit reads the manifest p from the bucket.
func (src *Source) inherit(ctx context.Context, r *publish.Result, p string) error {
	content, found, err := src.store(ctx).Read(ctx, src.dest.Prefix+p, src.mostOf(p))
	refused := errors.Is(err, ErrPermanent) && !errors.Is(err, ErrBucket)
	switch {
	case err != nil && !refused:
		return err
	case err == nil && !found:
		return nil
	}
	in := publish.Inherited{Path: p}
	// A bootstrap cannot be read without the F4M that named it, which may belong to another run by
	// now.
	if m, err := src.layout.Parse(p, content); err == nil && content != nil {
		in.Reading = &publish.Reading{Sum: sha256.Sum256(content), MD5: publish.MD5(content),
			Manifest: m.WithoutReferences(), References: namedBy(p, m, src.namesIn(path.Dir(p))), ReadAt: time.Now()}
	}
	r.Inherited = append(r.Inherited, in)
	return nil
}

// namedBy returns the paths that the manifest p may name below the root.
func namedBy(p string, m media.Manifest, names *media.Names) (refs []string) {
	seen := map[string]bool{p: true}
	for ref := range m.References() {
		for _, q := range names.All(ref.URI) { // all but one stay for nothing
			if !seen[q] {
				seen[q] = true
				refs = append(refs, q)
			}
		}
	}
	return refs
}
