package publish_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// An origin is an EMS that writes one group in one format: what it does to the files, operation by
// operation. Of HLS, it may be another program, whose names come back.
type origin struct {
	w      *world
	src    *publish.Source
	named  map[string][]string // what each manifest names, as the watcher read it last
	format media.Format
	layout media.Layout
	group  string
	anew   bool // a name that comes back is deleted and created again; else written in place
	append bool // nothing is deleted
	flat   bool // HLS: the files of all streams are in the directory of the group
	joined bool // and a master playlist names them

	streams []*originStream
}

// An originStream is one stream of an origin. It does what is in todo, one after the other.
type originStream struct {
	o     *origin
	dir   string
	run   int
	first int // oldest chunk that the manifest names
	n     int // chunk that is written next
	ended bool
	todo  []func()
}

// How many chunks a manifest names, and how many older ones stay on disk.
const (
	modelWindow = 3
	modelStale  = 2
)

// modelSegment is the least time that a program other than EMS takes for a segment.
const modelSegment = time.Second

func (o *origin) add(stream string) {
	st := &originStream{o: o, dir: o.group + "/" + stream}
	o.streams = append(o.streams, st)
	st.start(false)
}

// start has the stream start, for the first time or again; all chunks of before may be deleted then.
func (st *originStream) start(cleanup bool) {
	o := st.o
	st.todo = append(st.todo, func() {
		if cleanup {
			for _, p := range o.w.disk.whole() {
				if o.format != media.Recording && o.layout.Stream(p) == o.streamOf(st) && st.owns(p) && !o.isManifest(p) {
					o.w.remove(o, p)
				}
			}
		}
		st.run++
		st.ended = false
		st.first, st.n = 1, 1
		if o.format == media.MSS {
			st.first, st.n = 100*st.run+1, 100*st.run+1 // by the time of day
		}
		switch o.format {
		case media.HLS:
			if !o.flat || o.joined {
				o.writeMaster(st.run)
			}
		case media.HDS:
			o.w.manifest(o, st.dir+"/stream.f4m", st.run, newSheet("f4m "+st.dir, media.Manifest{}, []string{st.dir + "/bootstrap"}, nil))
			o.writeGroup(o.group+"/manifest.f4m", "/stream.f4m", st.run)
		case media.DASH:
			st.writeManifest(st.n-1, false)
			for _, t := range st.tracks() {
				o.w.open(o, t+"seg_init.mp4", st.run)
				o.w.finish(o, t+"seg_init.mp4")
			}
		}
	})
}

// streamOf returns the directory by which the uploader knows the chunks of st.
func (o *origin) streamOf(st *originStream) string { return o.layout.Stream(st.chunks(1)[0]) }

// owns reports whether p, which is in its directory, is a file of st.
func (st *originStream) owns(p string) bool { return !st.o.flat || strings.HasPrefix(p, st.dir) }

// writeMaster writes the master playlist of HLS.
func (o *origin) writeMaster(run int) {
	child := "/playlist.m3u8"
	if o.flat {
		child = ".m3u8"
	}
	o.writeGroup(o.group+"/playlist.m3u8", child, run)
}

// names reports whether a manifest names p, which is uploaded only then.
func (o *origin) names(p string) bool {
	for _, refs := range o.named {
		if slices.Contains(refs, p) && o.layout.Kind(p).Role == media.OtherFile {
			return true
		}
	}
	return false
}

// reusesNames reports whether a stream that starts again gives its names to other content.
func (o *origin) reusesNames() bool { return o.layout.Traits(o.layout.Writer).ReusesNames }

func (o *origin) isManifest(p string) bool { return o.layout.Kind(p).Role == media.ManifestFile }

// writeGroup writes the manifest p, which names one of each stream.
func (o *origin) writeGroup(p, child string, run int) {
	var refs []string
	for _, st := range o.streams {
		refs = append(refs, st.dir+child)
	}
	o.w.manifest(o, p, run, newSheet("group "+fmt.Sprint(refs), media.Manifest{Set: true}, refs, nil))
}

// tracks returns the beginnings of the names of the chunks.
func (st *originStream) tracks() []string {
	switch st.o.format {
	case media.HLS:
		if st.o.flat {
			return []string{st.dir + "-"}
		}
		if st.o.reusesNames() {
			return []string{st.dir + "/s"}
		}
		return []string{st.dir + "/run" + strconv.Itoa(st.run) + "_"}
	case media.HDS:
		return []string{st.dir + "/f4vSeg1-Frag"}
	case media.Recording:
		return []string{st.dir + "/" + strconv.Itoa(st.run) + "_"}
	}
	return []string{st.dir + "/video/1/", st.dir + "/audio/1/"}
}

func (st *originStream) chunks(n int) []string {
	ends := map[media.Format]string{media.HLS: ".ts", media.DASH: ".m4s", media.MSS: ".fmp4", media.Recording: ".mp4"}
	names := st.tracks()
	for i := range names {
		if st.o.format == media.DASH {
			names[i] += "segment_"
		}
		names[i] += strconv.Itoa(n) + ends[st.o.format]
	}
	return names
}

func (st *originStream) manifestName() string {
	switch st.o.format {
	case media.HLS:
		if st.o.flat {
			return st.dir + ".m3u8"
		}
		return st.dir + "/playlist.m3u8"
	case media.HDS:
		return st.dir + "/bootstrap"
	case media.DASH:
		return st.o.group + "/manifest.mpd"
	}
	return st.o.group + "/manifest.ismc"
}

// writeManifest writes what names the chunks up to last. Where names come back, the text of two
// runs may be the same.
func (st *originStream) writeManifest(last int, ended bool) {
	o := st.o
	if o.format == media.Recording {
		return
	}
	if !o.append {
		st.first = max(st.first, last-modelWindow+1)
	}
	var others, segments []string
	if o.format == media.DASH {
		for _, t := range st.tracks() {
			others = append(others, t+"seg_init.mp4")
		}
	}
	for n := st.first; n <= last; n++ {
		segments = append(segments, st.chunks(n)...)
	}
	text := fmt.Sprintf("%s %d-%d", o.format, st.first, last)
	if !o.reusesNames() {
		text += fmt.Sprintf(" of run %d", st.run)
	}
	if ended {
		text += " end"
	}
	m := media.Manifest{Segments: len(segments), Sequence: uint64(st.first), Last: uint64(max(0, last)), Ended: ended}
	if len(segments) == 0 {
		m.Sequence, m.Last = 0, 0
	}
	p := st.manifestName()
	if o.format == media.HLS && o.append {
		o.w.remove(o, p)
	}
	o.w.manifest(o, p, st.run, newSheet(text, m, others, segments))
}

// cycle lists the operations that one more chunk takes.
func (st *originStream) cycle() {
	if st.ended {
		return
	}
	o, w, n := st.o, st.o.w, st.n
	st.n++
	each := func(n int, do func(p string)) func() {
		return func() {
			for _, p := range st.chunks(n) {
				do(p)
			}
		}
	}
	open := each(n, func(p string) { w.open(o, p, st.run) })
	finish := each(n, func(p string) { w.finish(o, p) })
	old := each(n-modelWindow-modelStale, func(p string) {
		if !o.append {
			w.remove(o, p)
		}
	})
	switch o.format {
	case media.HLS, media.DASH:
		st.todo = append(st.todo, open, func() {
			if o.format == media.HLS && o.reusesNames() {
				w.pass(w.now.Add(modelSegment)) // what is another run's content is told by that
			}
			st.writeManifest(n, false)
		}, old, finish)
	case media.HDS:
		st.todo = append(st.todo, open, old, finish, func() { st.writeManifest(n, false) })
	case media.MSS:
		patch := each(n-2, func(p string) {
			if i := w.disk.names[p]; i != nil && !i.holds.half {
				w.open(o, p, st.run)
				w.finish(o, p)
			}
		})
		st.todo = append(st.todo, open, patch)
		if n-2 >= 100*st.run+1 {
			st.todo = append(st.todo, func() { st.writeManifest(n-2, false) })
		}
		st.todo = append(st.todo, old, finish)
	case media.Recording:
		st.todo = append(st.todo, open, finish)
	}
}

// act does the next operation.
func (st *originStream) act() {
	if len(st.todo) == 0 {
		st.cycle()
	}
	if len(st.todo) > 0 {
		do := st.todo[0]
		st.todo = st.todo[1:]
		do()
	}
}

// end has the source stop: what is being written is completed.
func (st *originStream) end(say bool) {
	if st.ended {
		return
	}
	st.todo = append(st.todo, func() {
		st.ended = true
		last := st.n - 1
		if st.o.format == media.MSS {
			last -= 2
		}
		if say && last >= st.first {
			st.writeManifest(last, true)
		}
	})
}

// complete does all that is to do.
func (st *originStream) complete() {
	for len(st.todo) > 0 {
		st.act()
	}
}

// rewrite has p written once more.
func (st *originStream) rewrite(p string) {
	run := st.o.w.disk.names[p].holds.run
	st.o.w.rewritten[p] = true
	st.o.w.open(st.o, p, run)
	st.todo = slices.Insert(st.todo, 0, func() { st.o.w.finish(st.o, p) })
}
