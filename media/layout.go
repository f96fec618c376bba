package media

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Layout tells what the names below one root mean to one format.
type Layout struct {
	Format    Format
	Bootstrap string // HDS: the name of the files with bootstrap information
	// Include has patterns of [path.Match], separated by white space, for files that are published
	// although no manifest names them. Those with a slash are of paths below the root, the others of
	// names.
	Include string
	Writer  WriterName
	// RunPrefix: of HLS, files whose names may come back are published under the name of their run.
	RunPrefix bool
}

// A Role is the part that a file has in a stream.
type Role uint8

const (
	// OtherFile is published only if a manifest names it.
	OtherFile Role = iota
	// ChunkFile is a segment, a subtitle or a recording.
	ChunkFile
	// ManifestFile names others and is rewritten.
	ManifestFile
	// SideFile lies beside the media, such as a poster. It is published as soon as it is closed.
	SideFile
)

// A Kind is what a file's name tells of it.
type Kind struct {
	Role        Role
	ContentType string // for the object's Content-Type header
}

// bootstrapType is the content type of a file of bootstrap information, as Adobe's servers send it.
const bootstrapType = "video/abst"

// Kind returns what the file p is. A name that the format does not know is an OtherFile, or a
// SideFile.
func (l Layout) Kind(p string) Kind {
	row := l.Format.row()
	switch {
	case l.IsBootstrap(p):
		return Kind{ManifestFile, bootstrapType}
	case row.fragments != nil && row.fragments.MatchString(p):
		return row.fragment
	}
	k := Kind{OtherFile, contentTypeOf(p)}
	switch ext := extensionOf(p); {
	case slices.Contains(row.manifests, ext):
		k.Role = ManifestFile
	case slices.Contains(row.chunks, ext):
		k.Role = ChunkFile
	case l.includes(p):
		k.Role = SideFile
	}
	return k
}

// includes reports whether p is published for its name alone. A key is not: a private key may have
// that name, too.
func (l Layout) includes(p string) bool {
	for pattern := range strings.FieldsSeq(l.Include) {
		name := p
		if !strings.Contains(pattern, "/") {
			name = path.Base(p)
		}
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return extensionOf(p) != ".key"
		}
	}
	return false
}

// CheckInclude returns an error about the first of the patterns of [Layout.Include] that can match no
// file that is published for it.
func CheckInclude(patterns string) error {
	for pattern := range strings.FieldsSeq(patterns) {
		_, err := path.Match(pattern, "")
		switch {
		case err != nil:
			return fmt.Errorf("%s has a mistake in its [ ] or behind its \\", pattern)
		case strings.HasPrefix(pattern, "/"):
			return fmt.Errorf("%s begins with a slash: leave out the watched directory", pattern)
		case extensionOf(pattern) == ".key":
			return fmt.Errorf("%s is for keys, which are published only if a manifest names them", pattern)
		}
	}
	return nil
}

// IsRewritten reports whether p, which is no manifest, may get other content under its name,
// whatever the writer does with its chunks.
func (l Layout) IsRewritten(p string) bool {
	return isDocument[extensionOf(p)] || l.Kind(p).Role == SideFile
}

// IsBootstrap reports whether p is a file of bootstrap information. It is a manifest that
// [Layout.Parse] cannot read: it lists the fragments of media that only the F4M names which also
// names p. See [Manifest.Media] and [ParseBootstrap].
func (l Layout) IsBootstrap(p string) bool {
	return l.Format.HasBootstraps() && path.Base(p) == l.Bootstrap
}

// Parse reads the content of the manifest p. The error wraps [ErrIncomplete] if the content may
// only be cut short.
func (l Layout) Parse(p string, content []byte) (Manifest, error) {
	if l.IsBootstrap(p) || l.Kind(p).Role != ManifestFile {
		return Manifest{}, fmt.Errorf("%s: not a manifest of %s that can be read alone", p, l.Format)
	}
	return l.Format.row().parse(content)
}

// Cut returns the content of a manifest without the segments at its end for which gone returns
// true, and how many those are. It returns nil if no segment is left, or if the format has no such
// function.
func (l Layout) Cut(content []byte, gone func(uri string) bool) (cut []byte, n int) {
	if cut := l.Format.row().cut; cut != nil {
		return cut(content, gone)
	}
	return nil, 0
}

// Traits returns what the program w does with the files.
func (l Layout) Traits(w WriterName) *Traits {
	if w == EMSWrites {
		return EMS.Traits(l.Format)
	}
	return Generic.Traits(l.Format)
}

// WriterOf returns which program writes the file p, or NamesTell if its name does not tell. A chunk
// with a name that EMS would not give is any program's.
func (l Layout) WriterOf(p string) WriterName {
	p, _ = l.CutRun(p)
	isChunk := l.Kind(p).Role == ChunkFile
	switch {
	case l.Writer != NamesTell:
		return l.Writer
	case l.Format == HLS && isChunk && !emsSegment.MatchString(path.Base(p)), l.Format == DASH && isChunk && !l.inTrack(p):
		return AnyWrites
	case isChunk || l.inTrack(p):
		return EMSWrites
	}
	return NamesTell
}

// MayReturn reports whether the name of a file that a manifest names may come back with other
// content, as far as the names tell.
func (l Layout) MayReturn(files []string) bool {
	w := NamesTell
	for _, p := range files {
		if of := l.WriterOf(p); of != NamesTell && w != AnyWrites {
			w = of
		}
	}
	t := l.Traits(w)
	return t.ReusesNames || t.PatchesLate
}

// emsSegment is what EMS calls the segments of HLS, behind a base name that can be chosen: the time
// of the run's start in milliseconds, and a number.
var emsSegment = regexp.MustCompile(`_([0-9]{13})_([0-9]+)\.[a-z0-9]+$`)

// ClosesEarly reports whether p is a chunk that is closed once before it is whole.
func (l Layout) ClosesEarly(p string) bool {
	return l.Kind(p).Role == ChunkFile && l.Traits(l.WriterOf(p)).ClosesEarly
}

// inTrack reports whether p is in a directory for one bitrate of a track.
func (l Layout) inTrack(p string) bool {
	return slices.Contains(EMS.Traits(l.Format).Tracks, path.Base(path.Dir(path.Dir(p))))
}

// Stream returns the directory of the stream that p belongs to.
func (l Layout) Stream(p string) string {
	p, _ = l.CutRun(p)
	dir := path.Dir(p)
	if l.inTrack(p) {
		return path.Dir(path.Dir(dir))
	}
	return dir
}

// Unfinished returns the names of files that stand beside p only as long as p is not whole.
func (l Layout) Unfinished(p string) []string {
	var names []string
	for _, ext := range EMS.Traits(l.Format).PartFiles[extensionOf(p)] {
		names = append(names, p+ext)
	}
	return names
}
