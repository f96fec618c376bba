package publish_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"pgregory.net/rapid"

	"ems-sidecar/uploader/publish"
)

// kill ends the daemon at once, and starts it again.
func (w *world) kill(t *rapid.T) {
	w.log("%s: the daemon is killed", w.since())
	for _, f := range w.bucket.flights {
		if f.err != publish.NoFileFailure {
			continue
		}
		switch outcome(rapid.IntRange(0, 2).Draw(t, "in flight")) {
		case 0:
			w.log("%s: %v was applied", w.since(), f)
			w.bucket.apply(f)
		case 1:
			w.bucket.leave(f)
		}
	}
	w.boot()
	w.log("%s: the daemon is started", w.since())
	found, givenUp := w.disk.rescanSpool()
	for _, p := range givenUp {
		delete(w.owed, p)
	}
	for _, p := range found {
		w.news = append(w.news, happening{w.originOf(p), p, wasFound})
	}
	for _, p := range w.disk.whole() {
		w.news = append(w.news, happening{w.originOf(p), p, wasClosed})
	}
	order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order of the scan"), 0))
	order.Shuffle(len(w.news), func(i, j int) { w.news[i], w.news[j] = w.news[j], w.news[i] })
}

// evict takes from the spool the first file that no one else has.
func (w *world) evict() {
	for _, p := range sortedKeys(w.disk.spool) {
		if w.disk.spool[p].lonely {
			w.log("%s: the spool is full: %s is given up", w.since(), p)
			delete(w.disk.spool, p)
			delete(w.owed, p)
			w.lost[p] = true
			w.schedule.Evicted(w.originOf(p).src, p, w.now)
			w.carryOut()
			return
		}
	}
}

// restTime is how long nothing happens before all is taken to be at rest: after manifestMemory,
// more is forgotten.
const restTime = publish.ManifestMemory + 2*time.Minute

// rest lets all come to rest, with a bucket that is well, and checks that nothing is left to do.
func (w *world) rest() {
	w.log("%s: all comes to rest", w.since())
	for _, o := range w.origins {
		for _, st := range o.streams {
			st.complete()
		}
	}
	clear(w.bucket.overtaken)
	for idle, rounds := time.Duration(0), 0; idle < restTime || len(w.bucket.flights) > 0; rounds++ {
		if rounds > 20_000 {
			w.t.Fatalf("R4: with a bucket that is well, the schedule does not come to rest")
		}
		w.work()
		switch {
		case len(w.news) > 0:
			w.report(0)
		case len(w.expected) > 0:
			for _, p := range sortedKeys(w.expected) {
				w.answer(p)
			}
		case len(w.bucket.flights) > 0:
			w.bucket.finish(0, succeeds)
		case len(w.bucket.late) > 0:
			w.bucket.applyLate(0)
		default:
			at := w.schedule.Wake(w.now)
			if looks := w.schedule.WakeForDeletion(); at.Equal(looks) { // what is listed may stay so
				at = sooner(at, w.now.Add(time.Minute))
				idle += at.Sub(w.now)
			} else {
				idle = 0
			}
			w.pass(at)
			w.checkPutRight()
		}
	}
	w.checkRest()
}

// putRightTime is how long an old version of a manifest may be in the bucket, when that was applied
// late and all requests are answered: the last question about it comes 63 s after the request that
// had no answer, and may have to wait.
const putRightTime = 80 * time.Second

// checkPutRight checks that no old version of a manifest that was applied late stays in the bucket.
func (w *world) checkPutRight() {
	for p, since := range w.bucket.overtaken {
		onDisk, refused := w.disk.names[p] != nil, since.Sub(w.bucket.refusedAt) < 2*time.Minute
		if onDisk && !refused && w.now.Sub(since) > putRightTime {
			w.t.Fatalf("R3: an old version of %s was applied late, and is still in the bucket %v later", p, w.now.Sub(since))
		}
	}
}

// checkRest checks that all that was closed has arrived.
func (w *world) checkRest() {
	b := w.bucket
	if w.schedule.Busy() || w.schedule.Sending() > 0 {
		w.t.Fatalf("R4: the schedule takes itself for busy")
	}
	for _, p := range sortedKeys(w.owed) {
		if o := b.objects[p]; o == nil || o.id < w.owed[p] {
			w.t.Fatalf("R6: content %d of %s was closed, and never arrives: the bucket has %+v", w.owed[p], p, o)
		}
	}
	for _, p := range sortedKeys(w.disk.spool) {
		w.t.Fatalf("R8: %s stays in the spool", p)
	}
	for _, p := range sortedKeys(w.newest) {
		rec := w.newest[p]
		if o := b.objects[p]; o.says(rec.sheet) {
			if rec.sheet.parsed.Ended && !o.sheet.parsed.Ended {
				w.t.Fatalf("R5: the end of %s is not published: the bucket has %q", p, o.sheet.content)
			}
			continue
		}
		if w.maybeNever(rec) {
			continue
		}
		w.t.Fatalf("R5: the last closing of %s is not published: %s; the bucket has %+v", p, rec.sheet.text, b.objects[p])
	}
	for _, p := range sortedKeys(w.newest) {
		rec := w.newest[p]
		if !w.originOf(p).src.Knows(p) {
			continue // deleted so long ago that it is forgotten, so that nothing tells that its init segment was written once more
		}
		for _, ref := range rec.sheet.refs {
			i, o := w.disk.names[ref], b.objects[ref]
			if i != nil && i.holds.sheet == nil && (o == nil || o.id != i.holds.id) {
				w.t.Fatalf("R6: %s names %s, which is on the disk, and never arrives", p, ref)
			}
		}
	}
}

// maybeNever reports whether rec may stay unpublished: it names a manifest that is not there or may
// stay unpublished itself, or it was deleted, and names what was given up, or none of its chunks was
// seen, so that it looks older than what viewers have.
func (w *world) maybeNever(rec *record) bool {
	for _, ref := range rec.sheet.refs {
		if w.originOf(ref).isManifest(ref) {
			if named := w.newest[ref]; w.bucket.objects[ref] == nil || named == nil && w.disk.names[ref] == nil || named != nil && w.maybeNever(named) {
				return true
			}
		}
	}
	return w.isGivenUp(rec) || w.endsInHole(rec) || w.isUnseen(rec)
}

// isUnseen reports whether rec is a playlist whose names come back, and none of its chunks was seen.
func (w *world) isUnseen(rec *record) bool {
	segments := rec.sheet.refs[rec.sheet.others:]
	return w.originOf(rec.path).reusesNames() && len(segments) > 0 && all(segments, func(ref string) bool {
		i := w.disk.names[ref]
		return !slices.Contains(w.seen[ref], rec.run) && (i == nil || i.holds.run != rec.run)
	})
}
