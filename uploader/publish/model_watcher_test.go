package publish_test

import (
	"slices"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A happening is something on the disk that the watcher has to report.
type happening struct {
	origin *origin
	path   string
	kind   happeningKind
}

type happeningKind uint8

const (
	wasClosed happeningKind = iota
	wasRemoved
	wasFound // in the spool, at the start
)

// report reports the i-th of the news.
func (w *world) report(i int) {
	h := w.news[i]
	w.news = slices.Delete(w.news, i, i+1)
	w.now = w.now.Add(time.Microsecond)
	switch h.kind {
	case wasClosed:
		w.reportClosed(h.origin, h.path)
	case wasRemoved:
		if w.disk.names[h.path] != nil {
			return // as Source.Removed
		}
		w.log("%s: reported: %s is deleted", w.since(), h.path)
		delete(h.origin.named, h.path)
		if v, kept := w.disk.find(h.path); kept {
			w.disk.spool[h.path].lonely = true
			w.reportKept(h.origin, h.path, v)
		} else {
			delete(w.saw, h.path)
			w.schedule.Removed(h.origin.src, h.path, false, w.now)
			w.carryOut()
		}
	case wasFound:
		if w.disk.names[h.path] != nil {
			return // as newSpool has it
		}
		if v, kept := w.disk.find(h.path); kept {
			w.reportKept(h.origin, h.path, v)
		}
	}
}

func (w *world) reportClosed(o *origin, p string) {
	i := w.disk.names[p]
	if i == nil || i.holds.half {
		return // there is a later report
	}
	if i.holds.sheet != nil {
		w.reportManifest(o, p, i)
		return
	}
	w.log("%s: reported: %s is closed, content %d", w.since(), p, i.holds.id)
	_, kept := w.disk.find(p)
	kept = kept || publish.IsChunk(o.layout, p, i.version()) || o.names(p)
	if kept {
		w.disk.keep(p, i.version())
		w.owed[p] = i.holds.id
	}
	delete(w.saw, p)
	w.schedule.Closed(o.src, p, i.version(), kept, w.place(), w.now)
	w.carryOut()
	if f := o.src.Observe(p); f.Known && (f.Named || !w.onlyNamed(p)) { // else no one wants it yet; it is reported again
		w.see(p, i.holds)
	}
}

// place is where all files are.
func (w *world) place() *publish.Place {
	if !w.dest.Delete {
		return nil
	}
	return &publish.Place{}
}

func (w *world) see(p string, c content) {
	if w.closed[p].id != c.id {
		w.told[p] = w.reads
		if o := w.originOf(p); media.EMS.Traits(o.format).PatchesLate && o.src.Observe(p).Shown {
			w.patched[p] = c.id
		}
	}
	w.closed[p] = c
	if !slices.Contains(w.seen[p], c.run) {
		w.seen[p] = append(w.seen[p], c.run)
	}
}

func (w *world) reportKept(o *origin, p string, v media.Version) {
	w.log("%s: reported: only the spool has %s", w.since(), p)
	w.see(p, w.disk.spool[p].inode.holds)
	delete(w.saw, p)
	w.schedule.Kept(o.src, p, v, w.now)
	w.carryOut()
}

func (w *world) reportManifest(o *origin, p string, i *inode) {
	s := i.holds.sheet
	r := publish.Reading{References: slices.Clone(s.refs), Content: s.content, Sum: s.sum, Manifest: s.parsed, Others: s.others,
		ModTime: i.modTime, ReadAt: w.now}
	late := false
	if o.reusesNames() {
		for _, ref := range s.refs {
			var v media.Version
			if there := w.disk.names[ref]; there != nil {
				late = late || there.holds.run > i.holds.run
				v = there.version()
				w.saw[ref] = v
				w.bucket.doubt(ref, there.holds.id)
			}
			r.OnDisk = append(r.OnDisk, v)
		}
	}
	w.log("%s: reported: %s is closed, content %d", w.since(), p, i.holds.id)
	o.named[p] = r.References
	w.schedule.ManifestRead(o.src, p, r, w.place(), w.now)
	w.carryOut()
	if newest := w.newest[p]; newest != nil && newest.sheet.sum == s.sum {
		newest.run, newest.written = i.holds.run, i.modTime // another run may say the same
		return
	}
	w.reads++
	rec := &record{path: p, sheet: s, run: i.holds.run, order: w.reads, late: late, at: w.now, written: i.modTime}
	w.records[p], w.newest[p] = append(w.records[p], rec), rec
}

// sawOnly reports whether no manifest was read while p had another version on the disk, since p was
// reported last.
func (w *world) sawOnly(p string, v media.Version) bool {
	saw, ok := w.saw[p]
	return !ok || saw.Equal(v)
}

// answer answers what the schedule asked of p, after the news of it.
func (w *world) answer(p string) {
	for i := 0; i < len(w.news); {
		if w.news[i].path == p {
			w.report(i)
		} else {
			i++
		}
	}
	delete(w.expected, p)
	w.now = w.now.Add(time.Microsecond)
	o := w.originOf(p)
	if w.disk.names[p] != nil {
		w.reportClosed(o, p)
		return
	}
	if v, kept := w.disk.find(p); kept {
		w.reportKept(o, p, v)
		return
	}
	w.log("%s: reported: %s is absent", w.since(), p)
	delete(w.saw, p)
	w.schedule.Absent(o.src, p, false, w.now)
	w.carryOut()
}
