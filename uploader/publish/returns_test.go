package publish_test

import (
	"flag"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ems-sidecar/internal/hlscheck"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

var returnWorlds = flag.Int("returns", 150,
	"how many streams TestR3VariantsAreInStepOverRandomReturns has, each with some runs")

// Encoders come and go, variants lack runs or their last chunks, the daemon starts again, and the
// bucket fails. Each version that viewers can get follows the rules for live playlists, all
// variants are in step, and each stream ends with its last chunk.
func TestR3VariantsAreInStepOverRandomReturns(t *testing.T) {
	for name, value := range map[string]string{
		"rapid.checks": fmt.Sprint(*returnWorlds), "rapid.steps": "40", "rapid.nofailfile": "true",
	} {
		f := flag.Lookup(name)
		was := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		defer f.Value.Set(was)
	}
	if f := flag.Lookup("rapid.seed"); f.Value.String() == "0" {
		_ = f.Value.Set(fmt.Sprint(*modelSeed))
		defer func() { _ = f.Value.Set("0") }()
	}
	returned := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newReturns(t)
		t.Repeat(rapid.StateMachineActions(w))
		w.rest(t)
		returned += w.runs
	})
	t.Logf("%d runs", returned)
}

// A returns is a group of variants that one encoder feeds.
type returns struct {
	t        *rapid.T
	stage    *stage
	window   time.Duration
	variants []*variant
	judge    *hlscheck.Group
	running  bool
	chunkAt  time.Time // running: when the chunk began that is being written
	runs     int
	endedAt  map[string]time.Time // by run: when its writing ended
}

func newReturns(t *rapid.T) *returns {
	w := &returns{t: t, stage: newStage(), window: 20 * time.Second, endedAt: map[string]time.Time{}}
	w.judge = &hlscheck.Group{Content: func(uri string) (run, part string) {
		parts := strings.Split(strings.TrimSuffix(uri, ".ts"), "_")
		return parts[1], parts[2]
	}}
	w.command("source hls g window=%v workers=%d", w.window, rapid.SampledFrom([]int{1, 8}).Draw(t, "workers"))
	names := []string{"g/audio", "g/high", "g/low"}[:rapid.IntRange(2, 3).Draw(t, "variants")]
	for _, dir := range names {
		v := &variant{dir: dir, Client: &hlscheck.Client{Name: dir, AfterEnd: 1}}
		v.Exists = func(uri string) bool {
			_, there := w.stage.objects[dir+"/"+uri]
			return there
		}
		w.variants = append(w.variants, v)
	}
	w.stage.applied = w.see
	w.tellMaster()
	w.begin(t) // all variants have the first run
	for range 2 {
		w.writeAll(true)
	}
	w.pass(time.Second, true)
	return w
}

// command plays a line of a story, and logs it.
func (w *returns) command(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	w.stage.tick()
	w.t.Logf("%s", line)
	w.stage.out = w.stage.out[:0]
	if err := w.stage.command(line); err != nil {
		w.t.Fatalf("%q: %v", line, err)
	}
	told := slices.Clone(w.stage.out)
	for _, line := range told {
		w.t.Logf("    %s", line)
	}
	for _, line := range told {
		if _, asked, ok := strings.Cut(line, "expect "); ok {
			for _, p := range strings.Fields(asked) {
				w.answer(p)
			}
		}
	}
}

// answer says that a file that was asked for is not there, if that is so.
func (w *returns) answer(p string) {
	_, kept := w.stage.spool[p]
	if _, there := w.stage.disk[p]; !there && !kept {
		w.command("absent %s", p)
	}
}

func (w *returns) tellMaster() {
	line := "read g/playlist.m3u8 names"
	for _, v := range w.variants {
		line += " " + v.dir + "/playlist.m3u8"
	}
	w.command("%s", line)
}

// see judges what the bucket has got.
func (w *returns) see(j publish.Job) {
	i := slices.IndexFunc(w.variants, func(v *variant) bool { return v.dir == path.Dir(j.Path) })
	if j.Task != publish.PutManifest || i < 0 {
		return
	}
	v := w.variants[i]
	v.AfterSilence = w.window
	if v.doubtful || w.outlived(v, j.Manifest.Bytes) {
		v.AfterSilence = 1
	}
	v.doubtful = false
	found := v.See(w.stage.now.Add(time.Duration(v.Versions())), j.Manifest.Bytes)
	for _, f := range append(found, w.judge.See(v.Client)...) {
		if !f.Note {
			w.t.Fatalf("%s\n%v\n%s", strings.Join(w.stage.out, "\n"), f, j.Manifest.Bytes)
		}
	}
}

// outlived reports whether viewers have left before the run began with which content begins.
func (w *returns) outlived(v *variant, content []byte) bool {
	old := v.Playlist()
	p, _ := hlscheck.Parse(content)
	if old == nil || len(old.Segments) == 0 || len(p.Segments) == 0 {
		return false
	}
	last, _ := w.judge.Content(old.Segments[len(old.Segments)-1].URI)
	began, _, ok := media.RunOf(p.Segments[0].URI)
	ended := w.endedAt[last]
	return ok && !ended.IsZero() && began.Sub(ended) > w.window
}

// Check implements rapid.StateMachine.
func (w *returns) Check(t *rapid.T) { w.t = t }

// TimePasses lets time pass, in which the bucket answers or not.
func (w *returns) TimePasses(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 3 * time.Second,
		9 * time.Second, 30 * time.Second}).Draw(t, "time")
	w.pass(d, rapid.Bool().Draw(t, "answered"))
}

// pass lets time pass, as long as no chunk gets too long.
func (w *returns) pass(d time.Duration, answered bool) {
	d = w.bounded(d)
	how := ""
	if answered {
		how = " answered"
	}
	w.command("after %v%s", d, how)
}

// bounded returns d, or what is left of the chunk that is being written.
func (w *returns) bounded(d time.Duration) time.Duration {
	if w.running {
		d = min(d, returnChunk-w.lasts())
	}
	return d
}

// lasts returns how long the chunk lasts that is being written.
func (w *returns) lasts() time.Duration {
	return w.stage.now.Sub(w.chunkAt).Round(time.Millisecond)
}

// BucketAnswers ends some of what is in flight.
func (w *returns) BucketAnswers(t *rapid.T) {
	hows := []string{"", "", "", ": no answer", ": no answer, but it is done", ": not done",
		": bucket refused"}
	for range rapid.IntRange(1, 6).Draw(t, "answers") {
		if len(w.stage.flights) == 0 {
			return
		}
		f := w.stage.flights[rapid.IntRange(0, len(w.stage.flights)-1).Draw(t, "which")]
		how := rapid.SampledFrom(hows).Draw(t, "how")
		for _, v := range w.variants {
			ends := f.Task == publish.PutManifest && path.Dir(f.Path) == v.dir &&
				strings.Contains(string(f.Manifest.Bytes), "ENDLIST")
			v.doubtful = v.doubtful || ends && (how == ": no answer" || how == ": not done")
		}
		w.command("done %s%s", f.Path, how)
	}
}

// DaemonStartsAgain ends the daemon, and starts it, with what is in flight done or not.
func (w *returns) DaemonStartsAgain(t *rapid.T) {
	for len(w.stage.flights) > 0 && rapid.Bool().Draw(t, "a request is done before") {
		w.command("done %s: no answer, but it is done", w.stage.flights[0].Path)
	}
	away := rapid.SampledFrom([]time.Duration{0, time.Second, 15 * time.Second}).Draw(t, "away")
	w.command("restart")
	w.stage.now = w.stage.now.Add(w.bounded(away))
	w.tellMaster()
	for _, p := range slices.Sorted(maps.Keys(w.stage.disk)) {
		if strings.HasSuffix(p, ".ts") {
			w.command("closed %s", p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(w.stage.spool)) {
		if _, there := w.stage.disk[p]; !there {
			w.stage.schedule.Kept(w.stage.sourceOf(p).Source, p, w.stage.spool[p], w.stage.now)
		}
	}
	for _, v := range w.variants {
		v.closed, v.stale = nil, true
		w.stage.unread[v.dir+"/playlist.m3u8"] = true // it is what it was
		w.report(v)
	}
}

// rest has all that is late arrive. Then each variant ends with the last chunk that it can end
// with.
func (w *returns) rest(t *rapid.T) {
	w.t = t
	if w.running {
		w.leave(t)
	}
	for _, v := range w.variants {
		w.report(v)
	}
	w.pass(2*time.Minute, true)
	for _, v := range w.variants {
		p := v.Playlist()
		switch {
		case v.promised == "" || !v.ended:
		case p == nil || !p.Ended || p.Segments[len(p.Segments)-1].URI != v.promised:
			t.Fatalf("%s does not end with %s, its last chunk", v.dir, v.promised)
		}
	}
}
