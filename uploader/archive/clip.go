package archive

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"ems-sidecar/hls"
)

// Dated returns the list of a live playlist as one of an archive.
func (v *Version) Dated() *hls.Playlist {
	begins, stated := v.times(0, false, time.Time{})
	for i := range begins {
		if !stated[i] {
			begins[i] = time.Time{}
		}
	}
	raised := v.List.WithURIs(raised)
	return raised.Blank(hls.Event, 0).Append(hls.Addition{Of: raised, Dates: begins})
}

// A Clip is a playlist of what was between two times.
type Clip struct {
	List     *hls.Playlist
	From, To time.Time // of what it has
}

// ErrEmpty means that nothing is known of the time of a clip.
var ErrEmpty = errors.New("neither the archive nor the live playlist has anything between these times")

// Cut returns the clip of lists, which are in order, from one time to another.
func Cut(lists []Listed, from, to time.Time) (Clip, error) {
	var c Clip
	var start time.Time
	for _, l := range lists {
		var last *hls.Segment
		if c.List != nil {
			last = &c.List.Segments[len(c.List.Segments)-1]
		}
		k, torn := place(l.List, last, same)
		first, end, times := within(l.List, k, from, to)
		if first == end {
			continue
		}
		if c.List == nil {
			c.List, c.From = l.List.Blank(hls.VOD, first), times[first]
		}
		these := *l.List
		these.Segments = l.List.Segments[:end]
		seam := torn && !l.Name.Start.Equal(start) // the lists of a broadcast have their seams themselves
		c.List = c.List.Append(hls.Addition{Of: &these, From: first, Seam: seam, Dates: times[first : first+1]})
		c.To, start = times[end-1].Add(these.Segments[end-1].Duration), l.Name.Start
		if len(c.List.Segments) > MaxWhole {
			return Clip{}, fmt.Errorf("it would have more than %d segments: make it shorter", MaxWhole)
		}
	}
	if c.List == nil {
		return Clip{}, ErrEmpty
	}
	c.List = c.List.WithEnd()
	return c, nil
}

// within returns which segments of list, from k on, are between two times: those from first to end.
// Gaps at the beginning are left out: players stop at them.
func within(list *hls.Playlist, k int, from, to time.Time) (first, end int, times []time.Time) {
	times = list.Times()
	first = k
	for first < len(times) && (times[first].IsZero() || list.Segments[first].Gap ||
		!times[first].Add(list.Segments[first].Duration).After(from)) {
		first++
	}
	end = first
	for end < len(times) && !times[end].IsZero() && times[end].Before(to) {
		end++
	}
	return first, end, times
}

// Overlapping returns the hours that may have something between two times. names are in order.
func Overlapping(names []Name, from, to time.Time) (hours []Name) {
	for i, n := range names {
		if n.Began.IsZero() || !n.Began.Before(to) {
			continue
		}
		// An hour ends where the next one of its broadcast begins.
		if i+1 < len(names) && names[i+1].Start.Equal(n.Start) && !names[i+1].Began.IsZero() &&
			!names[i+1].Began.After(from) {
			continue
		}
		hours = append(hours, n)
	}
	return hours
}

// Moment reads a time: RFC 3339, "now", or how long ago, such as -10m.
func Moment(text string, now time.Time) (time.Time, error) {
	if text == "now" || text == "" {
		return now, nil
	}
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
			return now.Add(-d), nil
		}
	} else if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: it must be one like 2026-11-30T04:10:00Z, or -10m", text)
}

// clipName is what a clip may be called.
var clipName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$`)

// CheckName returns an error if a clip must not be called so.
func CheckName(name string) error {
	if !clipName.MatchString(name) {
		return fmt.Errorf("%q is no name for a clip: it must be up to 64 letters, digits and . _ -, "+
			"and not begin with a dot", name)
	}
	return nil
}

// DefaultName returns how the clip from one time to another is called.
func DefaultName(from, to time.Time) string {
	return from.UTC().Format(stamp) + "_" + to.UTC().Format(stamp)
}
