package uploader

import (
	"errors"
	"fmt"
	"path"
	"slices"
)

// startDeletion takes a job in that deletes objects: what is on the disk is found out first.
func (b *modelBucket) startDeletion(j job) {
	w := b.w
	f := &flight{job: j, read: map[string]*record{}}
	for i := range f.removals {
		rm := &f.removals[i]
		if rm.place == nil {
			w.t.Fatalf("R2: %s is deleted, and nobody knows where its file was", rm.file.key())
		}
		rm.found = deleted
		if w.disk.names[rm.file.path] != nil {
			rm.found = undecided
			continue
		}
		key := rm.file.key()
		f.keys = append(f.keys, key)
		if n := w.newest[key]; n != nil {
			if n.order > b.started[key] && !b.objects[key].says(n.sheet) && !w.maybeNever(n) {
				w.t.Fatalf("R5: %s is deleted, and what was read of it last was never sent: %s", key, n.sheet.text)
			}
			f.read[key] = n
		}
		// Until the answer, the bucket may or may not have it.
		delete(b.certain, key)
		delete(b.confirmed, key)
		delete(b.held, key)
	}
	w.log("%s: %v", w.since(), f)
	b.flights = append(b.flights, f)
}

// finishDeletion ends a deletion.
func (b *modelBucket) finishDeletion(f *flight, how outcome) {
	w := b.w
	w.log("%s: %v %v", w.since(), f, how)
	r := result{job: f.job}
	if len(f.keys) > 0 || f.survey != nil {
		switch how {
		case succeeds:
			b.applyDeletion(f)
		case failsApplied, failsLate:
			b.applyDeletion(f)
			r.err = errors.New("no answer")
		case failsUnsent:
			r.err = errors.New("connection refused")
		case refused:
			r.err = ErrPermanent
		case bucketIsAway:
			r.err = fmt.Errorf("%w: %w", ErrPermanent, ErrBucket)
		}
	}
	if f.survey != nil && r.err == nil {
		r.inherited, r.surveyed = b.surveyed(f.survey), f.survey.dirs
	}
	for i := range r.removals {
		if rm := &r.removals[i]; rm.found == deleted && r.err != nil {
			rm.err, rm.unsure = r.err, !errors.Is(r.err, ErrPermanent)
		}
	}
	w.schedule.done(r, w.now)
}

// surveyed returns the manifests of earlier runs in the directories.
func (b *modelBucket) surveyed(v *survey) (found []inherited) {
	for _, p := range sortedKeys(b.objects) {
		if o := b.objects[p]; o.sheet != nil && !v.known[p] && slices.Contains(v.dirs, path.Dir(p)) {
			found = append(found, inherited{path: p, refs: o.sheet.refs,
				snapshot: &snapshot{sum: o.sheet.sum, parsed: o.sheet.parsed, others: o.sheet.others, readAt: b.w.now}})
		}
	}
	return found
}

// applyDeletion deletes the objects.
func (b *modelBucket) applyDeletion(f *flight) {
	w := b.w
	for _, key := range f.keys {
		o := b.objects[key]
		if o == nil {
			continue
		}
		if w.newest[key] == f.read[key] { // else what was read since is still to be published
			delete(w.newest, key)
		}
		if w.owed[key] <= o.id {
			delete(w.owed, key)
		}
		delete(b.objects, key)
		b.deleted[key] = true
		b.checkNotNamed(key)
	}
}

// checkNotNamed checks that no manifest names key, which was just deleted.
func (b *modelBucket) checkNotNamed(key string) {
	w := b.w
	for _, p := range sortedKeys(b.objects) {
		o := b.objects[p]
		if o.sheet != nil && slices.Contains(o.sheet.refs, key) {
			w.t.Fatalf("R2: %s is deleted, and the bucket's %s names it: %s", key, p, o.sheet.text)
		}
	}
}

// checkNamesNothingDeleted checks o, which the bucket now has under key.
func (b *modelBucket) checkNamesNothingDeleted(key string, o *object) {
	if o.sheet == nil {
		return
	}
	for _, ref := range o.sheet.refs {
		// What was given up is named with a hole: that it was deleted, too, makes no difference.
		if b.deleted[ref] && !b.w.lost[ref] {
			b.w.t.Fatalf("R2: %s names %s, which is deleted: %s", key, ref, o.sheet.text)
		}
	}
}
