package archive

import (
	"slices"
	"time"

	"ems-sidecar/hls"
)

// A Held keeps what was published until it is known what the bucket has.
type Held struct {
	version Version
	Lost    int // segments that were dropped because there were too many
}

// same names files as the live playlist does.
func same(uri string) string { return uri }

// Add adds what v has behind the last segment.
func (h *Held) Add(v Version) {
	held := &h.version
	if held.List == nil {
		held.List, held.Chunks = v.List.Blank(v.List.Type, 0), make(map[string]Chunk)
	}
	k, seam := place(v.List, h.last(), same)
	held.List = held.List.Append(hls.Addition{Of: v.List, From: k, Seam: seam})
	if held.At = v.At; v.List.Ended {
		held.List = held.List.WithEnd()
	}
	for i := range v.List.Segments[k:] {
		s := &held.List.Segments[len(held.List.Segments)-1-i]
		if c, ok := v.Chunks[s.URI]; ok {
			held.Chunks[s.URI] = c
		}
	}
	if over := len(held.List.Segments) - maxHeld; over > 0 {
		for _, s := range held.List.Segments[:over] {
			delete(held.Chunks, s.URI)
		}
		held.List = held.List.Behind(over)
		h.Lost += over
	}
}

func (h *Held) last() *hls.Segment {
	if n := len(h.version.List.Segments); n > 0 {
		return &h.version.List.Segments[n-1]
	}
	return nil
}

// First returns the URI of the first segment, or "".
func (h *Held) First() string {
	if h.version.List == nil || len(h.version.List.Segments) == 0 {
		return ""
	}
	return h.version.List.Segments[0].URI
}

// Version returns all that was held.
func (h *Held) Version() Version { return h.version }

// IsEmpty reports whether nothing is held.
func (h *Held) IsEmpty() bool { return h.version.List == nil }

// HeldFacts are what is held, as of one moment.
type HeldFacts struct {
	List         *hls.Playlist
	Began, Ended time.Time // of the first segment, and of the last one
}

// Facts returns what is held.
func (h *Held) Facts() HeldFacts {
	f := HeldFacts{h.version.List, h.version.At, h.version.At}
	if h.First() != "" {
		begins, _ := h.version.times(0, false, time.Time{})
		n := len(begins) - 1
		f.Began, f.Ended = begins[0], begins[n].Add(f.List.Segments[n].Duration)
	}
	return f
}

// Has reports whether a segment is called uri.
func (f *HeldFacts) Has(uri string) bool {
	return slices.ContainsFunc(f.List.Segments, func(s hls.Segment) bool { return s.URI == uri })
}

// IsPlain reports whether each segment is a file, and needs no key: then the names of files tell of
// segments. Keys are called as the server likes.
func (f *HeldFacts) IsPlain() bool {
	return !slices.ContainsFunc(f.List.Segments, func(s hls.Segment) bool {
		return s.IsEncrypted() || s.Range.Length > 0 || s.Map() != nil && s.Map().Range.Length > 0
	})
}
