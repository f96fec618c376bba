package publish_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A world is a schedule and all that is around it, in a model's time: a disk with a spool, EMS, a
// watcher and a bucket.
type world struct {
	t        *rapid.T
	now      time.Time
	minute   time.Time // when the next sweep is due
	judged   time.Time // when the health of the streams was judged last
	schedule *publish.Schedule
	dest     *publish.Destination
	workers  int // of live streams; recordings have one
	origins  []*origin
	disk     *modelDisk
	bucket   *modelBucket

	// The watcher's.
	news     []happening     // on the disk, that is not reported yet
	expected map[string]bool // paths that the schedule asked for

	// What the schedule was told since the daemon was started.
	closed  map[string]content       // of the last closing of a chunk
	seen    map[string][]int         // runs of which a closing of the chunk was reported
	patched map[string]int           // content of chunks that was closed while viewers had the one before, which they can play
	told    map[string]int           // how many snapshots had been read when that was first reported
	saw     map[string]media.Version // of chunks, on the disk when a manifest was read since
	records map[string][]*record     // of each manifest, in their order
	newest  map[string]*record       // of each manifest
	owed    map[string]int           // content that has to arrive, of all runs of the daemon
	lost    map[string]bool          // chunks that were ever given up
	// Chunks that were written again: what names them may be stale.
	rewritten map[string]bool
	reads     int
	steps     int
}

// A record is one snapshot, as the model knows it.
type record struct {
	path  string
	sheet *sheet
	run   int
	order int  // in which snapshots were read
	late  bool // its chunks on the disk were a later run's by then
	at    time.Time

	written time.Time // by EMS
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// log tells the story of a counterexample.
func (w *world) log(format string, args ...any) {
	w.t.Helper()
	w.t.Logf(format, args...)
}

// since returns the model's time for the log.
func (w *world) since() string { return w.now.Sub(modelStart).String() }

var modelStart = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// carryOut does what the schedule has decided apart from jobs.
func (w *world) carryOut() {
	e := w.schedule.Effects()
	for _, x := range e.Expected {
		for _, p := range x.Paths {
			w.expected[p] = true
		}
	}
	for _, r := range e.Released {
		w.release(r)
	}
}

// release does what the spool does with r.
func (w *world) release(r publish.Release) {
	p := r.Path
	k := w.disk.spool[p]
	if k == nil && (r.Why == publish.Lost || r.Why == publish.Found) {
		w.lost[p] = true
	}
	switch {
	case k == nil:
	case k.version.Equal(r.Version) && w.onlyNamed(p) && !w.named(p):
		// It is forgotten: no manifest that was reported for so long names it. If one comes that
		// does, the file is gone, and the bucket has an object of its name, then nothing tells
		// which of the two the manifest means.
		delete(w.seen, p)
		if o := w.bucket.objects[p]; o == nil || !o.version.Equal(r.Version) {
			delete(w.closed, p)
		}
		delete(w.disk.spool, p)
		delete(w.owed, p)
	case k.version.Equal(r.Version):
		if o := w.bucket.objects[p]; o == nil || !o.version.Equal(r.Version) {
			w.t.Fatalf("R6: %s is released from the spool, and the bucket does not have it", p)
		}
		delete(w.disk.spool, p)
	}
}

// onlyNamed reports whether p is uploaded only because a manifest names it.
func (w *world) onlyNamed(p string) bool {
	return w.originOf(p).layout.Kind(p).Role == media.OtherFile
}

// named reports whether what a manifest was last read to say names p, so that p is wanted. One that
// was deleted long ago is forgotten. One that was deleted and names what was given up is given up
// itself, and with it what only it names: viewers are better off with the manifest before than with
// holes.
func (w *world) named(p string) bool {
	for _, rec := range w.newest {
		if w.originOf(rec.path).src.Knows(rec.path) && slices.Contains(rec.sheet.refs, p) && !w.isGivenUp(rec) {
			return true
		}
	}
	return false
}

// isGivenUp reports whether rec, which was deleted, names what was given up.
func (w *world) isGivenUp(rec *record) bool {
	return w.disk.names[rec.path] == nil && slices.ContainsFunc(rec.sheet.refs, func(ref string) bool { return w.lost[ref] })
}

// boot starts the daemon.
func (w *world) boot() {
	w.schedule = publish.New(publish.Settings{Workers: w.workers, BulkWorkers: 1, Began: w.now,
		Jitter: func(d time.Duration) time.Duration { return d / 2 }})
	for _, o := range w.origins {
		o.src = w.schedule.Add("/root", o.layout, w.dest, false)
		o.named = map[string][]string{}
	}
	w.news, w.expected = nil, map[string]bool{}
	w.seen, w.told, w.patched, w.saw = map[string][]int{}, map[string]int{}, map[string]int{}, map[string]media.Version{}
	w.closed, w.records, w.newest = map[string]content{}, map[string][]*record{}, map[string]*record{}
	w.bucket.boot()
}

// originOf returns whose file p is.
func (w *world) originOf(p string) *origin {
	for _, o := range w.origins {
		if len(p) > len(o.group) && p[:len(o.group)+1] == o.group+"/" {
			return o
		}
	}
	panic("no origin of " + p)
}

// What EMS does.

func (w *world) open(o *origin, p string, run int) {
	w.log("%s: %s is being written, run %d", w.since(), p, run)
	w.disk.write(p, content{run: run, half: true}, o.anew, w.now)
}

func (w *world) finish(o *origin, p string) {
	i := w.disk.names[p]
	if i == nil || !i.holds.half {
		return // deleted meanwhile
	}
	i = w.disk.write(p, content{run: i.holds.run, sheet: i.holds.sheet}, false, w.now)
	w.log("%s: %s is whole, content %d", w.since(), p, i.holds.id)
	w.news = append(w.news, happening{o, p, wasClosed})
}

func (w *world) manifest(o *origin, p string, run int, s *sheet) {
	i := w.disk.write(p, content{run: run, sheet: s}, false, w.now)
	w.log("%s: %s is written, content %d: %s, run %d, names %v", w.since(), p, i.holds.id, s.text, run, s.refs)
	w.news = append(w.news, happening{o, p, wasClosed})
}

func (w *world) remove(o *origin, p string) {
	if i := w.disk.names[p]; i == nil || i.holds.half {
		return
	}
	w.log("%s: %s is deleted", w.since(), p)
	delete(w.disk.names, p)
	w.news = append(w.news, happening{o, p, wasRemoved})
}

// What the uploader's Run does.

// work starts what can be started.
func (w *world) work() {
	for j, ok := w.schedule.Next(w.now); ok; j, ok = w.schedule.Next(w.now) {
		w.bucket.start(j)
	}
	w.carryOut()
	if missed := w.schedule.Missed(w.now); missed != "" {
		w.t.Fatalf("R4: %s", missed)
	}
	if at := w.schedule.Wake(w.now); !at.IsZero() && !at.After(w.now) {
		w.t.Fatalf("the schedule is to be woken at once, and does nothing then: Run spins")
	}
}

// judgedNext is when the health of the streams is judged next: here, each three seconds.
func (w *world) judgedNext() time.Time { return w.judged.Add(3 * time.Second) }

// pass lets time go on until at, as Run does.
func (w *world) pass(at time.Time) {
	for {
		w.work()
		wake := w.schedule.Wake(w.now)
		next := sooner(sooner(wake, w.minute), w.judgedNext())
		if next.After(at) {
			break
		}
		w.now = next
		if !w.now.Before(w.judgedNext()) {
			w.judged = w.now
			w.schedule.Judge(w.now)
		}
		if !w.now.Before(w.minute) {
			w.minute = w.minute.Add(time.Minute)
			w.schedule.Sweep(w.now)
			w.schedule.NextMinute()
			w.carryOut()
			w.bucket.forget()
			w.tidy()
		}
	}
	w.now = at
	asked := len(w.expected)
	if j, ok := w.schedule.Next(w.now); ok {
		w.t.Fatalf("R4: the schedule would have something to do for %s at %s, and is not woken", j.Key, w.since())
	}
	w.carryOut()
	if len(w.expected) > asked {
		w.t.Fatalf("R4: the schedule asks for files at %s only because of something else: it was not woken", w.since())
	}
}

// sooner returns the earlier of two times, of which a zero one means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// tidy does what spool.Spool does each minute: it notes the names that are gone without an event.
func (w *world) tidy() {
	for _, p := range sortedKeys(w.disk.spool) {
		if k := w.disk.spool[p]; w.disk.names[p] == nil && !k.lonely {
			k.lonely = true
			k.version = k.inode.version()
			w.reportKept(w.originOf(p), p, k.version)
		}
	}
}

// read is what a worker does before it sends.
func (w *world) read(j publish.Job) (*inode, publish.FileFailure) {
	i := w.disk.open(j.Path)
	switch {
	case i == nil:
		return nil, publish.FileGone
	case !i.version().Equal(j.Version):
		return i, publish.FileChanged
	}
	return i, publish.NoFileFailure
}
