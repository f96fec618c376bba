package hls

import (
	"slices"
	"strings"

	"ems-sidecar/media"
)

// A next is what viewers get next, while it is put together: former segments, which are the last
// ones of shown before those of the run, and then the run's.
type next struct {
	shown, run *Playlist
	returns    func(uri string) bool // see Situation.Returns; nil: no name does

	// The former segments are shown.Segments[former:end].
	former, end int
	// skip is how many segments of run are left out at its beginning.
	skip int
	// tags is how many EXT-X-DISCONTINUITY tags stand before the first segment of the run.
	tags int
	// first is the public number of run's first segment, skipped ones included, and discontinuities
	// the discontinuity number before the first listed segment of the run, tags apart.
	first, discontinuities uint64
	seamed                 bool // run is a new run
}

// goesOn says whether run can be the run that viewers have if it begins at segment at of shown:
// numbers must not go back.
func (n *next) goesOn(at int64) bool {
	first := int64(n.shown.Sequence) + at
	last := first + int64(len(n.run.Segments))
	return first >= 0 && last >= int64(n.shown.Next()) && last <= maxNumber
}

// same puts a playlist together in which run begins at segment at of shown, or later than shown ends.
func (n *next) same(at int64) *Playlist {
	shown, run := n.shown, n.run
	n.first = uint64(int64(shown.Sequence) + at)
	if n.first == run.Sequence && !shown.Continued && at >= 0 {
		return run.own()
	}
	n.skip = int(max(-at, 0))
	shared := int(min(max(at, 0), int64(len(shown.Segments)))) // the place in shown
	head := &run.Segments[n.skip]
	n.tags = head.Discontinuities
	switch {
	case shared < len(shown.Segments):
		n.tags = max(n.tags, shown.Segments[shared].Discontinuities)
		n.discontinuities = shown.discontinuity(shared)
		n.discontinuities -= min(n.discontinuities, uint64(n.tags))
	default:
		n.discontinuities = shown.discontinuity(len(shown.Segments) - 1)
	}
	n.discontinuities = max(n.discontinuities, shown.DiscontinuitySequence)
	n.end = int(max(min(at, int64(len(shown.Segments))), 0))
	if at > int64(len(shown.Segments)) {
		n.former = n.end // there is a hole
		return n.playlist(0)
	}
	began := shown.Run // as long as the run's own first segment is listed, the tail may stay
	if began != n.first+uint64(n.skip) {
		began = 0
	}
	n.keep(began > 0)
	return n.playlist(shown.Run)
}

// seam puts a playlist together in which run is a new run.
func (n *next) seam(s Situation) *Playlist {
	shown, run := n.shown, n.run
	n.first, n.seamed = shown.Next(), true
	before := shown.DiscontinuitySequence
	if len(shown.Segments) > 0 {
		before = shown.discontinuity(len(shown.Segments) - 1)
	}
	own := 0
	if len(run.Segments) > 0 {
		own = run.Segments[0].Discontinuities
	}
	number := max(before+1, s.Discontinuities)
	n.end = len(shown.Segments)
	if s.TooOld || shown.Ended || number-before > maxTags {
		n.former = n.end
	} else {
		n.keep(true)
	}
	if n.former < n.end {
		n.tags = max(own, int(number-before))
		n.discontinuities = before
	} else {
		n.tags = own
		n.discontinuities = max(before, number-min(number, uint64(own)))
	}
	return n.playlist(n.first)
}

// keep decides how many former segments stay. tail: they are of former runs and stay as the window
// slides; else they are what the writer does not list any more.
func (n *next) keep(tail bool) {
	ofOthers := n.end // segments of former runs
	if !n.seamed {
		ofOthers = int(max(n.shown.Run, n.shown.Sequence) - n.shown.Sequence)
	}
	n.former = max(replaced(n.shown.Segments[:n.end], ofOthers, n.added()), n.returning())
	if n.former == n.end {
		return
	}
	if !n.expressible() {
		n.former = n.end
		return
	}
	run := n.run.Segments[n.skip:]
	if n.run.Rolling() {
		// The list keeps its length. One that does not roll any more had no length of its own.
		length := 0
		if tail && n.shown.Rolling() {
			length = max(len(n.shown.Segments)-len(run), 0)
		}
		// A server must not remove a segment from a list that has less than three target durations
		// then (RFC 8216, section 6.2.2).
		listed, least := duration(run), 3*max(n.run.TargetDuration, n.shown.TargetDuration)
		from := n.end
		for from > n.former && (n.end-from < length || listed < least) {
			from--
			listed += n.shown.Segments[from].Duration
		}
		n.former = from
	}
	// R8. An appending list over many runs grows until it has too many segments.
	for most := media.MaxReferences - references(run); n.former < n.end; {
		over := references(n.shown.Segments[n.former:n.end]) - most
		if over <= 0 {
			break
		}
		n.former = min(n.end, n.former+max(over/2, 1))
	}
	for n.former < n.end && n.shown.Segments[n.former].Gap { // never at the head: see WithGaps
		n.former++
	}
}

// added returns the segments of the run that viewers do not have yet.
func (n *next) added() []Segment {
	at := int64(n.shown.Next()) - int64(n.first)
	return n.run.Segments[min(max(at, 0), int64(len(n.run.Segments))):]
}

// replaced returns how many of the former segments are gone: all up to the last one whose name is
// one of the added segments', too. In the run itself, ranges of one file share a name.
func replaced(former []Segment, ofOthers int, added []Segment) int {
	type part struct {
		uri string
		of  Range // the whole file, for segments of other runs
	}
	parts := make(map[part]struct{}, 2*len(added))
	for i := range added {
		parts[part{uri: added[i].URI}] = struct{}{}
		parts[part{added[i].URI, added[i].Range}] = struct{}{}
	}
	for i := len(former) - 1; i >= 0; i-- {
		p := part{uri: former[i].URI}
		if i >= ofOthers {
			p.of = former[i].Range
		}
		if _, gone := parts[p]; gone {
			return i + 1
		}
	}
	return 0
}

// returning returns how many of the former segments cannot stay as their names, or those of their
// maps and keys, may come back: all up to the last one.
func (n *next) returning() int {
	if n.returns == nil {
		return 0
	}
	for i := n.end - 1; i >= 0; i-- {
		s := &n.shown.Segments[i]
		if n.returns(s.URI) || s.Map() != nil && n.returns(s.Map().URI) {
			return i + 1
		}
		for _, k := range s.Keys() {
			if k.URI != "" && n.returns(k.URI) {
				return i + 1
			}
		}
	}
	return 0
}

// expressible says whether the run can stand behind the former segments: no tag ends an EXT-X-MAP,
// and EXT-X-I-FRAMES-ONLY is about all segments.
func (n *next) expressible() bool {
	last, first := &n.shown.Segments[n.end-1], &n.run.Segments[n.skip]
	if last.Map() != nil && first.Map() == nil {
		return false
	}
	return has(n.shown.head, tagFrames) == has(n.run.head, tagFrames)
}

// playlist puts the playlist together. began is the public number of the run's first segment.
func (n *next) playlist(began uint64) *Playlist {
	shown, run := n.shown, n.run
	p := run.changed()
	p.Offset = int64(n.first) - int64(run.Sequence)
	p.Continued = n.seamed || shown.Continued || p.Offset != 0
	p.Sequence, p.DiscontinuitySequence, p.Run = n.first+uint64(n.skip), n.discontinuities, 0
	if p.Continued {
		if shown.TargetDuration > p.TargetDuration {
			p.TargetDuration, p.target = shown.TargetDuration, shown.target
		}
		p.Version = max(p.Version, shown.Version)
	}
	p.Segments = n.ofRun(p)
	if p.Continued {
		p.Segments = n.dated(p)
	}
	if former := n.end - n.former; former > 0 {
		p.Sequence -= uint64(former)
		before := shown.DiscontinuitySequence
		if n.former > 0 {
			before = shown.discontinuity(n.former - 1)
		}
		p.DiscontinuitySequence = before
		if began > p.Sequence {
			p.Run = began
		}
		segments := make([]Segment, 0, former+len(p.Segments))
		segments = append(segments, shown.headed(n.former))
		segments = append(segments, shown.Segments[n.former+1:n.end]...)
		p.Segments = append(segments, p.Segments...)
		if !has(shown.head, tagIndependent) {
			p.head = without(p.head, tagIndependent) // it would be about the former ones, too
		}
	}
	return p
}

// ofRun returns the listed segments of the run as they stand behind the former ones.
func (n *next) ofRun(p *Playlist) []Segment {
	run := n.run.Segments[min(n.skip, len(n.run.Segments)):]
	if len(run) == 0 {
		return nil
	}
	var have *effect
	if n.former < n.end {
		have = n.shown.Segments[n.end-1].effect
	}
	head := n.run.headed(n.skip)
	head.stand(have, nil, p.eol)
	renumbered := p.Offset != 0 && slices.ContainsFunc(run, func(s Segment) bool { return s.effect.numbered() })
	more := n.tags - head.Discontinuities
	if head.text == run[0].text && !renumbered && more <= 0 {
		return run
	}
	run = slices.Clone(run)
	run[0] = head
	if renumbered {
		p.Version = max(p.Version, 2) // of the IV attribute
		first := n.run.Sequence + uint64(n.skip)
		for i := range run {
			s := &run[i]
			s.text = withVectors(s.text, s.effect, first+uint64(i), p.eol)
			s.noted(have)
			have = s.effect
		}
	}
	if more > 0 {
		run[0].text = strings.Repeat(p.line(tagDiscontinuity), more) + run[0].text
		run[0].Discontinuities = n.tags
	}
	return run
}
