package publish_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"ems-sidecar/internal/hlscheck"
)

const (
	returnList  = 6
	returnChunk = 4 * time.Second
	returnRest  = time.Second // of a run's last chunk
)

// A variant is a stream of the group, as its directory has it.
type variant struct {
	*hlscheck.Client
	dir      string
	run      string   // in the names of its chunks
	chunks   int      // of the run
	list     []string // what its playlist names in the run
	text     string   // what the playlist on the disk names, which may be of the former run
	ended    bool     // it says so
	closed   []string // to be reported
	stale    bool     // the playlist is to be read
	behind   bool     // its reports are late
	doubtful bool     // a PUT of an end had no answer, so that it counts as one
	promised string   // the newest chunk that it names
}

// EncoderWrites writes a chunk of each variant, which is reported at once, or later.
func (w *returns) EncoderWrites(t *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(t, "chunks") {
		if !w.running {
			w.begin(t)
		}
		w.writeAll(rapid.IntRange(0, 3).Draw(t, "answered") > 0)
	}
}

// writeAll has a chunk of each variant end, in the course of which the bucket answers or not.
func (w *returns) writeAll(answered bool) {
	w.pass(returnChunk, answered)
	lasts := w.lasts()
	w.chunkAt = w.stage.now
	for _, v := range w.variants {
		w.write(v, lasts, false)
	}
}

func (w *returns) begin(t *rapid.T) {
	run := fmt.Sprint(w.stage.now.UnixMilli())
	if w.runs > 0 && rapid.Bool().Draw(t, "old chunks are deleted") {
		for _, v := range w.variants {
			w.report(v)
		}
		for _, p := range slices.Sorted(maps.Keys(w.stage.disk)) {
			if strings.HasSuffix(p, ".ts") {
				w.command("removed %s", p)
			}
		}
	}
	w.running, w.chunkAt = true, w.stage.now
	w.runs++
	for _, v := range w.variants {
		v.run, v.chunks, v.list = run, 0, nil
	}
}

// write writes a chunk of v that lasts so long, and its playlist, which ends with it or not.
func (w *returns) write(v *variant, lasts time.Duration, ended bool) {
	v.chunks++
	p := fmt.Sprintf("%s/a_%s_%d.ts", v.dir, v.run, v.chunks)
	w.command("written %s", p)
	v.list = append(v.list, fmt.Sprintf("%s@%g", p, lasts.Seconds()))
	v.list = v.list[max(0, len(v.list)-returnList):]
	v.closed = append(v.closed, p)
	w.rewrite(v, ended)
}

func (w *returns) rewrite(v *variant, ended bool) {
	v.text, v.ended = strings.Join(v.list, " "), ended
	v.promised, _, _ = strings.Cut(path.Base(v.list[len(v.list)-1]), "@")
	w.command("written %s/playlist.m3u8", v.dir)
	v.stale = true
	if !v.behind {
		w.report(v)
	}
}

// report reports what was written of v.
func (w *returns) report(v *variant) {
	v.behind = false
	for _, p := range v.closed {
		if _, there := w.stage.disk[p]; there {
			w.command("closed %s", p)
		}
	}
	v.closed = nil
	if !v.stale || v.text == "" {
		return
	}
	v.stale = false
	end := ""
	if v.ended {
		end = " end"
	}
	w.command("read %s/playlist.m3u8 names %s%s", v.dir, v.text, end)
}

// ReportsAreLate has what is written of a variant reported later.
func (w *returns) ReportsAreLate(t *rapid.T) {
	v := w.variants[rapid.IntRange(0, len(w.variants)-1).Draw(t, "variant")]
	if v.behind = !v.behind; !v.behind {
		w.report(v)
	}
}

// EncoderLeaves ends a run. Some variants have one chunk more than others.
func (w *returns) EncoderLeaves(t *rapid.T) { w.leave(t) }

func (w *returns) leave(t *rapid.T) {
	if !w.running {
		if w.runs == 0 {
			return
		}
		w.begin(t) // a run that is over at once
	}
	dropped := rapid.Bool().Draw(t, "the server ends it")
	w.pass(returnRest, true)
	w.running = false
	lasts := w.lasts()
	w.endedAt[w.variants[0].run] = w.stage.now
	for _, v := range w.variants {
		switch {
		case rapid.Bool().Draw(t, "one more"):
			w.write(v, lasts, dropped)
		case dropped && len(v.list) > 0:
			w.rewrite(v, true)
		}
	}
}
