package media

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// An mpdTrack is what one representation names.
type mpdTrack struct {
	base     *mpdBase
	segments mpdSegments
	values   values   // for templates; the number is that of the first segment
	times    timeline // of a template's segments

	listed Manifest // what it counts for, without references
	timed  bool     // listed has times and not numbers

	series    *Series // the segments of which only the clock tells which exist; nil: there are none
	unordered bool    // its names have parts that are not known
}

// list finds out which segments exist in the Period p.
func (t *mpdTrack) list(segments mpdSegments, p mpdWhen) error {
	t.segments = segments
	begin := uint64(p.start.Milliseconds())
	info := cmp.Or(segments.Template, segments.List)
	if info == nil {
		if t.timed = t.base != nil; t.timed { // its file is the only segment
			t.listed = Manifest{Segments: t.base.alternatives(), Sequence: begin, Last: begin}
		}
		return nil
	}
	if err := info.checkNames(t.values.id); err != nil {
		return err
	}
	timescale := info.Timescale.or(1)
	if timescale == 0 {
		return errors.New("its timescale is 0")
	}
	end := uint64(0) // of the Period, if it is known, and is not still to come
	if p.length > 0 && !p.live {
		end = plus(info.Offset.n, scaled(uint64(p.length), timescale, uint64(time.Second)))
	}
	var err error
	if t.times, err = info.times(end, segments.List != nil); err != nil {
		return err
	}
	t.values.number = info.StartNumber.or(1)
	if segments.Template != nil {
		t.open(info, begin, end, timescale)
	}

	longest := t.times.longest
	if info.Timeline == nil {
		longest = info.Duration.n // also of segments that are not listed
	}
	count := t.count(info)
	t.listed = Manifest{
		Segments:       atMost(product(count, uint64(t.base.alternatives()))),
		Sequence:       t.values.number,
		Last:           plus(t.values.number, max(count, 1)-1),
		TargetDuration: ticks(longest, timescale),
	}
	if t.timed = t.times.count > 0; t.timed {
		ms := func(at uint64) uint64 {
			return plus(begin, scaled(max(at, info.Offset.n)-info.Offset.n, 1000, timescale))
		}
		t.listed.Sequence, t.listed.Last = ms(t.times.first()), ms(t.times.last())
	}
	return nil
}

// checkNames reports an error if the names of a template may be too long for the representation id.
func (s *mpdSegmentInfo) checkNames(id string) error {
	for _, pattern := range []template{s.Media, s.Index, s.Init, s.Switching} {
		if err := pattern.check(id); err != nil {
			return err
		}
	}
	return nil
}

// count returns how many segments are listed.
func (t *mpdTrack) count(info *mpdSegmentInfo) uint64 {
	switch {
	case t.segments.List != nil && t.base == nil:
		return uint64(len(info.URLs.list)) - info.URLs.ranges
	case t.segments.List != nil:
		return uint64(len(info.URLs.list))
	case info.Media.blank(t.values.id) || t.unordered:
		return 0
	}
	return t.times.count
}

// open finds out which segments of a template have an end that only the clock tells.
func (t *mpdTrack) open(info *mpdSegmentInfo, begin, end, timescale uint64) {
	byTime := slices.ContainsFunc(info.Media, func(p part) bool { return p.is == timePart })
	byNumber := slices.ContainsFunc(info.Media, func(p part) bool { return p.is == numberPart })
	// Players count from a negative number on; no file is called so.
	t.unordered = !info.Media.isKnown() || byNumber && info.StartNumber.negative
	if t.unordered || !byTime && !byNumber || end > 0 {
		return
	}
	s := Series{base: t.base, media: info.Media, values: t.values, byTime: byTime, least: t.values.number, begin: begin,
		per: info.Duration.n, timescale: timescale}
	at := info.Offset.n // where the first one begins
	if info.Timeline != nil {
		l := info.Timeline.S.timeline
		if !l.open {
			return
		}
		// The last one that is listed is a reference.
		s.per = l.runs[len(l.runs)-1].d
		at, s.least = plus(l.last(), s.per), plus(s.least, l.count)
		s.begin = plus(begin, scaled(max(at, info.Offset.n)-info.Offset.n, 1000, timescale))
	}
	if s.per == 0 {
		return
	}
	if byTime {
		s.least, s.per = at, 1
	}
	t.series = &s
}

// times returns when the segments of a template or of a list begin, as far as that is known. end is
// that of the Period, or 0 if it is not known.
func (s *mpdSegmentInfo) times(end uint64, isList bool) (timeline, error) {
	if s.Timeline != nil {
		return s.Timeline.S.closed(end), nil
	}
	count := uint64(1) // of a template without a duration
	switch {
	case s.Duration.set && s.Duration.n == 0:
		return timeline{}, errors.New("its segments have a duration of 0")
	case isList && s.Duration.set:
		count = uint64(len(s.URLs.list))
	case isList, s.Duration.set && end <= s.Offset.n:
		return timeline{}, nil
	case s.Duration.set:
		count = (end-s.Offset.n-1)/s.Duration.n + 1
	}
	var l timeline
	err := l.add(s.Offset.n, s.Duration.n, max(count, 1), true, false)
	return l, err
}

// A yielder passes on what a track names. Its methods report whether yield wants more.
type yielder struct {
	base  *mpdBase
	yield func(Reference) bool
}

func (y yielder) segment(uri string) bool { return y.name(uri, true) }

// file passes on a file that has a name, or none: then it is part of the segments' file.
func (y yielder) file(uri string) bool { return uri == "" || y.name(uri, false) }

func (y yielder) name(uri string, segment bool) bool {
	return y.base.each(uri, func(u string) bool { return y.yield(Reference{URI: u, Segment: segment}) })
}

// pattern passes on the file of a template that has no number. Without knowing all of its parts, it
// is not known which one that is.
func (y yielder) pattern(t template, v values) bool { return !t.isKnown() || y.file(t.expand(v)) }

// each yields what the track names, and reports whether yield wants more.
func (t mpdTrack) each(yield func(Reference) bool) bool {
	y := yielder{t.base, yield}
	info := cmp.Or(t.segments.Template, t.segments.List, t.segments.Base)
	if info == nil {
		return y.segment("")
	}
	ok := y.pattern(info.Init, t.values) && y.file(info.InitFile.name()) &&
		y.pattern(info.Switching, t.values) && y.file(info.SwitchingFile.name()) && y.file(info.IndexFile.name())
	if !ok {
		return false
	}
	switch {
	case t.segments.Template != nil:
		return t.eachOfTemplate(y, info)
	case t.segments.List != nil:
		return eachOfList(y, info)
	}
	return y.segment("")
}

// eachOfTemplate passes on the segments of a template. One without a name for segments has none,
// and no index files either.
func (t mpdTrack) eachOfTemplate(y yielder, info *mpdSegmentInfo) bool {
	if info.Media.blank(t.values.id) || t.unordered {
		return true
	}
	first := t.values.number
	for i, at := range t.times.begins() {
		t.values.number, t.values.time = plus(first, i), at
		if !y.segment(info.Media.expand(t.values)) || !y.pattern(info.Index, t.values) {
			return false
		}
	}
	return true
}

func eachOfList(y yielder, info *mpdSegmentInfo) bool {
	for _, u := range info.URLs.list {
		if !y.segment(u.media) || !y.file(u.index) {
			return false
		}
	}
	return true
}

func (f *mpdFile) name() string {
	if f == nil {
		return ""
	}
	return f.URL
}
