package publish_test

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// sent is what f sends of rec, or nil if it sends another one. Of a playlist, that may be an edition:
// segments that were given up are marked, or left out at either end; and it may go on from the run
// before.
func (w *world) sent(rec *record, f *flight) *sheet {
	if f.Manifest.Sum == rec.sheet.hexSum {
		return rec.sheet
	}
	e := readEdition(f.key, f.Manifest.Bytes)
	lost := func(ref string) bool { return w.lost[ref] }
	before, shown := w.bucket.promised[f.key]
	if !shown { // an older request was applied since the daemon asked what players have
		before, shown = w.bucket.recalled[f.key]
	}
	onlyEnds := shown && e.says == before.says && slices.Equal(e.refs, before.refs)
	switch {
	case w.originOf(f.key).format != media.HLS:
		return nil
	case onlyEnds && all(rec.sheet.refs, lost):
		return rec.sheet.editionOf(e, f.Manifest.Bytes) // nothing of it is left but its end
	case e.says != rec.sheet.text:
		return nil
	}
	if w.dest.ReconnectWindow == 0 && e.ended != rec.sheet.parsed.Ended ||
		e.ended && !rec.sheet.parsed.Ended && !w.looksShown(rec, e) {
		return nil // it has another end
	}
	for _, ref := range rec.sheet.refs[rec.sheet.others:] {
		switch listed := slices.Contains(e.refs, ref); {
		case !listed && !w.lost[ref]:
			w.t.Fatalf("R4: %s is sent without %s: %q", rec.sheet.text, ref, f.Manifest.Bytes)
		case listed && !(onlyEnds && e.ended) && e.gaps[ref] != w.originOf(ref).src.Observe(ref).Lost:
			w.t.Fatalf("R2: %s is sent, and is wrong about whether %s can arrive: %q", rec.sheet.text, ref, f.Manifest.Bytes)
		}
	}
	return rec.sheet.editionOf(e, f.Manifest.Bytes)
}

// looksShown reports whether e, which is sent of rec, has the end that an earlier run of the daemon
// has sent of the same list, and nothing tells that rec is of another run of the stream: its chunks
// are not younger than that, as far as the bucket's whole seconds tell.
func (w *world) looksShown(rec *record, e edition) bool {
	object := w.bucket.objects[rec.path]
	if !w.originOf(rec.path).reusesNames() || object == nil || object.boot == w.bucket.boots {
		return false
	}
	before := readEdition(rec.path, object.sheet.content)
	if !before.ended || !slices.Equal(e.refs, before.refs) {
		return false
	}
	told := object.stored.Add(time.Second + media.Generic[media.HLS].NamesEarly)
	return all(rec.sheet.refs, func(ref string) bool {
		i := w.disk.names[ref]
		return i == nil || i.holds.run > rec.run || !i.modTime.After(told) // a later run's tells nothing of rec
	})
}

// all reports whether what is said is so of all refs.
func all(refs []string, is func(string) bool) bool {
	return !slices.ContainsFunc(refs, func(ref string) bool { return !is(ref) })
}
