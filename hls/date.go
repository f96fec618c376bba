package hls

import (
	"slices"
	"strings"
	"time"
)

// dateAt returns the EXT-X-PROGRAM-DATE-TIME of segment k, which has none: an earlier one and the
// durations since, written like that one. It is empty if there is none before, or if a discontinuity
// stands between: clocks may jump there.
func (p *Playlist) dateAt(k int) string {
	var since time.Duration
	for ; k >= 0; k-- {
		s := &p.Segments[k]
		if s.date != "" {
			return later(s.date, since)
		}
		if s.Discontinuities > 0 {
			return ""
		}
		if k > 0 {
			since += p.Segments[k-1].Duration
		}
	}
	return ""
}

// dated returns the segments of the run in p with dates at the newest ones. Most writers state the
// date of the first listed segment only, and players know the others by their durations. Behind a
// seam, Shaka Player (5.2) does so wrongly for segments that it meets in a later version: it leaves a
// gap before each, and skips some. A date that viewers have stays as it is.
func (n *next) dated(p *Playlist) []Segment {
	run := p.Segments
	if len(run) == 0 {
		return nil
	}
	written := n.run.Segments[n.skip:]
	from := max(0, len(run)-maxDates)
	date, since := n.run.dateAt(n.skip+from), time.Duration(0)
	for k, cloned := from, false; k < len(run); k++ {
		switch {
		case written[k].date != "":
			date, since = written[k].date, 0
		case written[k].Discontinuities > 0:
			date = "" // clocks may jump there
		}
		begins := n.shown.dateOf(n.first+uint64(n.skip+k), run[k].URI)
		if begins == "" {
			begins = later(date, since)
		}
		since += run[k].Duration
		if own := run[k].date; begins == "" || begins == own || own != "" && begins == later(own, 0) {
			continue
		}
		if !cloned {
			run, cloned = slices.Clone(run), true
		}
		run[k].setDate(begins, p.eol)
	}
	return run
}

// dateOf returns the date that the segment with a number and a URI states, or "".
func (p *Playlist) dateOf(number uint64, uri string) string {
	if number < p.Sequence || number >= p.Next() || p.Segments[number-p.Sequence].URI != uri {
		return ""
	}
	return p.Segments[number-p.Sequence].date
}

func (s *Segment) setDate(date, eol string) {
	var b strings.Builder
	if s.date == "" {
		b.WriteString(tagDate + ":" + date + eol)
	}
	for line := range lines(s.text) {
		if tag, _ := tagOf(line); tag == tagDate {
			line = tagDate + ":" + date + ending(line)
		}
		b.WriteString(line)
	}
	s.text, s.date = b.String(), date
}

// Times returns when each segment begins, as EXT-X-PROGRAM-DATE-TIME tags and durations tell. It is
// the zero time for those of which they do not tell.
func (p *Playlist) Times() []time.Time {
	times := make([]time.Time, len(p.Segments))
	var next time.Time
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Discontinuities > 0 {
			next = time.Time{}
		}
		if s.date != "" {
			if t, _, ok := parseDate(s.date); ok {
				next = t
			}
		}
		if times[i] = next; !next.IsZero() {
			next = next.Add(s.Duration)
		}
	}
	return times
}

// zones are the ways in which writers state the zone: "Z" or "+00:00" as in ISO 8601, "+0000" as
// ffmpeg does, and none.
var zones = []string{"Z07:00", "-07:00", "-0700", "-07", ""}

// parseDate also returns a layout that writes the time in the same way, with milliseconds at least:
// durations have them.
func parseDate(value string) (t time.Time, layout string, ok bool) {
	const base = "2006-01-02T15:04:05"
	digits := 0
	if len(value) > len(base) && (value[len(base)] == '.' || value[len(base)] == ',') {
		rest := value[len(base)+1:]
		digits = len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	}
	for _, zone := range zones {
		if zone == "-07:00" && strings.HasSuffix(value, "Z") {
			continue
		}
		t, err := time.Parse(base+zone, value) // accepts a fraction behind the seconds
		if err != nil {
			continue
		}
		if zone == "Z07:00" && !strings.HasSuffix(value, "Z") {
			zone = "-07:00" // +00:00 stays so
		}
		return t, base + "." + strings.Repeat("0", min(max(digits, 3), 9)) + zone, true
	}
	return time.Time{}, "", false
}

func later(value string, d time.Duration) string {
	t, layout, ok := parseDate(value)
	if !ok {
		return ""
	}
	return t.Add(d).Format(layout)
}
