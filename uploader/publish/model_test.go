package publish_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

var (
	modelSteps = flag.Int("steps", 100_000, "how many steps TestModel makes")
	modelSeed  = flag.Uint64("seed", 1, "what TestModel's chance begins with; 0: something else each time")
)

// stepsOfAWorld is how many steps are made, on average, before a new world is begun.
const stepsOfAWorld = 100

// The schedule keeps R1 to R7 whatever the disk, EMS, the bucket and the one who stops the daemon
// do. What a counterexample did is printed step by step, shortened to what it takes. By default
// each run makes the same steps; another million: go test -run Model -steps 1000000 -seed 0 -v.
func TestModel(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	if given := flag.Lookup("rapid.seed").Value.String(); given != "0" { // that of a counterexample
		seed, _ = strconv.ParseUint(given, 10, 64)
	}
	for name, value := range map[string]string{
		"rapid.seed":       strconv.FormatUint(seed, 10),
		"rapid.checks":     strconv.Itoa(max(1, *modelSteps/stepsOfAWorld)),
		"rapid.steps":      strconv.Itoa(stepsOfAWorld),
		"rapid.nofailfile": "true", // the seed is printed
	} {
		f := flag.Lookup(name)
		was := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		defer f.Value.Set(was)
	}
	worlds, steps := 0, 0
	defer func() { t.Logf("seed %d, %d steps", seed, steps) }() // last, behind the steps of a counterexample
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(rapid.StateMachineActions(w))
		w.t = t
		w.rest()
		worlds++
		steps += w.steps
	})
	if wanted := max(1, *modelSteps/stepsOfAWorld); worlds < wanted && !testing.Short() {
		t.Errorf("there was time for %d of %d worlds", worlds, wanted)
	}
}

// newWorld draws what does not change.
func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: modelStart, judged: modelStart, minute: modelStart.Add(time.Minute), disk: newModelDisk(), owed: map[string]int{}, lost: map[string]bool{},
		rewritten: map[string]bool{}}
	w.bucket = &modelBucket{w: w, objects: map[string]*object{}, started: map[string]int{}, sent: map[string]int{}, deleted: map[string]bool{}, overtaken: map[string]time.Time{}, promised: map[string]edition{}}
	w.dest = &publish.Destination{Bucket: "b", DeleteLocalAfter: time.Minute}
	w.dest.Delete, w.dest.DeleteDelay = rapid.Bool().Draw(t, "objects are deleted as files are"), 20*time.Second
	w.dest.ReconnectWindow = rapid.SampledFrom([]time.Duration{0, 20 * time.Second}).Draw(t, "streams may return")
	w.dest.DeleteLocal = rapid.Bool().Draw(t, "delete recordings")
	if rapid.Bool().Draw(t, "manifest interval") {
		w.dest.ManifestInterval = time.Second
	}
	w.workers = rapid.SampledFrom([]int{1, 3, 8, 16}).Draw(t, "workers")
	formats := rapid.SliceOfN(rapid.SampledFrom([]media.Format{media.HLS, media.HDS, media.DASH, media.MSS, media.Recording}), 1, 2).Draw(t, "formats")
	for i, format := range formats {
		layout := media.Layout{Format: format, Bootstrap: "bootstrap"}
		if format == media.HLS && rapid.Bool().Draw(t, "another program writes") {
			layout.Writer = media.AnyWrites
		}
		o := &origin{w: w, format: format, layout: layout, group: fmt.Sprintf("g%d", i)}
		if layout.Writer == media.AnyWrites && format == media.HLS {
			o.flat = rapid.Bool().Draw(t, "all in one directory")
			o.joined = o.flat && rapid.Bool().Draw(t, "with a master playlist")
		}
		w.origins = append(w.origins, o)
	}
	w.boot()
	for _, o := range w.origins {
		o.anew = rapid.Bool().Draw(t, "names come back as new files") && o.format != media.MSS
		o.append = rapid.Bool().Draw(t, "appending")
		o.add("a")
		if o.format == media.HLS || o.format == media.HDS {
			if rapid.Bool().Draw(t, "two streams") {
				o.add("b")
			}
		}
	}
	return w
}

func (w *world) begin(t *rapid.T) {
	w.t = t
	w.steps++
}

// Check implements rapid.StateMachine.
func (w *world) Check(t *rapid.T) {
	w.t = t
	w.work()
}

func (w *world) drawStream(t *rapid.T) *originStream {
	o := w.origins[rapid.IntRange(0, len(w.origins)-1).Draw(t, "group")]
	return o.streams[rapid.IntRange(0, len(o.streams)-1).Draw(t, "stream")]
}

// EMSWrites has a stream do its next operations.
func (w *world) EMSWrites(t *rapid.T) {
	w.begin(t)
	st := w.drawStream(t)
	for range rapid.IntRange(1, 6).Draw(t, "operations") {
		st.act()
	}
}

// WatcherReports reports some of the news, those of one file in their order.
func (w *world) WatcherReports(t *rapid.T) {
	w.begin(t)
	for range rapid.IntRange(1, 8).Draw(t, "reports") {
		if len(w.news) == 0 {
			break
		}
		i := 0
		if len(w.news) > 1 {
			i = rapid.IntRange(0, min(4, len(w.news)-1)).Draw(t, "which")
		}
		p := w.news[i].path
		w.report(slices.IndexFunc(w.news, func(h happening) bool { return h.path == p }))
		w.work()
	}
}

// WatcherAnswers says what is there of the files that were asked for.
func (w *world) WatcherAnswers(t *rapid.T) {
	w.begin(t)
	for range rapid.IntRange(1, 4).Draw(t, "answers") {
		asked := sortedKeys(w.expected)
		if len(asked) == 0 {
			break
		}
		w.answer(asked[rapid.IntRange(0, len(asked)-1).Draw(t, "which")])
		w.work()
	}
}

// BucketAnswers ends some of what is in flight, well.
func (w *world) BucketAnswers(t *rapid.T) {
	w.begin(t)
	for range rapid.IntRange(1, 6).Draw(t, "answers") {
		if len(w.bucket.flights) == 0 {
			break
		}
		w.bucket.finish(rapid.IntRange(0, len(w.bucket.flights)-1).Draw(t, "which"), succeeds)
		w.work()
	}
}

// BucketFails ends some of what is in flight, badly.
func (w *world) BucketFails(t *rapid.T) {
	w.begin(t)
	how := outcome(rapid.IntRange(1, int(modelOutcomes)-1).Draw(t, "how"))
	for range rapid.IntRange(1, 3).Draw(t, "failures") {
		if len(w.bucket.flights) == 0 {
			break
		}
		w.bucket.finish(rapid.IntRange(0, len(w.bucket.flights)-1).Draw(t, "which"), how)
		w.work()
	}
}

// TimePasses lets time pass.
func (w *world) TimePasses(t *rapid.T) {
	w.begin(t)
	d := rapid.SampledFrom([]time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, 3 * time.Second,
		12 * time.Second, 40 * time.Second, 90 * time.Second, 11 * time.Minute}).Draw(t, "time")
	w.pass(w.now.Add(d))
}

// SomethingRare happens.
func (w *world) SomethingRare(t *rapid.T) {
	w.begin(t)
	switch rapid.SampledFrom(rare).Draw(t, "what") {
	case "a late PUT is applied":
		if n := len(w.bucket.late); n > 0 {
			w.bucket.applyLate(rapid.IntRange(0, n-1).Draw(t, "which"))
		}
	case "the daemon is killed and started":
		w.kill(t)
	case "the stream ends":
		w.drawStream(t).end(rapid.Bool().Draw(t, "said in the manifest"))
	case "the stream starts again":
		st := w.drawStream(t)
		st.end(rapid.Bool().Draw(t, "said in the manifest"))
		st.start(rapid.Bool().Draw(t, "old chunks are deleted"))
	case "a file is deleted":
		if p, ok := w.drawFile(t); ok {
			w.remove(w.originOf(p), p)
		}
	case "a chunk is written again":
		if p, ok := w.drawFile(t); ok && !w.originOf(p).isManifest(p) {
			w.originOf(p).streams[0].rewrite(p)
		}
	case "the watcher scans":
		w.log("%s: the watcher scans", w.since())
		for _, p := range w.disk.whole() {
			w.news = append(w.news, happening{w.originOf(p), p, wasClosed})
		}
	case "a master playlist joins the streams of a directory":
		if o := w.drawStream(t).o; o.flat {
			o.writeMaster(o.streams[0].run)
		}
	case "the spool is full":
		w.evict()
	case "all rests":
		w.rest()
	}
}

var rare = []string{"a late PUT is applied", "the daemon is killed and started", "the stream ends", "the stream starts again",
	"a file is deleted", "a file is deleted", "a chunk is written again", "a chunk is written again", "the watcher scans", "the spool is full", "all rests",
	"a master playlist joins the streams of a directory"}

func (w *world) drawFile(t *rapid.T) (p string, ok bool) {
	files := w.disk.whole()
	if len(files) == 0 {
		return "", false
	}
	return files[rapid.IntRange(0, len(files)-1).Draw(t, "file")], true
}
