package publish

import "time"

// isStuck reports whether the file system of src does not answer.
func (src *Source) isStuck() bool { return !src.stuckSince.IsZero() }

// Answers says whether the file system of src answers: since is when it stopped, or zero. The
// workers of one that does not answer are given back, so that other roots go on (R9), and no more
// are sent there.
func (s *Schedule) Answers(src *Source, since, now time.Time) {
	stuck := !since.IsZero()
	switch {
	case stuck == src.isStuck():
	case stuck:
		s.noteCondition(Note{Condition: fileSystemStuck, Message: fileSystemStuck.Message, Source: src, Attrs: []any{
			"for", now.Sub(since).Round(time.Second), "next", "nothing is read there until it does; other directories go on",
			"hint", "is the server of this mount away?"}})
	default:
		s.noteCondition(Note{Condition: fileSystemStuck, Message: fileSystemStuck.Over, Source: src, Ends: true})
	}
	if src.isStuck() != stuck {
		s.touchAll(func(st *stream) bool { return st.src == src })
	}
	src.stuckSince = since
	if !stuck {
		return
	}
	if l := s.lane(src.dest); l.probe.isOut && l.probe.of == src {
		l.probe.isOut = false // another one's file tells whether the bucket is back
	}
	for f := range s.pools.sending {
		if f.src == src && !s.pools.loose[f] {
			s.pools.loose[f] = true
			s.giveBackWorker(f.stream)
		}
	}
}
