package archive

import (
	"slices"
	"time"
)

// A Stored is a playlist of an archive, or a clip, that the bucket has.
type Stored struct {
	Path string // below the directory of the stream
	At   time.Time
}

// An Expiry says which playlists of a stream have expired.
type Expiry struct {
	Expired []Stored // oldest first
	// Witnesses are those that stay and may name the chunks of the expired ones, too.
	Witnesses []Stored
}

// maxExpired bounds the playlists that expire at once: the chunks of a day are handled together.
const maxExpired = 24

// Expire returns what has expired of the playlists that the bucket has of a stream: what was put last
// before a time.
func Expire(all []Stored, before time.Time) (e Expiry) {
	slices.SortFunc(all, func(a, b Stored) int { return a.At.Compare(b.At) })
	starts := make(map[time.Time]bool)
	for _, s := range all {
		if !s.At.Before(before) || len(e.Expired) == maxExpired {
			break
		}
		e.Expired = append(e.Expired, s)
		if n, ok := ParseName(s.Path); ok {
			starts[n.Start] = true
		}
	}
	// A segment is in one hour, and may be in the whole of the same broadcast. A clip may be of any.
	clip := slices.ContainsFunc(e.Expired, func(s Stored) bool { return IsClip(s.Path) })
	for _, s := range all[len(e.Expired):] {
		n, ok := ParseName(s.Path)
		if len(e.Expired) > 0 && (!ok || clip || starts[n.Start]) {
			e.Witnesses = append(e.Witnesses, s)
		}
	}
	return e
}
