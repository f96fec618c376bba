package publish

import (
	"cmp"
	"fmt"
	"time"

	"ems-sidecar/internal/backoff"
	"ems-sidecar/media"
)

// A Schedule knows every file that is to be published and decides what is uploaded next. It does no
// I/O, has no clock and no chance of its own, and belongs to one goroutine.
type Schedule struct {
	settings Settings
	log      notebook
	sources  []*Source
	effects  outbox

	lanes   map[*Destination]*lane
	streams map[streamKey]*stream
	ring    []*stream // all of streams
	agenda  agenda
	pools   pools
	again   again
	jumps   []jump
	unnamed map[unnamedFile]closing
	figures figures

	retentions []*retention // of the sources of which something was to be deleted
	draining   bool         // only manifests are started
}

// The two pools of workers. Large files have their own, so that they never hold up a live chunk.
type pools struct {
	workers  [2]int
	inFlight [2]int
	sending  map[*file]bool // chunks that are in flight; false if it is no upload
	loose    map[*file]bool // of them, those that hang in a file system, and hold no worker any more
}

const (
	livePool = iota
	bulkPool
)

// An again is which files are to be reported again, and when.
type again struct {
	files map[*file]time.Time
	names map[unnamedFile]time.Time // on the disk: it is not known yet of which run they are
	at    time.Time                 // the first of these times, or an earlier one
}

type streamKey struct {
	src  *Source
	name string // the directory, below the root
	part string // which of several streams in it; empty: the directory's own
}

// Settings are what a Schedule is told.
type Settings struct {
	Host        string    // this one's name, by which two that write the same objects are told apart
	Workers     int       // jobs in flight at once
	BulkWorkers int       // more for recordings
	Manifests   int       // bytes that large manifests may take; 0: see DefaultManifestMemory
	Began       time.Time // this run
	Jitter      backoff.Jitter
	Observed    bool // Effects has the steps of the files
}

// New returns a Schedule that knows nothing yet.
func New(settings Settings) *Schedule {
	settings.Manifests = cmp.Or(settings.Manifests, DefaultManifestMemory)
	s := &Schedule{
		settings: settings,
		pools: pools{
			workers: [2]int{livePool: settings.Workers, bulkPool: settings.BulkWorkers},
			sending: make(map[*file]bool),
			loose:   make(map[*file]bool),
		},
		lanes:   make(map[*Destination]*lane),
		streams: make(map[streamKey]*stream),
		again:   again{files: make(map[*file]time.Time), names: make(map[unnamedFile]time.Time)},
		unnamed: make(map[unnamedFile]closing),
	}
	s.log = notebook{&s.effects.Notes}
	return s
}

// file returns the entry for p, made if there is none. Another source of the family may own it.
func (s *Schedule) file(src *Source, p string) *file {
	if f := src.find(p); f != nil {
		return f
	}
	src = src.ownerOf(p)
	k := streamKey{src: src, name: src.layout.Stream(p)}
	st, ok := s.streams[k]
	if !ok {
		st = &stream{streamKey: k, writing: writing{by: src.layout.Writer}, called: NameOf(src.root, k.name)}
		s.streams[k] = st
		s.ring = append(s.ring, st)
		s.renameFor(st)
		s.agenda.reconsider(st)
	}
	f := &file{src: src, stream: st, path: p}
	if src.bulk() {
		f.recording = &Recording{}
	}
	if src.layout.Kind(p).Role == media.ManifestFile {
		f.manifest = &manifest{file: f}
		st.manifests = append(st.manifests, f.manifest)
	}
	src.files[p] = f
	st.files++
	st.noteWriter(p)
	return f
}

func (s *Schedule) lane(d *Destination) *lane {
	l, ok := s.lanes[d]
	if !ok {
		l = &lane{dest: d, jitter: s.settings.Jitter, name: fmt.Sprint(len(s.lanes)), window: window{size: firstWindow}}
		s.lanes[d] = l
	}
	return l
}

// Reread has p reported again at a time.
func (s *Schedule) Reread(src *Source, p string, at time.Time) { s.reread(s.file(src, p), at) }

// reread has f reported again at a time.
func (s *Schedule) reread(f *file, at time.Time) {
	s.again.due(at)
	s.again.files[f] = at
}

// LookAgain has the file reported again at a time that is called p on the disk.
func (s *Schedule) LookAgain(src *Source, p string, at time.Time) {
	s.again.due(at)
	s.again.names[unnamedFile{src, p}] = at
}

// LookNoMore takes back what LookAgain was called for.
func (s *Schedule) LookNoMore(src *Source, names []string) {
	for _, p := range names {
		delete(s.again.names, unnamedFile{src, p})
	}
}

// due notes that something is to be reported again at a time.
func (a *again) due(at time.Time) {
	if a.isEmpty() || at.Before(a.at) {
		a.at = at
	}
}

func (a *again) isEmpty() bool { return len(a.files)+len(a.names) == 0 }

// readsAgainSoon reports whether something is to be reported again that may be there then.
func (s *Schedule) readsAgainSoon() bool {
	if len(s.again.names) > 0 {
		return true
	}
	for f := range s.again.files {
		if f.manifest == nil || !f.manifest.told.refused {
			return true
		}
	}
	return false
}

// readAgain asks for what is to be reported again now.
func (s *Schedule) readAgain(now time.Time) {
	if s.again.isEmpty() || now.Before(s.again.at) {
		return
	}
	var next time.Time
	for k, at := range s.again.names {
		if now.Before(at) {
			next = earlier(next, at)
			continue
		}
		delete(s.again.names, k)
		s.effects.Expected = append(s.effects.Expected, Expectation{Source: k.src, Paths: []string{k.path}, OnDisk: true})
	}
	for f, at := range s.again.files {
		if now.Before(at) {
			next = earlier(next, at)
			continue
		}
		delete(s.again.files, f)
		f.src.expect(f.path)
	}
	s.again.at = next
}
