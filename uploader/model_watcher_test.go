package uploader

import (
	"slices"
	"time"

	"ems-sidecar/media"
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

// Expect implements Expecter.
func (w *world) Expect(paths ...string) {
	for _, p := range paths {
		w.expected[p] = true
	}
}

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
		h.origin.src.named.forget(h.path)
		if v, kept := w.disk.find(h.path); kept {
			w.disk.spool[h.path].lonely = true
			w.reportKept(h.origin, h.path, v)
		} else {
			w.schedule.left(h.origin.src, h.path, w.now)
			w.schedule.removed(h.origin.src, h.path)
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
	kept = kept || o.src.isChunk(p, i.version()) || o.src.named.has(p)
	if kept {
		w.disk.keep(p, i.version())
		w.owed[p] = i.holds.id
	}
	w.schedule.chunkClosed(o.src, p, i.version(), w.now)
	if kept {
		w.schedule.keptUnnamed(o.src, p, i.version(), w.now)
	}
	w.schedule.seen(o.src, p, w.place(), w.now)
	if f := o.src.files[p]; f != nil && (f.named > 0 || !w.onlyNamed(p)) { // else nobody wants it yet; it is reported again
		w.see(p, i.holds)
	}
}

// place is where all files are.
func (w *world) place() *place {
	if !w.dest.Delete {
		return nil
	}
	return &place{}
}

func (w *world) see(p string, c content) {
	if w.closed[p].id != c.id {
		w.told[p] = w.reads
		if o := w.originOf(p); o.format.PatchesLate() && o.src.files[p] != nil && o.src.files[p].shown > 0 {
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
	w.schedule.chunkKept(o.src, p, v, w.now)
}

func (w *world) reportManifest(o *origin, p string, i *inode) {
	s := i.holds.sheet
	r := reading{
		refs: slices.Clone(s.refs),
		snapshot: &snapshot{content: s.content, sum: s.sum, parsed: s.parsed, others: s.others,
			modTime: i.modTime, readAt: w.now},
	}
	late := false
	if o.format.ReusesNames() {
		for _, ref := range s.refs {
			var v media.Version
			if there := w.disk.names[ref]; there != nil {
				late = late || there.holds.run > i.holds.run
				v = there.version()
				w.bucket.doubt(ref, there.holds.id)
			}
			r.onDisk = append(r.onDisk, v)
		}
	}
	w.log("%s: reported: %s is closed, content %d", w.since(), p, i.holds.id)
	o.src.named.learn(o.src.layout, p, r.refs)
	w.schedule.manifestClosed(o.src, p, r, w.now)
	w.schedule.seen(o.src, p, w.place(), w.now)
	known := o.src.files[p].manifest.newest()
	switch rec := w.records[known]; {
	case known == nil || known.sum != s.sum:
		w.t.Fatalf("R5: a closing of %s is ignored", p)
	case rec == nil:
		w.reads++
		rec = &record{path: p, sheet: s, run: i.holds.run, order: w.reads, late: late}
		w.records[known], w.newest[p] = rec, rec
	default:
		rec.run, w.newest[p] = i.holds.run, rec // another run may say the same
	}
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
	w.schedule.absent(o.src, p)
}
