package hlscheck

import "slices"

// follow judges how the version p follows the newest one.
func (l *life) follow(j judgement, p *Playlist, w way) {
	old := l.playlist
	if old.Ended && w != afterEnd {
		j.violation(End, "%d segments from %d on follow the end, which was at %d", len(p.Segments), p.Sequence,
			old.after()-1)
	}
	if w == goesOn {
		if p.Version < old.Version {
			j.violation(Version, "from %d to %d", old.Version, p.Version)
		}
		l.target(j, p)
		l.kind(j, p)
	}
	if p.Seam < old.Seam {
		j.violation(DiscontinuityUp, "from %d to %d", old.Seam, p.Seam)
	}
	l.order(j, p, w)
	l.kept(j, p)
	if w == afterEnd {
		l.newLife(j, p)
	}
}

// target compares the target durations. One that grows is against the rule, too; but no server
// that continues the playlist of another run can avoid it.
func (l *life) target(j judgement, p *Playlist) {
	old := l.playlist.Target
	switch {
	case p.Target < old:
		j.violation(Target, "from %v to %v", old, p.Target)
	case p.Target > old:
		j.note(Target, "from %v to %v", old, p.Target)
	}
}

// kind compares the types.
func (l *life) kind(j judgement, p *Playlist) {
	old := l.playlist
	switch {
	case p.Type == old.Type:
	case old.Type == "EVENT" && p.Type == "VOD" && p.Ended:
		j.note(Type, "from EVENT to VOD at the end") // as EMS does: a client that has the end asks no more
	default:
		j.violation(Type, "from %q to %q", old.Type, p.Type)
	}
	if old.Type == "EVENT" && (p.Sequence != old.Sequence || p.after() < old.after()) {
		j.violation(Event, "it had %d to %d, and has %d to %d", old.Sequence, old.after()-1, p.Sequence, p.after()-1)
	}
	if old.Type == "VOD" {
		j.violation(Type, "a playlist of type VOD changes")
	}
}

// order judges what has left and what was added.
func (l *life) order(j judgement, p *Playlist, w way) {
	old := l.playlist
	if p.Sequence < old.Sequence {
		j.violation(Sequence, "from %d to %d", old.Sequence, p.Sequence)
	}
	if p.after() < old.after() {
		j.violation(Order, "the newest was %d, and is %d", old.after()-1, p.after()-1)
	}
	if p.Sequence <= old.Sequence {
		return
	}
	if p.Sequence > old.after() {
		j.note(Jump, "%d follows %d", p.Sequence, old.after()-1)
	}
	// One that grows is reported by itself: the list had its length by the one before.
	if target := min(old.Target, p.Target); w == goesOn && !p.Ended && p.Duration() < 3*target {
		j.violation(Short, "%d segments leave, and %v stay: the target duration is %v", p.Sequence-old.Sequence,
			p.Duration(), target)
	}
	seam := slices.ContainsFunc(p.Segments, func(s Segment) bool { return s.Seams > 0 })
	if seam && !p.has["EXT-X-DISCONTINUITY-SEQUENCE"] {
		j.violation(Seams, "EXT-X-DISCONTINUITY-SEQUENCE is missing")
	}
}

// kept compares the segments that both versions have.
func (l *life) kept(j judgement, p *Playlist) {
	old := l.playlist
	for _, s := range p.Segments {
		if was := old.segment(s.Number); was != nil {
			compare(j, was, &s)
		}
	}
	if n := len(old.Segments); n > 0 && len(p.Segments) > 0 {
		last, first := old.Segments[n-1], p.Segments[0]
		if first.Number > last.Number && first.Discontinuity < last.Discontinuity {
			j.violation(Discontinuity, "%d has %d, and %d had %d", first.Number, first.Discontinuity, last.Number,
				last.Discontinuity)
		}
	}
}

// compare judges a segment that was listed before.
func compare(j judgement, was, is *Segment) {
	if was.resource() != is.resource() {
		j.violation(Changed, "%d is %v, and was %v", is.Number, is.resource(), was.resource())
		return
	}
	if was.Discontinuity != is.Discontinuity {
		j.violation(Discontinuity, "%s (%d) has %d, and had %d", is.URI, is.Number, is.Discontinuity, was.Discontinuity)
	}
	if was.Duration != is.Duration || was.Title != is.Title {
		j.violation(Changed, "%s lasts %v (%q), and lasted %v (%q)", is.URI, is.Duration, is.Title, was.Duration, was.Title)
	}
	if !slices.Equal(was.effectiveKeys(), is.effectiveKeys()) {
		j.violation(Changed, "%s has the keys %v, and had %v", is.URI, is.effectiveKeys(), was.effectiveKeys())
	}
	if was.section() != is.section() {
		j.violation(Changed, "%s has the map %v, and had %v", is.URI, is.section(), was.section())
	}
	// A rolling playlist has a date at its first segment only, so dates come and go; none changes.
	if was.Date != "" && is.Date != "" && was.Date != is.Date {
		j.violation(Changed, "%s is of %s, and was of %s", is.URI, is.Date, was.Date)
	}
}

// effectiveKeys returns the keys with the vectors that a player uses.
func (s *Segment) effectiveKeys() (keys []EncryptionKey) {
	for _, k := range s.Keys {
		k.IV = k.iv(s.Number)
		keys = append(keys, k)
	}
	return keys
}

func (s *Segment) section() InitSection {
	if s.Map == nil {
		return InitSection{}
	}
	return *s.Map
}

// newLife judges the first version after an end. Its timestamps begin again, so players must see
// that it does not continue what has ended.
func (l *life) newLife(j judgement, p *Playlist) {
	old := l.playlist
	if len(old.Segments) == 0 || len(p.Segments) == 0 {
		return
	}
	last := old.Segments[len(old.Segments)-1]
	for _, s := range p.Segments {
		if s.Number > last.Number && s.Discontinuity == last.Discontinuity {
			j.violation(NewLife, "%s has the discontinuity sequence number %d of what had ended", s.URI, s.Discontinuity)
		}
	}
}
