package publish_test

import (
	"fmt"
	"slices"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// startManifest checks the PUT f, and returns what is sent. Readings with the same content cannot
// be told apart: it is the first one for which the rules hold.
func (b *modelBucket) startManifest(f *flight) *record {
	w := b.w
	broken := fmt.Sprintf("R5: what is sent of %s was not read from it: %q", f.key, f.Manifest.Bytes)
	for i, rec := range w.records[f.key] {
		sheet := w.sent(rec, f)
		if sheet == nil {
			continue
		}
		f.put = object{id: -rec.order, run: rec.run, sheet: sheet, boot: b.boots}
		why := b.brokenBy(f, rec)
		if why == "" {
			w.log("%s: %v", w.since(), f)
			b.promise(f)
			return rec
		}
		if broken = why; i == len(w.records[f.key])-1 {
			w.log("%s: %v", w.since(), f)
		}
	}
	w.t.Fatalf("%s", broken)
	return nil
}

// promise fails if the playlist that f sends breaks what players were promised by those before.
func (b *modelBucket) promise(f *flight) {
	if b.w.originOf(f.key).format != media.HLS || f.put.sheet.parsed.Set {
		return
	}
	e := readEdition(f.key, f.Manifest.Bytes)
	e.run = f.put.run
	before, ok := b.promised[f.key]
	if ok {
		f.former = &before
	}
	if ok && b.w.dest.ReconnectWindow > 0 {
		if why := before.brokenBy(e, b.w.originOf(f.key).reusesNames()); why != "" {
			b.w.t.Fatalf("R3: of %s, %s: %q", f.key, why, f.Manifest.Bytes)
		}
	}
	b.promised[f.key], f.offers = e, true
}

// takeBack applies that f was refused: players never get what it offers.
func (b *modelBucket) takeBack(f *flight) {
	switch {
	case !f.offers:
	case f.former == nil:
		delete(b.promised, f.key)
	default:
		b.promised[f.key] = *f.former
	}
}

// brokenBy says which rule the PUT f of rec breaks, or "".
func (b *modelBucket) brokenBy(f *flight, rec *record) string {
	w := b.w
	if rec.order < b.started[f.key] {
		return fmt.Sprintf("R3: %s is sent after a newer one", f.key)
	}
	if text, ok := b.certain[f.key]; ok && text == f.put.sheet.text {
		return fmt.Sprintf("R7: %s is sent although the bucket has it", f.key)
	}
	newest := w.newest[rec.path]
	if newest != nil && newest != rec && b.publishable(newest) && !b.mayBeOwed(rec, newest) {
		return fmt.Sprintf("R4: %s is sent although %s may be: %q", f.key, newest.sheet.text, f.Manifest.Bytes)
	}
	if former := b.former(rec); former != nil {
		return fmt.Sprintf("R4: %s is sent, and what the run before has ended with never is: %s", f.key, former.sheet.text)
	}
	for i, ref := range f.put.sheet.refs {
		if !slices.Contains(rec.sheet.refs, ref) { // of an earlier run: viewers have been shown it
			if o := b.objects[ref]; w.originOf(ref).reusesNames() && (!b.onlyEnds(f) || o != nil && o.run > rec.run) {
				return fmt.Sprintf("R2: %s names %s of an earlier run, whose name may have come back", f.key, ref)
			}
			if b.objects[ref] == nil && !w.lost[ref] && !b.deleted[ref] {
				return fmt.Sprintf("R2: %s names %s of an earlier run, which is not there", f.key, ref)
			}
			continue
		}
		if why := b.lacks(ref, rec); why != "" {
			if !b.goesWithout(ref, rec) {
				return fmt.Sprintf("R2: %s names %s, %s", f.key, ref, why)
			}
			f.put.without = append(f.put.without, ref)
		}
		// A manifest of an earlier run may be published with the next one's files only as long as
		// it is the newest that is known: the next one's is on the disk then, and not reported yet.
		// Init segments are told apart by their time, whatever was seen.
		if o := b.objects[ref]; o != nil && newest != rec && i < rec.sheet.others && len(rec.sheet.refs) > rec.sheet.others && o.sheet == nil && o.run > rec.run {
			return fmt.Sprintf("R2: %s is of run %d, and names the init segment %s of run %d; a newer one waits", f.key, rec.run, ref, o.run)
		}
		// Of a segment, the schedule knows that it is another run's only if it saw both: not if the
		// first was never reported, if it was reported after the manifest was read and overwritten,
		// or if the manifest was read so late that the next run's was there. The end of what players
		// have names what they have been given. So does what they had, which an older one replaced, if
		// the newest ends in a hole and is left out.
		again := newest != nil && w.endsInHole(newest) && b.sent[f.key] == f.put.id
		if o := b.objects[ref]; o != nil && newest != rec && !rec.late && !b.onlyEnds(f) && !again &&
			w.originOf(ref).reusesNames() && o.run > rec.run && slices.Contains(w.seen[ref], rec.run) && w.told[ref] >= rec.order {
			return fmt.Sprintf("R2: %s is of run %d, and names %s of run %d; a newer one waits", f.key, rec.run, ref, o.run)
		}
	}
	return ""
}

// onlyEnds reports whether f names just what players have, and ends it.
func (b *modelBucket) onlyEnds(f *flight) bool {
	sheet := f.put.sheet
	return sheet.parsed.Ended && slices.Equal(sheet.refs[sheet.others:], b.promised[f.key].refs)
}

// goesWithout reports whether rec, a master playlist, need not wait for ref, as the bucket has
// another variant: ref is a playlist that was never read or that the disk has no more, although rec
// was read long ago, or viewers have been without it.
func (b *modelBucket) goesWithout(ref string, rec *record) bool {
	w := b.w
	onDisk := len(w.records[ref]) > 0 && w.disk.names[ref] != nil
	if w.originOf(ref).format != media.HLS || !rec.sheet.parsed.Set || b.objects[ref] != nil || onDisk {
		return false
	}
	if !slices.ContainsFunc(rec.sheet.refs, func(other string) bool { return b.objects[other] != nil }) {
		return false
	}
	if shown := b.objects[rec.path]; shown != nil && slices.Contains(shown.without, ref) {
		return true
	}
	return slices.ContainsFunc(w.records[rec.path], func(r *record) bool {
		return r.sheet.text == rec.sheet.text && w.now.Sub(r.at) >= publish.AbsentPatience
	})
}

// mayBeOwed reports whether rec, a playlist, may go before one of a later run: it lists more than
// players have, or looks like another run.
func (b *modelBucket) mayBeOwed(rec, later *record) bool {
	looksLater := rec.run < later.run || b.w.looksRestarted(later)
	looksNew := rec.run > b.promised[rec.path].run || rec.late || b.w.looksRestarted(rec)
	return looksLater && b.goesOn(rec) && (looksNew || b.adds(rec))
}

// goesOn reports whether rec is a playlist that is published run by run.
func (b *modelBucket) goesOn(rec *record) bool {
	return b.w.dest.ReconnectWindow > 0 && b.w.originOf(rec.path).format == media.HLS && len(rec.sheet.refs) > rec.sheet.others
}

// adds reports whether rec, a playlist, lists more than players have.
func (b *modelBucket) adds(rec *record) bool {
	refs := rec.sheet.refs
	return !slices.Contains(b.promised[rec.path].refs, refs[len(refs)-1])
}

// looksRestarted reports whether a chunk that rec names was written again in a run. No writer does
// that, so it is taken for one of another run.
func (w *world) looksRestarted(rec *record) bool {
	return w.originOf(rec.path).reusesNames() &&
		slices.ContainsFunc(rec.sheet.refs, func(ref string) bool { return w.rewritten[ref] })
}

// former returns what goes before rec, a playlist: the last one of the run before, if players lack
// some of it, and nothing keeps it from being sent. It is nil if there is none, or if the schedule
// cannot know that.
func (b *modelBucket) former(rec *record) *record {
	w := b.w
	all := w.records[rec.path]
	i := slices.Index(all, rec)
	for i > 0 && all[i-1].run == rec.run {
		i--
	}
	if i == 0 || len(all) > publish.MaxWaiting {
		return nil
	}
	last, next := all[i-1], all[i]
	_, known := b.promised[rec.path]
	rewritten := slices.ContainsFunc(last.sheet.refs, func(ref string) bool {
		return w.rewritten[ref] || w.isOfAnotherRun(ref, last) || b.looksOutwritten(ref, last)
	})
	told := !next.sheet.parsed.Set && next.sheet.parsed.Sequence <= last.sheet.parsed.Last // a higher number may be a jump
	if last.order > b.started[rec.path] && known && told && !rewritten && last.run < rec.run && b.goesOn(last) && b.adds(last) && b.publishable(last) {
		return last
	}
	return nil
}

// looksOutwritten reports whether ref was written so long after rec that only another run may do so.
func (b *modelBucket) looksOutwritten(ref string, rec *record) bool {
	o := b.objects[ref]
	return b.w.originOf(ref).reusesNames() && o != nil &&
		o.version.ModTime.After(rec.written.Add(media.Generic[media.HLS].NamesEarly))
}

// isOfAnotherRun reports whether ref is on the disk, or was closed, with the content of another run
// than that of rec, which names it.
func (w *world) isOfAnotherRun(ref string, rec *record) bool {
	onDisk := w.disk.names[ref]
	return w.originOf(ref).reusesNames() && (w.closed[ref].run != rec.run || onDisk != nil && onDisk.holds.run != rec.run)
}

// checkOvertakesNoManifest fails if f, new content of a chunk, may reach the bucket before a
// manifest in flight that names the content before.
func (b *modelBucket) checkOvertakesNoManifest(f *flight) {
	old := b.objects[f.key]
	if old == nil || old.id == f.put.id || b.confirmed[f.key].id != old.id {
		return
	}
	if media.EMS.Traits(b.w.originOf(f.key).format).PatchesLate && old.run == f.put.run {
		return // EMS changes an MSS chunk once more, and players can play the one before
	}
	for _, g := range b.flights {
		if g.Task == publish.PutManifest && slices.Contains(g.put.sheet.refs, f.key) {
			b.w.t.Fatalf("R2: content %d of %s is sent while %v, which names content %d, is in flight", f.put.id, f.key, g, old.id)
		}
	}
}

// endsInHole reports whether the last segment of rec was given up: if it has not ended, or has no
// others, it is not sent.
func (w *world) endsInHole(rec *record) bool {
	s := rec.sheet
	if w.originOf(rec.path).format != media.HLS || len(s.refs) == s.others || !w.lost[s.refs[len(s.refs)-1]] {
		return false
	}
	all := !slices.ContainsFunc(s.refs[s.others:], func(ref string) bool { return !w.lost[ref] })
	return !s.parsed.Ended || all
}

// lacks says why the bucket does not have ref as rec means it, or "".
func (b *modelBucket) lacks(ref string, rec *record) string {
	w := b.w
	o, org := b.objects[ref], w.originOf(ref)
	known, onDisk := org.src.Observe(ref), w.disk.names[ref]
	// What was given up does not come back with what is being written, or was written since and not
	// reported yet.
	anew := w.lost[ref] && onDisk != nil && (onDisk.holds.half || onDisk.holds.id > w.closed[ref].id)
	// EMS changes an MSS chunk once more. Who plays the stream has the one before already and can
	// play it, so that no manifest waits.
	patched := w.patched[ref] != 0 && w.patched[ref] == w.closed[ref].id
	switch {
	case !known.Known:
		return "which the schedule does not know"
	case org.isManifest(ref):
		if o == nil {
			return "which is not there"
		}
	case known.Lost: // what can never arrive is not waited for, unless it can be uploaded after all
		if w.disk.spool[ref] != nil || onDisk != nil && !onDisk.holds.half && w.closed[ref].id == onDisk.holds.id {
			return "which is given up although it can be uploaded"
		}
	case o == nil:
		return "which is not there"
	case o.id < w.closed[ref].id && !patched && (onDisk != nil && !anew || w.disk.spool[ref] != nil):
		return fmt.Sprintf("which has content %d in the bucket, and %d was closed", o.id, w.closed[ref].id)
	case (onDisk == nil || onDisk.holds.run != rec.run) && w.disk.spool[ref] == nil && (w.lost[ref] || !slices.Contains(w.seen[ref], rec.run)):
		// It is gone and was never seen or was given up, and there is an object of its name:
		// nothing tells whose that is.
	case org.reusesNames() && o.run < rec.run:
		return fmt.Sprintf("which is of run %d in the bucket, and not %d", o.run, rec.run)
	case o.boot == b.boots && org.reusesNames() && w.now.Sub(o.instead) < publish.ReturnedCacheTime:
		return "of which caches may have another one"
	}
	return ""
}

// publishable reports whether nothing keeps rec from being sent. What it cannot be sure of is no:
// it does not know all for which the schedule waits, as the cache of a chunk whose content is
// another one now.
func (b *modelBucket) publishable(rec *record) bool {
	w := b.w
	if len(rec.sheet.refs) == rec.sheet.others {
		return false
	}
	if w.looksRestarted(rec) && w.now.Sub(rec.at) < publish.OwnPatience {
		return false // new content is awaited of all chunks
	}
	for _, ref := range rec.sheet.refs {
		c, ok := b.confirmed[ref]
		if !ok || !w.originOf(ref).src.Observe(ref).Confirmed || c.id != w.closed[ref].id || w.now.Sub(c.at) < publish.ReturnedCacheTime {
			return false
		}
		if w.originOf(ref).reusesNames() && w.closed[ref].run != rec.run {
			return false // what rec means may be late, and is waited for
		}
	}
	return true
}

// doubt applies that the uploader has seen other content than it knows on the disk.
func (b *modelBucket) doubt(p string, id int) {
	if c, ok := b.confirmed[p]; ok && c.id != id {
		delete(b.confirmed, p)
	}
}

// forget applies that the schedule forgets manifests that were deleted long ago.
func (b *modelBucket) forget() {
	for p := range b.certain {
		if !b.w.originOf(p).src.Knows(p) {
			delete(b.certain, p)
			delete(b.asked, p)
		}
	}
	for p, o := range b.objects {
		if o.sheet != nil && !b.w.originOf(p).src.Knows(p) {
			o.boot = 0
		}
	}
}

// shows reports whether a manifest that was sent since the daemon was started names key.
func (b *modelBucket) shows(key string) bool {
	for _, o := range b.objects {
		if o.boot == b.boots && o.sheet != nil && slices.Contains(o.sheet.refs, key) {
			return true
		}
	}
	return false
}
