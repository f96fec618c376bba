package uploader

import (
	"cmp"
	"context"
	"strings"
	"time"

	"ems-sidecar/uploader/publish"
)

// A Stream is how a stream fares, and where it is.
type Stream struct {
	publish.View
	Root    string // the watched directory
	Format  string
	Section string // of the config
	ID      string // of the section, a slash and Key; the section's alone if the keys begin with the files' names
	Bucket  string
	Key     string // of its directory: what the keys of its objects begin with; of a part of it, with that one's name
}

// A Detail is one stream with its manifests.
type Detail struct {
	Stream
	Manifests []publish.ManifestView // those that name its chunks, by their paths
}

// Streams returns how the streams fare, the worst first, or false once Run has ended.
func (u *Uploader) Streams(ctx context.Context) ([]Stream, bool) {
	return ask(ctx, u, u.streams)
}

func (u *Uploader) streams(s *publish.Schedule, _ time.Time) []Stream {
	views := s.Views()
	streams := make([]Stream, len(views))
	for i, v := range views {
		streams[i] = u.sourceOf(v.Source).stream(v)
	}
	return streams
}

// End ends the live playlists of the stream of a section, by its name or ID, whose directory has the key, as
// its server does not. n is how many that are. found is false if there is no such stream, and ok once
// Run has ended.
func (u *Uploader) End(ctx context.Context, section, key string) (n int, found, ok bool) {
	type answer struct {
		n     int
		found bool
	}
	a, ok := ask(ctx, u, func(s *publish.Schedule, now time.Time) (a answer) {
		u.find(section, key, func(src *Source, stream string) bool {
			if _, _, a.found = s.View(src.plan, stream); a.found {
				a.n = s.End(src.plan, stream, now)
			}
			return a.found
		})
		return a
	})
	return a.n, a.found, ok
}

// find calls each for the sources that may have the stream of a section whose directory has the key,
// with its directory there, until each returns true.
func (u *Uploader) find(section, key string, each func(src *Source, stream string) bool) {
	for _, src := range u.all() {
		stream, below := strings.CutPrefix(key, src.dest.Prefix)
		if key == strings.TrimSuffix(src.dest.Prefix, "/") {
			stream, below = ".", true
		}
		named := strings.EqualFold(src.sectionID(), section) || strings.EqualFold(src.dest.Section, section)
		if below && named && src.plan != nil && each(src, stream) {
			return
		}
	}
}

// sectionID is what the ids of the streams begin with.
func (src *Source) sectionID() string {
	return cmp.Or(src.dest.ID, strings.ToLower(src.layout.Format.String()))
}

// Stream returns the stream of a section, by its name or ID, whose directory has the key. found
// is false if there is none, and ok once Run has ended.
func (u *Uploader) Stream(ctx context.Context, section, key string) (d Detail, found, ok bool) {
	answer, ok := ask(ctx, u, func(s *publish.Schedule, _ time.Time) (d *Detail) {
		u.find(section, key, func(src *Source, stream string) bool {
			view, manifests, found := s.View(src.plan, stream)
			if found {
				d = &Detail{src.stream(view), manifests}
			}
			return found
		})
		return d
	})
	if answer == nil {
		return Detail{}, false, ok
	}
	return *answer, true, ok
}

func (src *Source) stream(v publish.View) Stream {
	key := src.dest.Prefix + v.Stream
	if v.Stream == "." {
		key = strings.TrimSuffix(src.dest.Prefix, "/")
	}
	return Stream{View: v, Root: src.dir, Format: src.layout.Format.String(), Section: src.dest.Section,
		ID: strings.TrimSuffix(src.sectionID()+"/"+key, "/"), Bucket: src.dest.Bucket, Key: key}
}
