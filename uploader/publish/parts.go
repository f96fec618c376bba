package publish

import (
	"path"
	"slices"
	"strings"
	"time"

	"ems-sidecar/uploader/health"
)

// mostNamed bounds the names of streams in one log line.
const mostNamed = 5

// split makes each of groups a part of home's directory. The oldest goes on as what the directory was.
func (s *Schedule) split(home *stream, groups []*group, now time.Time) {
	slices.SortStableFunc(groups, func(a, b *group) int { return a.since.Compare(b.since) })
	var parts, changed []*stream
	for _, g := range groups {
		part := s.partFor(home, g)
		parts = append(parts, part)
		if s.settle(part, g, now) {
			changed = append(changed, part)
		}
	}
	if len(changed) == 0 {
		return
	}
	s.relink(home)
	for _, part := range changed {
		part.recount()
	}
	if home.sharing.state == shared {
		return
	}
	s.handOver(home, parts[0], now)
	home.sharing.state = shared
	var names []string
	for _, part := range parts[:min(len(parts), mostNamed)] {
		names = append(names, part.called)
	}
	s.effects.Notes = append(s.effects.Notes, Note{Notice: streamsApart, Level: streamsApart.Level,
		Message: streamsApart.Message, Source: home.src, Stream: home.shown(),
		Attrs: []any{"count", len(parts), "streams", strings.Join(names, ", ")}})
}

// partFor returns the part that g is, or becomes.
func (s *Schedule) partFor(home *stream, g *group) *stream {
	if len(g.parts) > 0 {
		return g.parts[0]
	}
	part := s.newPart(home, s.nameOf(home, g))
	part.vitals.since = g.since
	return part
}

// settle has all manifests of g, and what they name, in part. It reports whether that changes something.
func (s *Schedule) settle(part *stream, g *group, now time.Time) (changes bool) {
	for _, other := range g.parts {
		if other != part {
			s.empty(other, part, now)
			changes = true
		}
	}
	for _, m := range g.manifests {
		if m.file.stream != part {
			s.move(m.file, part, now)
			changes = true
		}
	}
	for _, m := range g.twins {
		if twin := m.file.stream; twin.sharing.home != nil && !slices.Contains(part.sharing.kin, twin) {
			part.sharing.kin, twin.sharing.kin = append(part.sharing.kin, twin), append(twin.sharing.kin, part)
		}
	}
	if !changes {
		return false
	}
	for _, m := range part.manifests {
		for snap := range m.snapshots() {
			s.claim(snap, now)
		}
	}
	return true
}

// newPart returns the part of home's directory that is called so.
func (s *Schedule) newPart(home *stream, name string) *stream {
	k := streamKey{home.src, home.name, name}
	st := s.streams[k]
	if st == nil { // else one that was emptied
		st = &stream{streamKey: k, sharing: sharing{home: home}, writing: writing{by: home.writing.by},
			cleared: home.cleared,
			called:  NameOf(home.src.root, path.Join(home.name, name))}
		s.streams[k] = st
		s.ring = append(s.ring, st)
	}
	if !slices.Contains(home.sharing.parts, st) {
		home.sharing.parts = append(home.sharing.parts, st)
	}
	s.agenda.reconsider(st)
	return st
}

// renameFor gives another name to the part of a directory that is called as st, a directory that has
// come.
func (s *Schedule) renameFor(st *stream) {
	part := s.streams[streamKey{st.src, path.Dir(st.name), path.Base(st.name)}]
	if part == nil || len(part.manifests) == 0 {
		return
	}
	k := part.streamKey
	k.part = path.Base(part.manifests[0].file.path)
	if s.streams[k] != nil {
		return
	}
	told := vitals{judgement: part.vitals.judgement}
	delete(s.streams, part.streamKey)
	part.streamKey, part.called = k, NameOf(k.src.root, path.Join(k.name, k.part))
	s.streams[k] = part
	s.effects.Changes = append(s.effects.Changes, Change{Source: k.src, Stream: st.shown(), From: told.state, Gone: true})
	if told.state.Suffers() {
		part.vitals.judgement = judgement{since: told.since} // it is told again
	}
}

// empty moves all files of st to another stream of its directory. st is no part of that any more.
func (s *Schedule) empty(st, to *stream, now time.Time) {
	for _, f := range st.src.files {
		if f.stream == st {
			s.move(f, to, now)
		}
	}
	to.figures.add(st.figures.chunks, st.figures.bytes)
	s.handOver(st, to, now)
	st.figures = streamFigures{}
	st.leaveHome()
}

// leaveHome takes st, which has no files any more, from the parts of its directory.
func (st *stream) leaveHome() {
	if st.sharing.home != nil {
		sh := &st.sharing.home.sharing
		sh.parts = slices.DeleteFunc(sh.parts, func(o *stream) bool { return o == st })
		if len(sh.parts) == 0 {
			sh.state = alone
		}
	}
	for _, twin := range st.sharing.kin {
		twin.sharing.kin = slices.DeleteFunc(twin.sharing.kin, func(o *stream) bool { return o == st })
	}
	st.sharing.kin = nil
}

// handOver ends what was told of the health of st. The successor goes on with that if it has no state
// yet. But trouble is told again, under the successor's name.
func (s *Schedule) handOver(st, successor *stream, now time.Time) {
	if st.isWatched() {
		s.effects.Changes = append(s.effects.Changes, Change{At: now, Source: st.src, Stream: st.shown(),
			From: st.vitals.state, Gone: true})
		if v := &successor.vitals; v.state == health.Starting && !st.vitals.state.Suffers() {
			v.judgement, v.lag = st.vitals.judgement, st.vitals.lag
		}
	}
	if successor.sharing.home == st {
		successor.figures.add(st.figures.chunks, st.figures.bytes)
		st.figures = streamFigures{}
	}
	st.vitals = vitals{}
}

// reunite makes the directory of home one stream again: a manifest joins all parts.
func (s *Schedule) reunite(home *stream, now time.Time) {
	home.vitals = vitals{}
	for _, part := range slices.Clone(home.sharing.parts) {
		s.empty(part, home, now)
	}
	s.relink(home)
	home.recount()
	home.sharing.state = alone
}

// relink finds out again which manifests name files of the streams in home's directory.
func (s *Schedule) relink(home *stream) {
	streams := append([]*stream{home}, home.sharing.parts...)
	naming := slices.Collect(home.src.manifestsIn(home.name))
	for _, st := range streams {
		naming = append(naming, st.links.namedBy...)
		st.links.namedBy = nil
	}
	for _, m := range naming {
		for snap := range m.snapshots() {
			for f := range snap.named() {
				f.stream.noteNamedBy(m)
			}
		}
	}
	for _, m := range naming {
		m.file.stream.forgetNamed()
	}
	for _, st := range streams {
		st.forgetNamed()
		s.touch(st)
	}
}

// recount notes what viewers have of st.
func (st *stream) recount() {
	for _, m := range st.manifests {
		if m.published != nil {
			m.noteListed(m.published)
		}
	}
}
