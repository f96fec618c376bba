package publish_test

import (
	"slices"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A modelBucket takes what the schedule starts, and watches over the rules at each start.
type modelBucket struct {
	w       *world
	objects map[string]*object
	flights []*flight
	late    []*flight // timed out for the daemon, and may still be applied

	boots int // how often the daemon was started

	// The order of the last snapshot of which a PUT was started, of all runs of the daemon.
	started map[string]int
	// The content of the last PUT that was started.
	sent map[string]int
	// Manifests of which an old PUT was applied over the newest version, and when, while all comes
	// to rest.
	overtaken map[string]time.Time
	refusedAt time.Time // when a request was refused last

	// The playlists that were sent last: what players may have.
	promised map[string]edition
	// And those that this run of the daemon was told of, when it asked what there is.
	recalled map[string]edition

	// The keys of objects that were deleted.
	deleted map[string]bool

	// The content of the chunks that were there when the daemon was started, and still are.
	held map[string]int

	// What was answered since the daemon was started.
	confirmed map[string]confirmation // chunks
	certain   map[string]string       // manifests: the text that the bucket certainly has
	asked     map[string]bool         // manifests that it was asked for
}

// An object is what the bucket has under a key.
type object struct {
	id      int // of the content
	run     int
	version media.Version // of a chunk
	sheet   *sheet        // of a manifest
	without []string      // of a master playlist: the variants that it was sent without
	stored  time.Time
	boot    int       // run of the daemon that sent it
	instead time.Time // when it took the place of one that a manifest of this run of the daemon named
}

// A confirmation is the answer that a chunk is there.
type confirmation struct {
	id int
	at time.Time
}

func (b *modelBucket) boot() {
	b.boots++
	b.flights = nil
	b.held = map[string]int{}
	clear(b.promised)
	b.recalled = map[string]edition{}
	for p, o := range b.objects {
		if o.sheet != nil && b.w.originOf(p).format == media.HLS && !o.sheet.parsed.Set {
			e := readEdition(p, o.sheet.content)
			e.run = o.run
			b.promised[p] = e
		}
		if o.sheet == nil {
			b.held[p] = o.id
		}
	}
	b.confirmed, b.certain, b.asked = map[string]confirmation{}, map[string]string{}, map[string]bool{}
}

// start takes a job in.
func (b *modelBucket) start(j publish.Job) {
	w := b.w
	if j.Task == publish.Delete || j.Task == publish.ReadManifests {
		b.startDeletion(j)
		return
	}
	f := &flight{Job: j, key: j.Key}
	if f.isPut() && slices.ContainsFunc(b.flights, func(g *flight) bool { return g.isPut() && g.key == f.key }) {
		w.t.Fatalf("R3: two PUTs of %s are in flight", f.key)
	}
	if (j.Task == publish.PutChunk || j.Task == publish.Compare) && j.Source.Observe(j.Path).Lost {
		w.t.Fatalf("R8: %s was given up, and is asked for once more", f.key)
	}
	b.flights = append(b.flights, f)
	switch {
	case j.Task == publish.PutManifest:
		b.started[f.key] = b.startManifest(f).order
		delete(b.certain, f.key)
	case j.Task == publish.PutChunk:
		f.body, f.err = w.read(j)
		if f.err == publish.NoFileFailure {
			c := f.body.holds
			f.put = object{id: c.id, run: c.run, version: j.Version, boot: b.boots}
			w.log("%s: %v", w.since(), f)
			if c.half {
				w.t.Fatalf("R1: %s is sent while it is being written", f.key)
			}
			b.checkOvertakesNoManifest(f)
			if b.held[f.key] == f.put.id {
				w.t.Fatalf("R7: content %d of %s is sent although the bucket has it from an earlier run", c.id, f.key)
			}
			if c, ok := b.confirmed[f.key]; ok && c.id == f.put.id {
				w.t.Fatalf("R7: content %d of %s is sent although the bucket confirmed it", c.id, f.key)
			}
		} else {
			w.log("%s: %v cannot be sent: %v", w.since(), f, f.err)
			return
		}
	default:
		w.log("%s: %v", w.since(), f)
		return
	}
	if b.sent[f.key] != f.put.id {
		// An old PUT that is applied after a newer one is seen with manifests alone: they are asked
		// for, and put back. Of a chunk it would stay unknown, and the next answer is taken for the
		// last word.
		b.late = slices.DeleteFunc(b.late, func(g *flight) bool { return g.key == f.key && g.Task != publish.PutManifest })
	}
	b.sent[f.key] = f.put.id
}

// finish ends the i-th flight.
func (b *modelBucket) finish(i int, how outcome) {
	w, f := b.w, b.flights[i]
	b.flights = slices.Delete(b.flights, i, i+1)
	if how == succeedsLate && f.Task != publish.PutManifest { // of nothing else, a second request does harm
		how = succeeds
	}
	if f.Task == publish.Delete || f.Task == publish.ReadManifests {
		b.finishDeletion(f, how)
		return
	}
	r := publish.Result{Job: f.Job, FileFailure: f.err}
	if r.FileFailure == publish.NoFileFailure {
		w.log("%s: %v %v", w.since(), f, how)
		if how == refused || how == bucketIsAway {
			b.refusedAt = w.now
		}
		if f.isPut() {
			r.Bytes = f.Version.Size
		}
		switch how {
		case succeeds:
			b.answer(f, &r)
		case succeedsLate:
			r.Race, r.Late = publish.SecondWins, !b.replaces(f)
			f.overtaken = !r.Late
			b.answer(f, &r)
			b.leave(f)
		case failsApplied:
			b.apply(f)
			r.Failure = publish.NoAnswer
		case failsLate:
			b.leave(f)
			r.Failure = publish.NoAnswer
		case failsUnsent:
			r.Failure = publish.NoAnswer
		case refused:
			r.Failure = publish.Refused
			b.takeBack(f)
			if f.Task == publish.Verify && f.Recall {
				delete(b.promised, f.key) // what players have cannot be known
			}
			if f.Task == publish.Verify {
				delete(b.certain, f.key) // the bucket does not tell: what was sent is sent again, once no old PUT may replace it
			}
		case bucketIsAway:
			r.Failure = publish.BucketRefused
			b.takeBack(f)
		}
		if f.body != nil && !f.body.version().Equal(f.Version) {
			r.FileFailure = publish.FileChanged
		}
	}
	if r.Failure == publish.NoFailure && r.FileFailure == publish.NoFileFailure {
		switch {
		case f.Task == publish.PutManifest:
			b.certain[f.key] = f.put.sheet.text
		case f.Task == publish.PutChunk && w.sawOnly(f.key, f.Version): // else it is known to be outdated
			b.confirmed[f.key] = confirmation{id: f.put.id, at: w.now}
		}
	}
	w.schedule.Done(r, w.now)
	w.carryOut()
}

// replaces reports whether the bucket has what f replaces. Then a request of f that is overtaken is
// refused when it comes late.
func (b *modelBucket) replaces(f *flight) bool {
	o := b.objects[f.key]
	return f.Replaces != "" && o != nil && o.etag() == f.Replaces
}

// etag returns the ETag of o, a manifest: the same for the same content.
func (o *object) etag() string { return o.sheet.hexSum }

// whole reports whether all of f's file was sent. One that is written meanwhile was either read
// before, or not to its end: then the request is short, and nothing of it is taken.
func (f *flight) whole() bool {
	return f.body == nil || f.body.version().Equal(f.Version) || f.put.id%2 == 0
}

// leave has f, which has no answer, perhaps applied later.
func (b *modelBucket) leave(f *flight) {
	if f.isPut() && f.whole() {
		f.until = b.w.now.Add(publish.DoubtTime)
		b.late = append(b.late, f)
	}
}

// apply does what the request asks for.
func (b *modelBucket) apply(f *flight) {
	if f.Task == publish.Delete {
		b.applyDeletion(f)
	}
	if !f.isPut() || !f.whole() {
		return
	}
	o := f.put
	b.put(f.key, &o)
}

func (b *modelBucket) put(key string, o *object) {
	o.stored = b.w.now
	delete(b.overtaken, key)
	delete(b.deleted, key)
	delete(b.held, key)
	if old := b.objects[key]; old != nil && old.id != o.id && b.confirmed[key].id == old.id && b.shows(key) {
		o.instead = b.w.now
	}
	b.objects[key] = o
	b.checkNamesNothingDeleted(key, o)
}

// answer applies and answers.
func (b *modelBucket) answer(f *flight, r *publish.Result) {
	w := b.w
	b.apply(f)
	o := b.objects[f.key]
	switch {
	case f.Task == publish.PutManifest:
		r.Stored = o.etag()
	case f.isPut():
	case f.Task == publish.FindKey:
		// Each name of a recording is used once here, and what the bucket has under it is that
		// one's beginning.
		r.Claim = publish.Claim{Path: f.Path, State: publish.Free, Version: f.Version}
		switch i := o.info(); {
		case i.Holds(f.Version):
			r.Claim.State, r.Claim.Stored = publish.Ours, i.Stored
		case i != nil:
			r.Claim.State = publish.Begun
		}
	case f.Task == publish.Look:
		r.Found = o.info()
	case f.Task == publish.Verify:
		r.Found = o.info()
		if j := f.Job; j.Recall && o != nil && o.sheet.hexSum != j.Known {
			r.Content = o.sheet.content
			b.recalled[f.key] = readEdition(f.key, o.sheet.content)
		}
		r.Objects, r.OnDisk = map[string]publish.ObjectInfo{}, map[string]bool{}
		for _, l := range f.Listing {
			if i := b.objects[l.Key].info(); i != nil {
				r.Objects[l.Key] = *i
			} else if w.disk.names[l.Path] != nil {
				r.OnDisk[l.Path] = true
			}
		}
		if n := w.newest[f.Path]; o != nil && !b.asked[f.key] && n != nil && n.sheet.text == o.sheet.text {
			b.certain[f.key] = o.sheet.text
		}
		b.asked[f.key] = true
	case f.Task == publish.Compare:
		if i := o.info(); i != nil && i.Holds(f.Version) {
			r.Same = true
			b.confirmed[f.key] = confirmation{id: o.id, at: w.now}
		}
	case f.Task == publish.List:
		r.Objects = map[string]publish.ObjectInfo{}
		for _, l := range f.Listing {
			if i := b.objects[l.Key].info(); i != nil {
				i.ModTime = time.Time{} // a listing does not tell
				r.Objects[l.Key] = *i
			}
		}
	default:
		i := w.disk.names[f.key]
		switch {
		case i == nil:
			r.FileFailure = publish.FileGone
		case !i.version().Equal(f.Version):
			r.FileFailure = publish.FileChanged
		case o != nil && o.id == i.holds.id:
			r.Same = true
			w.remove(w.originOf(f.key), f.key)
		}
	}
}

// info is what the bucket tells of o, which may be nil.
func (o *object) info() *publish.ObjectInfo {
	if o == nil {
		return nil
	}
	i := &publish.ObjectInfo{Size: o.version.Size, ModTime: o.version.ModTime, Stored: o.stored}
	if o.sheet != nil {
		i.Sum = o.sheet.hexSum
	}
	return i
}

// applyLate applies what timed out.
func (b *modelBucket) applyLate(i int) {
	f := b.late[i]
	b.late = slices.Delete(b.late, i, i+1)
	if b.w.now.After(f.until) {
		return
	}
	if f.overtaken && !b.replaces(f) {
		b.w.log("%s: the %v that was overtaken is refused", b.w.since(), f)
		return
	}
	b.w.log("%s: the %v that had no answer is applied", b.w.since(), f)
	if f.put.boot < b.boots {
		delete(b.promised, f.key) // this run of the daemon cannot know of it
	}
	newest := b.w.newest[f.key]
	wasNewest := newest != nil && b.certain[f.key] == newest.sheet.text
	o := f.put
	b.put(f.key, &o)
	delete(b.certain, f.key)
	if wasNewest && o.sheet.text != newest.sheet.text {
		b.overtaken[f.key] = b.w.now
	}
}
