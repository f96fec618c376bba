package publish

import (
	"slices"
	"time"
)

// A file of a directory with several streams is that of the part whose manifest names it first. What
// several parts name, such as a key, is the directory's.

// claim has what snap names be files of its part, if no other part has them.
func (s *Schedule) claim(snap *snapshot, now time.Time) {
	st := snap.manifest.file.stream
	if st.sharing.home == nil {
		return
	}
	for i, f := range snap.refs {
		to := st.partOf(f.src)
		switch from := f.stream; {
		case to == nil || from == to || from.name != st.name || f.naming.state == wasShared:
		case from.sharing.home == nil:
			s.moveToPart(f, to, now)
		case i >= snap.others || f.manifest != nil: // another part names it, too
			st.sharing.home.sharing.lookAt, from.sharing.home.sharing.lookAt = now, now
		default: // a key, or an init segment
			s.moveHome(f, now)
		}
	}
}

// moveToPart has f, which no part of its directory has, be a file of one.
func (s *Schedule) moveToPart(f *file, part *stream, now time.Time) {
	home := f.stream
	s.move(f, part, now)
	if f.manifest == nil && f.bucket.isConfirmed() && !s.predates(f.disk.version, now) {
		part.figures.add(1, f.disk.version.Size)
		home.figures.add(-1, -f.disk.version.Size)
	}
	part.noteNamers(f, home.links.namedBy)
}

// moveHome has f, a file of a part which others name, too, be one of their directory.
func (s *Schedule) moveHome(f *file, now time.Time) {
	part := f.stream
	f.naming.state = wasShared
	s.move(f, part.sharing.home, now)
	part.sharing.home.noteNamers(f, part.manifests)
}

// noteNamers notes which of manifests name f, which is a file of st now.
func (st *stream) noteNamers(f *file, manifests []*manifest) {
	for _, m := range manifests {
		if n := m.newest(); n != nil && n.names(f) {
			st.noteNamedBy(m)
		}
	}
}

// partOf returns the part that st is for the files of src, or nil.
func (st *stream) partOf(src *Source) *stream {
	if st.src == src {
		return st
	}
	for _, o := range st.sharing.kin {
		if o.src == src {
			return o
		}
	}
	return nil
}

// move has f be a file of another stream of its directory.
func (s *Schedule) move(f *file, to *stream, now time.Time) {
	from := f.stream
	from.files--
	to.files++
	f.stream = to
	if m := f.manifest; m != nil {
		from.manifests = slices.DeleteFunc(from.manifests, func(o *manifest) bool { return o == m })
		to.manifests = append(to.manifests, m)
	}
	listed := f.work.queues
	f.work.queues &^= inPending | inDelayed // from.todo passes over it from now on
	if f.work.state == queued && listed&inPending != 0 {
		to.enqueue(f)
	}
	if f.work.state == queued && listed&inDelayed != 0 {
		to.delay(f, f.work.pause)
	}
	to.noteWriter(f.path)
	if at := f.disk.closedAt; !at.IsZero() && f.manifest == nil {
		for _, st := range append(to.twins(), to) {
			st.noteClosing(at, s.predates(f.disk.version, now), at)
		}
	}
	s.agenda.reconsider(from)
	s.agenda.reconsider(to)
}
