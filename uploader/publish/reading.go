package publish

import (
	"crypto/sha256"
	"time"

	"ems-sidecar/media"
)

// A Reading is what one closing of a manifest brought.
type Reading struct {
	Content    []byte
	Sum        [sha256.Size]byte // of Content
	MD5        string            // of Content, in hex; "" for a manifest that is not sent
	Manifest   media.Manifest    // without its references
	References []string          // paths below the root of the files that it waits for; segments last
	Others     int               // of References, at its beginning: those that are no segments
	Optional   int               // of Others, at its beginning: those without which players go on
	Outside    string            // the first URI that leads out of the root
	Names      *media.Names      // what other URIs mean that the manifest or its editions may have; nil: by their names
	ModTime    time.Time         // of the file
	ReadAt     time.Time
	// OnDisk has the version of each of References as it was right after the manifest was read, or
	// is nil if names never come back in this format, and chunks do not change: then what is
	// confirmed stays so.
	OnDisk []media.Version

	// If there are many: the files of References, which were made one after the other, and count as
	// named once more; or that they are too many together with those of other manifests.
	files   []*file
	tooMuch error
}

// snapshot returns what was read, without the files.
func (r Reading) snapshot() *snapshot {
	own := edition{content: r.Content, sum: r.Sum, md5: r.MD5, ended: r.Manifest.Ended}
	return &snapshot{sum: r.Sum, parsed: r.Manifest, own: own, edition: own, onDisk: r.OnDisk, others: r.Others,
		optional: r.Optional, outside: r.Outside, origin: origin{modTime: r.ModTime, readAt: r.ReadAt}}
}

// IsLarge reports whether r has to be prepared before it is reported.
func (r *Reading) IsLarge() bool { return len(r.References) > sliceOfReferences }

// Prepare has the files of a large reading of the manifest p made, some at a time, so that no
// manifest holds up the others. It reports whether it has to be called again.
func (s *Schedule) Prepare(src *Source, p string, r *Reading) (more bool) {
	if len(r.files) == 0 {
		r.tooMuch = s.tooMuch(s.file(src, p).manifest, *r)
	}
	if r.tooMuch != nil {
		return false
	}
	rest := r.References[len(r.files):]
	for _, ref := range rest[:min(len(rest), sliceOfReferences)] {
		f := s.file(src, ref)
		f.naming.now++
		r.files = append(r.files, f)
	}
	return len(r.files) < len(r.References)
}

// letGo takes back what Prepare counted.
func (r Reading) letGo() {
	for _, f := range r.files {
		f.naming.now--
		f.src.forgetIfUnused(f)
	}
}
