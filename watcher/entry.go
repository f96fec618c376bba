package watcher

import (
	"fmt"
	"path"
	"time"

	"ems-sidecar/media"
)

// An entry is a file's name and what is known of the file. Its state is what the last look told of
// the file's life; stage, demand and news change apart from that.
type entry struct {
	dir  *dir
	name string
	born uint64 // when the name was first seen, in ticks
	mark uint64 // tick of the scan that saw it last

	appeared time.Time // when the file was first seen under this name
	since    time.Time // when a change was last noticed

	state  fileState
	stage  stage
	demand demand
	news   news

	deadline // of the next decision

	look    media.Version // at the last look
	last    media.Version // that was reported last
	written bool          // it is counted in state.Written
	unseen  bool          // the last look failed
}

// A deadline is when something is to be decided about a file.
type deadline struct {
	due    time.Time // zero: nothing to decide
	queued time.Time // of dueList
}

// A stage is how much is known of a file. It only grows.
type stage uint8

const (
	named    stage = iota // its name, but no version
	seen                  // a version, in entry.look
	reported              // a version was reported as closed, in entry.last
)

var stages = [...]string{named: "named", seen: "seen", reported: "reported"}

func (s stage) String() string {
	if int(s) < len(stages) {
		return stages[s]
	}
	return fmt.Sprintf("stage(%d)", uint8(s))
}

// A demand is how much a file's next report is wanted.
type demand uint8

const (
	usual      demand = iota // when it is closed
	backlogged               // when its turn comes: the first scan found it, and nothing else is known of it
	expected                 // now: a manifest names it, and wants an answer
)

var demands = [...]string{usual: "usual", backlogged: "backlogged", expected: "expected"}

func (d demand) String() string {
	if int(d) < len(demands) {
		return demands[d]
	}
	return fmt.Sprintf("demand(%d)", uint8(d))
}

// news is what the kernel told of a file since it was last reported.
type news struct {
	kind newsKind
	at   time.Time // of newsClosed
}

type newsKind uint8

const (
	noNews      newsKind = iota
	newsChanged          // it was written, or it has a name that is new
	newsClosed           // a writer closed it
)

var newsKinds = [...]string{noNews: "none", newsChanged: "changed", newsClosed: "closed"}

func (k newsKind) String() string {
	if int(k) < len(newsKinds) {
		return newsKinds[k]
	}
	return fmt.Sprintf("news(%d)", uint8(k))
}

// see notes a version that is new.
func (e *entry) see(v media.Version, now time.Time) {
	if e.stage != named && (v.Inode != e.look.Inode || v.Size < e.look.Size) {
		// Another file has the name, or it was started again. File systems use inode numbers again.
		e.appeared = now
	}
	e.look, e.since = v, now
	e.stage = max(e.stage, seen)
}

// report notes that version v is reported.
func (e *entry) report(v media.Version) {
	e.last, e.stage = v, reported
	e.demand, e.news = usual, news{}
}

// isReported reports whether version v was reported, and no one asked for it or wrote it since.
func (e *entry) isReported(v media.Version, quick bool) bool {
	return e.stage == reported && v.Equal(e.last) && e.demand != expected && !(quick && e.news.kind != noNews)
}

func (e *entry) path() string { return path.Join(e.dir.path, e.name) }
