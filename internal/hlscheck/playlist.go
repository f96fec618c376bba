package hlscheck

import (
	"fmt"
	"time"
)

// A Playlist is one version of a Media Playlist.
type Playlist struct {
	Version  int // 1 if the playlist does not say
	Target   time.Duration
	Type     string // EVENT, VOD, or empty
	Ended    bool
	Sequence uint64 // the media sequence
	Seam     uint64 // the discontinuity sequence
	Segments []Segment

	has map[string]bool // the tags of the whole playlist
}

// A Segment is one Media Segment, with all that applies to it.
type Segment struct {
	Number        uint64 // the media sequence number
	Discontinuity uint64 // the discontinuity sequence number
	URI           string
	Range         Range // all of the resource if it is zero
	Duration      time.Duration
	Title         string
	Seams         int // how many EXT-X-DISCONTINUITY stand before it
	Gap           bool
	Date          string // its EXT-X-PROGRAM-DATE-TIME; most have none
	Keys          []EncryptionKey
	Map           *InitSection // nil if it has none
}

// A Range is a part of a resource, in bytes.
type Range struct{ Length, Offset uint64 }

// An EncryptionKey is what EXT-X-KEY says.
type EncryptionKey struct {
	Method, URI string
	IV          string // 32 hexadecimal digits; empty if the tag has none
	Format      string
	Versions    string
}

// An InitSection is what EXT-X-MAP says.
type InitSection struct {
	URI   string
	Range Range
}

// IV returns the initialization vector by which a player decrypts the segment, as 32 hexadecimal
// digits; it is empty if the segment is not encrypted as a whole.
func (s Segment) IV() string {
	for _, k := range s.Keys {
		if k.Method == "AES-128" {
			return k.iv(s.Number)
		}
	}
	return ""
}

// iv returns the vector for the segment with the number: the tag's own, or the number (5.2).
func (k EncryptionKey) iv(number uint64) string {
	if k.IV != "" || k.Method != "AES-128" {
		return k.IV
	}
	return fmt.Sprintf("%032x", number)
}

// Duration returns how long all segments last.
func (p *Playlist) Duration() (sum time.Duration) {
	for _, s := range p.Segments {
		sum += s.Duration
	}
	return sum
}

// after returns the number of the segment that would follow.
func (p *Playlist) after() uint64 { return p.Sequence + uint64(len(p.Segments)) }

// segment returns the one with the number, or nil.
func (p *Playlist) segment(number uint64) *Segment {
	if number < p.Sequence || number >= p.after() {
		return nil
	}
	return &p.Segments[number-p.Sequence]
}

// A resource is what a segment is made of: it tells segments apart.
type resource struct {
	uri string
	Range
}

func (s *Segment) resource() resource { return resource{s.URI, s.Range} }

func (r resource) String() string {
	if r.Range == (Range{}) {
		return r.uri
	}
	return fmt.Sprintf("%s, bytes %d@%d", r.uri, r.Length, r.Offset)
}
