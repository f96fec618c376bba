package publish_test

import (
	"path"
	"slices"

	"ems-sidecar/uploader/publish"
)

// startDeletion takes a job in that deletes objects: what is on the disk is found out first.
func (b *modelBucket) startDeletion(j publish.Job) {
	w := b.w
	f := &flight{Job: j, read: map[string]*record{}}
	for i := range f.Removals {
		rm := &f.Removals[i]
		if rm.Place == nil {
			w.t.Fatalf("R2: %s is deleted, and no one knows where its file was", rm.Key)
		}
		rm.Finding = publish.Deleted
		if w.disk.names[rm.Path] != nil {
			rm.Finding = publish.Undecided
			continue
		}
		key := rm.Key
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
	r := publish.Result{Job: f.Job}
	if len(f.keys) > 0 || f.Task == publish.ReadManifests {
		switch how {
		case succeeds:
			b.applyDeletion(f)
		case failsApplied, failsLate:
			b.applyDeletion(f)
			r.Failure = publish.NoAnswer
		case failsUnsent:
			r.Failure = publish.NoAnswer
		case refused:
			r.Failure = publish.Refused
		case bucketIsAway:
			r.Failure = publish.BucketRefused
		}
	}
	if f.Task == publish.ReadManifests && r.Failure == publish.NoFailure {
		r.Inherited, r.Surveyed, r.ArchivesRead = b.surveyed(f.Survey), f.Survey.Dirs, f.Survey.Streams
	}
	for i := range r.Removals {
		if rm := &r.Removals[i]; rm.Finding == publish.Deleted {
			rm.Failure = r.Failure
		}
	}
	w.schedule.Done(r, w.now)
	w.carryOut()
}

// surveyed returns the manifests of earlier runs in the directories.
func (b *modelBucket) surveyed(v *publish.Survey) (found []publish.Inherited) {
	for _, p := range sortedKeys(b.objects) {
		if o := b.objects[p]; o.sheet != nil && !v.Known[p] && slices.Contains(v.Dirs, path.Dir(p)) {
			found = append(found, publish.Inherited{Path: p, Reading: &publish.Reading{References: o.sheet.refs,
				Sum: o.sheet.sum, Manifest: o.sheet.parsed, Others: o.sheet.others, ReadAt: b.w.now}})
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
		delete(b.promised, key)
		delete(b.overtaken, key)
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
		if b.deleted[ref] && !b.w.lost[ref] && !slices.Contains(o.without, ref) {
			b.w.t.Fatalf("R2: %s names %s, which is deleted: %s", key, ref, o.sheet.text)
		}
	}
}
