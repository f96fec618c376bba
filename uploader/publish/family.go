package publish

import (
	"slices"

	"ems-sidecar/media"
)

// A writer may list the same segments in manifests of several formats, as with CMAF. Sections that
// publish one root to the same place in the store would then upload each file once per section, with
// headers in turn. So each file has one owner, which uploads it; manifests of all formats name it, wait
// for it, and keep it.

// A family is the sources of one root whose files have the same keys: at most one for each format.
type family struct {
	sources    []*Source // in the order in which they were added
	generation uint64    // grows when a confirmed file has new content
}

// join makes src, which is new, one of its family.
func (s *Schedule) join(src *Source) {
	for _, o := range s.sources {
		same := o.root == src.root && o.dest.IsWith(src.dest)
		if same && !o.bulk() && !src.bulk() && !o.family.has(src.layout.Format) {
			src.family = o.family
		}
	}
	if src.family == nil {
		src.family = &family{}
	}
	src.family.sources = append(src.family.sources, src)
}

func (f *family) has(format media.Format) bool {
	return slices.ContainsFunc(f.sources, func(o *Source) bool { return o.layout.Format == format })
}

// forgetArchives has the archives of st asked again which of its files they name.
func (f *family) forgetArchives(st *stream) {
	for _, src := range f.sources {
		if r := src.retention; r != nil {
			delete(r.archives, st.name)
		}
	}
}

// isManifest reports whether p is a manifest of one of the formats.
func (f *family) isManifest(p string) bool {
	return slices.ContainsFunc(f.sources, func(o *Source) bool { return o.layout.Kind(p).Role == media.ManifestFile })
}

// find returns what is known of the file p, whichever source of the family owns it, or nil.
func (src *Source) find(p string) *file {
	if f, ok := src.files[p]; ok {
		return f
	}
	for _, o := range src.family.sources {
		if f, ok := o.files[p]; ok && (!o.retired || f.bucket.isConfirmed() || f.work.state != idle) {
			return f
		}
	}
	return nil
}

// owns reports whether src is the owner of the file p.
func (src *Source) owns(p string) bool {
	if f := src.find(p); f != nil {
		return f.src == src
	}
	return src.ownerOf(p) == src
}

// ownerOf returns the owner of the file p, of which nothing is known: the first source whose format
// knows the name. A file that belongs to any format is that of the first manifest that names it.
func (src *Source) ownerOf(p string) *Source {
	owner, claim := src, src.claim(p)
	for _, o := range src.family.sources {
		if c := o.claim(p); c > claim || c == claim && claim > noClaim && o.joinedBefore(owner) {
			owner, claim = o, c
		}
	}
	return owner
}

func (src *Source) joinedBefore(o *Source) bool {
	all := src.family.sources
	return slices.Index(all, src) < slices.Index(all, o)
}

type claim uint8

const (
	noClaim   claim = iota
	sideClaim       // the config names it
	fullClaim       // the format does
	cutClaim        // it is a piece that the section may have cut, of a file of any format, or has the name of its run
)

// claim returns what right src has to the file p. Of a stream whose runs have names, files have other
// keys.
func (src *Source) claim(p string) claim {
	if src.retired || src.layout.DatesRuns(p) {
		return noClaim
	}
	if _, run := src.layout.CutRun(p); run != "" {
		return cutClaim
	}
	if src.dest.SplitRanges && isPiece(p) && !src.family.isManifest(p) {
		return cutClaim
	}
	switch src.layout.Kind(p).Role {
	case media.OtherFile:
		return noClaim
	case media.SideFile:
		return sideClaim
	}
	return fullClaim
}

// notOwned applies that p was reported to src, which does not own it: its owner hears of it, too.
func (s *Schedule) notOwned(src *Source, p string, v media.Version) { src.release(p, v, Unwanted) }

// twins are the streams of other formats whose manifests name files of st.
func (st *stream) twins() (twins []*stream) {
	for _, m := range st.links.namedBy {
		if by := m.file.stream; by.src != st.src && !slices.Contains(twins, by) {
			twins = append(twins, by)
		}
	}
	return twins
}

// mirrors reports whether the object of f is deleted when its file is: all sections whose manifests
// name files of its stream want that.
func (f *file) mirrors() bool {
	keeps := func(st *stream) bool { return !st.src.dest.Delete }
	return f.src.dest.Delete && !slices.ContainsFunc(f.stream.twins(), keeps)
}
