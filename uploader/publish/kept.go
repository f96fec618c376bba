package publish

import (
	"time"

	"ems-sidecar/media"
)

// An unnamedFile is one that is uploaded only if a manifest names it, while none does. It may be
// kept all the same, for a manifest that named it before.
type unnamedFile struct {
	src  *Source
	path string
}

// A closing is when a file was reported to be closed, and in which version.
type closing struct {
	version media.Version
	at      time.Time
}

// keptUnnamed notes that p is kept in version v, although perhaps no manifest names it.
func (s *Schedule) keptUnnamed(src *Source, p string, v media.Version, now time.Time) {
	k := unnamedFile{src, p}
	if f := src.files[p]; f != nil && f.naming.now > 0 {
		return
	}
	if known := s.unnamed[k]; src.layout.Kind(p).Role == media.OtherFile && !known.version.Equal(v) {
		s.unnamed[k] = closing{v, now}
	}
}

// Linked applies that p, which was reported closed, was linked into the spool for that.
func (s *Schedule) Linked(src *Source, p string) {
	if f, ok := src.files[p]; ok && !f.bucket.has(f.disk.version) {
		s.step(f, StageKept)
	}
}

// releaseUnnamed gives up what no manifest has named: after a start, files that are kept are known
// before the manifests.
func (s *Schedule) releaseUnnamed(now time.Time) {
	for k, c := range s.unnamed {
		f := k.src.files[k.path]
		switch {
		case f != nil && f.naming.now > 0 && f.disk.version != (media.Version{}):
			delete(s.unnamed, k)
		case f != nil && (f.naming.now > 0 || f.work.state != idle) || now.Sub(c.at) < manifestMemory:
		default:
			delete(s.unnamed, k)
			k.src.release(k.path, c.version, Unwanted)
		}
	}
}

// Kept applies that the name of the chunk p is gone, and that it is kept in version v until it is
// released.
func (s *Schedule) Kept(src *Source, p string, v media.Version, now time.Time) {
	if !src.owns(p) {
		s.notOwned(src, p, v)
		return
	}
	defer s.touchPath(src, p, src.streamOf(p))
	if f := src.files[p]; f != nil && f.disk.version == (media.Version{}) {
		f.disk.nameKept() // its name was gone before, but not the file
	}
	s.chunkClosed(src, p, v, now)
	s.keptUnnamed(src, p, v, now)
	s.left(src, p, now)
	s.removed(src, p)
}
