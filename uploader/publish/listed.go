package publish

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// An archive names what viewers were shown, wherever it is made: see package archive. What it names
// stays in the bucket, also with Destination.Delete. With Destination.Archive, all chunks stay, also
// those that are not listed yet. Else, of what a run has published, it knows itself what the DVR playlist
// and clips name. Of files of earlier runs, the bucket's archives and clips tell, which a survey reads.

// A Listed is a Media Playlist of HLS that viewers have from now on.
type Listed struct {
	Source  *Source
	Path    string // of the playlist, below the root
	Content []byte
	Chunks  map[string]ListedChunk // the files that viewers did not know of before, by their paths
}

// A ListedChunk is the file of a segment.
type ListedChunk struct {
	Closed time.Time // by the clock of the host that wrote it
	Size   int64     // bytes
}

// Archives reports whether what is published is listed for longer than the server lists it.
func (d *Destination) Archives() bool { return d.Archive || d.DVR > 0 }

// tellListed adds to the effects that viewers have the content of m, which is s.
func (s *Schedule) tellListed(m *manifest, snap *snapshot) {
	src := m.file.src
	if !src.dest.Archives() || src.layout.Format != media.HLS || snap.parsed.Set || snap.edition.content == nil {
		return
	}
	l := Listed{Source: src, Path: m.file.path, Content: snap.edition.content, Chunks: make(map[string]ListedChunk)}
	for f := range snap.named() {
		if f.manifest != nil || f.naming.listed {
			continue
		}
		f.naming.archived = isInArchive
		if v := f.disk.version; !v.ModTime.IsZero() {
			l.Chunks[f.path] = ListedChunk{v.ModTime, v.Size}
		}
	}
	s.effects.Listed = append(s.effects.Listed, l)
}

// Shown returns the files that the bucket's version of the manifest p names, by their paths, of those
// of which their time is known.
func (s *Schedule) Shown(src *Source, p string) map[string]ListedChunk {
	chunks := make(map[string]ListedChunk)
	if f, ok := src.files[p]; ok && f.manifest != nil && f.manifest.published != nil {
		for named := range f.manifest.published.named() {
			if v := named.disk.version; named.manifest == nil && !v.ModTime.IsZero() {
				chunks[named.path] = ListedChunk{v.ModTime, v.Size}
			}
		}
	}
	return chunks
}

// isArchived reports whether an archive or a clip names f, or may do so later.
func (f *file) isArchived() bool {
	if f.naming.archived == perhapsArchived && f.manifest == nil {
		hls := f.archivist()
		return hls != nil && hls.dest.Archive
	}
	return f.naming.archived == isInArchive
}

// archivist returns the source whose archives and clips may name f, or nil.
func (f *file) archivist() *Source {
	if f.src.layout.Format == media.HLS {
		return f.src
	}
	for _, st := range f.stream.twins() {
		if st.src.layout.Format == media.HLS {
			return st.src
		}
	}
	return nil
}

// Archived says that an archive or a clip names files of src: they stay.
func (s *Schedule) Archived(src *Source, paths []string) {
	for _, p := range paths {
		if f := src.find(p); f != nil {
			f.naming.archived = isInArchive
			f.gone.unlisted()
		}
	}
}

// Unarchived says that no archive or clip names files of src any more. Their objects follow them.
func (s *Schedule) Unarchived(src *Source, paths []string, now time.Time) {
	if !src.dest.Delete {
		return
	}
	for _, p := range paths {
		f := s.file(src, p)
		f.naming.archived = leftArchive
		if f.manifest == nil && f.disk.state == diskUnknown && !f.bucket.isSettled() {
			// It was forgotten when it left the disk, or an earlier run. A worker looks at the disk again.
			f.bucket.confirm(media.Version{}, 0, now)
			f.disk.nameGone()
			f.gone = departure{state: hasLeft, place: src.place}
		}
		f.stream.cleared = true // what named it was deleted
		s.follow(f, now)
		src.forgetIfUnused(f)
	}
}

// unsurveyedArchive returns the stream whose archives and clips may name f, if they were not read yet.
func (s *Schedule) unsurveyedArchive(r *retention, f *file, now time.Time) (stream string, ok bool) {
	known := f.manifest != nil || f.naming.archived == leftArchive || r.src.layout.Format != media.HLS ||
		!s.predates(f.disk.version, now) || r.archives[f.stream.name]
	return f.stream.name, !known
}

// toSurvey adds to v what is known of the files of streams.
func (s *Schedule) toSurvey(v *Survey, src *Source, streams []string) {
	v.Streams, v.Files = streams, make(map[string]bool)
	if len(streams) == 0 {
		return
	}
	for _, o := range src.family.sources {
		for _, f := range o.files {
			if f.manifest != nil || f.isArchived() || !v.surveys(f.stream.name) {
				continue
			}
			if at := f.disk.version.ModTime; len(v.Files) == 0 || at.Before(v.Since) {
				v.Since = at
			}
			v.Files[f.path] = true
		}
	}
}

func (v *Survey) surveys(stream string) bool { return slices.Contains(v.Streams, stream) }
