package uploader

import (
	"maps"
	"time"

	"ems-sidecar/media"
)

// A listRun is a playlist, and the run that it is in.
type listRun struct {
	state    listRunState
	run      string              // its name; "" is that of files that are published as they are called
	of       map[string]string   // the runs of what its newest version names, by path on the disk
	used     map[string]struct{} // what the run has named
	sequence uint64              // of the newest version
	last     uint64
	modTime  time.Time
	waiting  time.Time // since when it is read again, as what it names is still to come; zero: it is not
}

type listRunState uint8

const (
	notAsked      listRunState = iota // the bucket was not asked yet
	beingAsked                        // it is
	begins                            // the next file begins a run
	goesOn                            // in run
	goesOnPlainly                     // so, and its files are published as they are called; only enter returns that
)

// mayWait reports whether a playlist may be read again later, as a writer may name a segment before it
// replaces the one of that name.
func (l *listRun) mayWait(now time.Time) bool {
	if l.waiting.IsZero() {
		l.waiting = now
	}
	return now.Sub(l.waiting) < replacePatience
}

// begin has another run begin with the first of the fresh files, if it is none of the present run.
func (l *listRun) begin(v listVersion, fresh []listedFile, returned bool) {
	if len(fresh) == 0 || l.state == goesOn && !returned && len(l.used)+len(fresh) <= maxUsedNames {
		return
	}
	first := v.modTime
	for _, ref := range fresh {
		if at := ref.version.ModTime; !at.IsZero() && (ref.segment || !hasSegment(fresh)) {
			first = at
			break
		}
	}
	name := media.WrittenRunName(first)
	for step := time.Millisecond; name == l.run; step += time.Millisecond {
		name = media.WrittenRunName(first.Add(step))
	}
	l.state, l.run, l.used = goesOn, name, make(map[string]struct{})
}

func hasSegment(files []listedFile) bool {
	for _, f := range files {
		if f.segment && f.version != (media.Version{}) {
			return true
		}
	}
	return false
}

// forgetLists forgets playlists that are gone, if many are known.
func (r *listRuns) forgetLists(have func(p string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lists) <= maxRuns {
		return
	}
	maps.DeleteFunc(r.lists, func(p string, l *listRun) bool { return l.state != beingAsked && !have(p) })
}

// enter returns what is known of the playlist p, of which a version was read. If that is nothing, the
// caller asks the bucket.
func (r *listRuns) enter(p string) listRunState {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.list(p)
	is := l.state
	switch {
	case is == notAsked:
		l.state = beingAsked
	case is == goesOn && l.run == "":
		is = goesOnPlainly
	}
	return is
}

// waits reports whether the playlist p is to be read again later.
func (r *listRuns) waits(p string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list(p).mayWait(now)
}
