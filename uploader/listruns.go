package uploader

import (
	"sync"
	"time"

	"ems-sidecar/media"
)

// With run_prefix = on, files of HLS are published under the name of their run, too, where their names
// may come back. A playlist does not say when its run began. So a run is called as its first segment
// was written, and a file is of the run that a playlist was in when it named that content of it. What the
// bucket has of the playlist tells that after a restart: runinquiry.go. Another run begins
//
//   - when the numbers of the playlist fall,
//   - when a name that the run has used comes back with other content: of a writer with few names, each
//     time round,
//   - when the run has used so many names that no more are remembered.
//
// A run of names is no run of the writer: only the schedule says where a seam is. A name that goes on in
// the run before does no harm, as long as it has one content.

// listRuns are under which names the files that playlists name are published.
type listRuns struct {
	mu    sync.RWMutex        // guards what follows
	files map[string]*runFile // by path on the disk
	lists map[string]*listRun // by path of the playlist
	asks  chan struct{}       // has an item for each question that is being asked
}

// A runFile is a file on the disk that playlists name, or that waits until one does.
type runFile struct {
	state   runFileState
	run     string        // of a named one: under whose name it is published; "": as it is called
	version media.Version // the content that the run means; zero: it is still being written
	by      string        // the playlist that named it last
	number  uint64        // by which, of a segment

	whole media.Version // of one that waits: what was closed last
	since time.Time     // and when
	gone  bool          // its name is
}

type runFileState uint8

const (
	waitsForName runFileState = iota // no playlist has named what it has now
	hasRun
	hasPlainName // by a playlist that is published as it is written, whatever comes back
)

// A listVersion is one version of a playlist.
type listVersion struct {
	path           string
	files          []listedFile // below the root, each once
	sequence, last uint64
	modTime        time.Time
	plain          bool // it is published as it is written
}

// A listedFile is a file that a version names.
type listedFile struct {
	path    string
	version media.Version // on the disk; zero: it is not there
	number  uint64
	segment bool // it has a number: it is no map and no key, and all segments are whole files
}

// A listNaming is what follows from the reading of a version.
type listNaming struct {
	runs   map[string]string // by path on the disk
	run    string            // of files that are still to come
	waited []string          // files that were closed before, and have a run now
	passed []string          // files of which the content that was closed before has none
	over   []overFile
}

// An overFile is a file of which the disk has other content now.
type overFile struct {
	published string
	by        media.Version
}

func newListRuns() listRuns {
	return listRuns{files: make(map[string]*runFile), lists: make(map[string]*listRun),
		asks: make(chan struct{}, maxInquiries)}
}

// list returns what is known of the playlist p.
func (r *listRuns) list(p string) *listRun {
	l := r.lists[p]
	if l == nil {
		l = &listRun{used: make(map[string]struct{})}
		r.lists[p] = l
	}
	return l
}

// file returns what is known of the file p of the disk.
func (r *listRuns) file(p string) *runFile {
	f := r.files[p]
	if f == nil {
		f = new(runFile)
		r.files[p] = f
	}
	return f
}

// replaced reports whether the disk has something else than v means: it was written later.
func (v *listVersion) replaced(ref *listedFile) bool {
	return ref.version.ModTime.After(v.modTime.Add(media.Generic.Traits(media.HLS).NamesEarly))
}

// name decides of which runs the files are that a version of a playlist names. wait: some of them still
// have the content that the playlist had named by another number.
func (r *listRuns) name(v listVersion, now time.Time) (n listNaming, wait bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.list(v.path)
	fell := l.state == goesOn && !v.modTime.Before(l.modTime) && (v.sequence < l.sequence || v.last < l.last)
	n = listNaming{runs: make(map[string]string, len(v.files))}
	var fresh []listedFile
	returned := fell
	for i := range v.files {
		ref := &v.files[i]
		f := r.files[ref.path]
		if f != nil && ref.version == (media.Version{}) {
			ref.version = f.whole // the spool may have it
		}
		had, listed := l.of[ref.path]
		switch run, is := r.known(l, v, ref, fell); {
		case is == sameContent:
			n.runs[ref.path] = run
		case is == formerContent && l.mayWait(now):
			return n, true
		default:
			fresh = append(fresh, *ref)
			_, used := l.used[ref.path]
			returned = returned || used || listed && had == l.run
		}
	}
	l.waiting = time.Time{}
	l.begin(v, fresh, returned)
	for _, ref := range fresh {
		n.runs[ref.path] = l.run
		l.used[ref.path] = struct{}{}
		r.give(l, v, ref, &n)
	}
	r.remember(l, v, &n)
	n.run = l.run
	return n, false
}

// A listedContent says which content of a file a playlist means.
type listedContent uint8

const (
	newContent    listedContent = iota
	sameContent                 // that which has a run
	formerContent               // the disk has that of another number still
)

// known returns the run of ref, which v names, if the content that it means has one already.
func (r *listRuns) known(l *listRun, v listVersion, ref *listedFile, fell bool) (run string, is listedContent) {
	if v.plain {
		return "", sameContent
	}
	if f := r.files[ref.path]; f != nil && f.state != waitsForName {
		if is, told := f.contentOf(v, ref, l.isNext(ref), fell); told {
			if is == sameContent {
				run = f.run
			}
			return run, is
		}
	}
	if had, listed := l.of[ref.path]; listed && !fell && (v.replaced(ref) || ref.version == (media.Version{})) {
		return had, sameContent
	}
	return "", newContent
}

// isNext reports whether the number of ref is beyond those of the version before: it is a new segment's,
// also if a former run had that number, too.
func (l *listRun) isNext(ref *listedFile) bool {
	return l.state == goesOn && !l.modTime.IsZero() && ref.number > l.last
}

// contentOf returns which content of f, which has a run, v means by ref. If neither the versions nor the
// numbers tell, told is false.
func (f *runFile) contentOf(v listVersion, ref *listedFile, next, fell bool) (is listedContent, told bool) {
	moved := ref.segment && (fell || f.by == v.path && (f.number != ref.number || next))
	unknown := f.version == (media.Version{}) || ref.version == (media.Version{})
	switch isSame := !unknown && f.version.Equal(ref.version); {
	case isSame && moved:
		return formerContent, true
	case isSame:
		return sameContent, true
	case moved || fell:
		return newContent, true
	}
	return sameContent, unknown
}

// give gives ref, which v names, to the present run.
func (r *listRuns) give(l *listRun, v listVersion, ref listedFile, n *listNaming) {
	if v.replaced(&ref) {
		return
	}
	f := r.file(ref.path)
	if f.state == hasRun {
		n.over = append(n.over, overFile{media.InRun(ref.path, f.run), ref.version})
	}
	whole := f.whole
	*f = runFile{state: hasRun, run: l.run, by: v.path, number: ref.number, gone: f.gone}
	switch {
	case whole == media.Version{}:
	case whole.Equal(ref.version):
		f.version = whole
		n.waited = append(n.waited, ref.path)
	default:
		n.passed = append(n.passed, ref.path)
	}
}

// remember notes what v has named, and forgets what is neither named nor on the disk any more.
func (r *listRuns) remember(l *listRun, v listVersion, n *listNaming) {
	before := l.of
	l.of = make(map[string]string, len(v.files))
	for _, ref := range v.files {
		l.of[ref.path] = n.runs[ref.path]
		if v.plain {
			f := r.file(ref.path)
			*f = runFile{state: hasPlainName, by: v.path, gone: f.gone}
		}
		if f := r.files[ref.path]; f != nil && f.state != waitsForName && f.run == n.runs[ref.path] {
			f.by, f.number = v.path, ref.number
		}
	}
	if !v.modTime.Before(l.modTime) {
		l.sequence, l.last, l.modTime = v.sequence, v.last, v.modTime
	}
	for p := range before {
		if _, still := l.of[p]; !still {
			r.forgetIfGone(p)
		}
	}
}

// forgetIfGone forgets the file p if its name is gone, and no playlist names it.
func (r *listRuns) forgetIfGone(p string) {
	f := r.files[p]
	if f == nil || !f.gone || f.state == waitsForName && f.whole != (media.Version{}) {
		return
	}
	if l := r.lists[f.by]; l != nil {
		if _, names := l.of[p]; names {
			return
		}
	}
	delete(r.files, p)
}
