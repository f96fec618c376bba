package publish

import (
	"path"
	"time"
)

// lookAheads is how many later chunks an MSS chunk tells the times of. EMS writes them into it when
// so many are whole, just before the last of them is closed.
const lookAheads = 2

// A track knows the newest whole chunks of one directory by their names, which are times: the
// newest first.
type track [lookAheads]string

// learn applies that the chunk called name is whole, and reports whether that changed something.
func (t *track) learn(name string) bool {
	for i, known := range t {
		if name == known {
			return false
		}
		if isLater(name, known) {
			copy(t[i+1:], t[i:])
			t[i] = name
			return true
		}
	}
	return false
}

// follow reports whether all that the chunk called name tells of is whole.
func (t *track) follow(name string) bool { return isLater(t[lookAheads-1], name) }

// isLater compares numbers of any length.
func isLater(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// isPatched reports whether EMS has changed f for the last time. Each directory tells that for
// itself: the manifest of a group is written when one of its streams has changed, and names the
// others' chunks at the same times.
func (f *file) isPatched() bool {
	t := f.stream.writing.tracks[path.Dir(f.path)]
	return !f.traits().PatchesLate || t != nil && t.follow(path.Base(f.path))
}

// noteWhole applies that the chunk f is whole: chunks before it in its directory may be as they
// will be.
func (st *stream) noteWhole(f *file) {
	if !f.traits().PatchesLate {
		return
	}
	dir := path.Dir(f.path)
	t := st.writing.tracks[dir]
	if t == nil {
		t = &track{}
		if st.writing.tracks == nil {
			st.writing.tracks = make(map[string]*track)
		}
		st.writing.tracks[dir] = t
	}
	if !t.learn(path.Base(f.path)) {
		return
	}
	for _, e := range st.todo.delayed {
		if e.work.pause.isForPatch() && e.isPatched() {
			e.work.pause = pause{}
		}
	}
}

// patchAt returns until when f, whose content is of modTime, waits for its last change. Once a
// manifest names it, that is not for long: a stream of a group that has ended must not hold up the
// others (R9).
func (f *file) patchAt(modTime, now time.Time) time.Time {
	at := modTime.Add(LateSettle)
	if modTime.After(now) { // by another machine's clock
		at = now.Add(LateSettle)
	}
	if f.naming.now > 0 {
		at = earlier(at, now.Add(SiblingPatience))
	}
	return at
}
