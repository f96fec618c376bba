package publish

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// A flat is a directory into which several encoders write, and the daemon that publishes it.
type flat struct {
	t     testing.TB
	s     *Schedule
	src   *Source
	now   time.Time
	n     map[string]int // chunks of each
	told  []Change
	notes []Note
	// answer changes the result of a job.
	answer func(*Result)
}

var flatLayout = media.Layout{Format: media.HLS, Writer: media.NamesTell}

// newFlat returns one whose daemon has run for an hour.
func newFlat(t testing.TB, dest *Destination) *flat {
	began := time.Now()
	f := &flat{t: t, s: newSchedule(began), now: began.Add(time.Hour), n: make(map[string]int), answer: func(*Result) {}}
	f.src = f.s.Add("/root", flatLayout, dest, false)
	return f
}

// restart has another daemon publish the directory from now on.
func (f *flat) restart() {
	f.s = newSchedule(f.now)
	f.src = f.s.Add("/root", flatLayout, f.src.dest, false)
	f.told, f.notes = nil, nil
}

// chunk has the next chunk of a stream closed.
func (f *flat) chunk(name string) string {
	f.n[name]++
	p := fmt.Sprintf("%s-%d.ts", name, f.n[name])
	f.s.Closed(f.src, p, media.Version{Size: 9, ModTime: f.now.Round(0), Inode: uint64(f.n[name])}, false, nil, f.now)
	return p
}

// reading is of a playlist or an MPD that names the last three chunks of a stream.
func (f *flat) reading(name string, ended bool) Reading {
	n := f.n[name]
	r := Reading{ReadAt: f.now, ModTime: f.now.Round(0), Manifest: media.Manifest{Sequence: uint64(max(1, n-2)),
		Last: uint64(n), TargetDuration: 2 * time.Second, Ended: ended}}
	for i := max(1, n-2); i <= n; i++ {
		r.References = append(r.References, fmt.Sprintf("%s-%d.ts", name, i))
		r.OnDisk = append(r.OnDisk, media.Version{})
	}
	r.Manifest.Segments = len(r.References)
	r.Content = []byte(fmt.Sprint(name, n, ended))
	r.Sum = sha256.Sum256(r.Content)
	return r
}

func (f *flat) read(name string, r Reading) { f.s.ManifestRead(f.src, name, r, nil, f.now) }

// set has a master playlist read.
func (f *flat) set(name string, of ...string) {
	r := Reading{ReadAt: f.now, ModTime: f.now, References: of, Others: len(of), Manifest: media.Manifest{Set: true},
		Content: []byte(name + strings.Join(of, " ")), OnDisk: make([]media.Version, len(of))}
	r.Sum = sha256.Sum256(r.Content)
	f.read(name, r)
}

// play has all streams write a chunk, and a playlist that names it, every two seconds.
func (f *flat) play(d time.Duration, names ...string) {
	for until := f.now.Add(d); f.now.Before(until); {
		for _, name := range names {
			f.chunk(name)
			f.work()
			f.read(name+".m3u8", f.reading(name, false))
		}
		f.pass(2 * time.Second)
	}
}

// work does what is to be done.
func (f *flat) work() {
	for j, ok := f.s.Next(f.now); ok; j, ok = f.s.Next(f.now) {
		res := Result{Job: j, Objects: make(map[string]ObjectInfo)}
		for _, l := range j.Listing {
			res.Objects[l.Key] = ObjectInfo{}
		}
		f.answer(&res)
		f.s.Done(res, f.now)
	}
	e := f.s.Effects()
	f.told = append(f.told, e.Changes...)
	f.notes = append(f.notes, e.Notes...)
}

func (f *flat) pass(d time.Duration) {
	for until := f.now.Add(d); f.now.Before(until); f.now = f.now.Add(time.Second) {
		f.work()
		f.s.Judge(f.now)
		f.work()
	}
}

// want checks which streams there are, and how each fares, by name.
func (f *flat) want(want ...string) {
	f.t.Helper()
	var got []string
	for _, v := range f.s.Views() {
		got = append(got, v.Shown+" "+v.State.String())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.t.Errorf("%q, want %q", got, want)
	}
}

// view returns the stream of a name.
func (f *flat) view(name string) View {
	f.t.Helper()
	for _, v := range f.s.Views() {
		if v.Shown == name {
			return v
		}
	}
	f.t.Fatalf("there is no stream %s", name)
	return View{}
}

// changes are what was told of the streams, from state to state.
func (f *flat) changes() (lines []string) {
	for _, c := range f.told {
		to := c.To.String()
		if c.Gone {
			to = "gone"
		}
		lines = append(lines, fmt.Sprintf("%s: %v, %s", c.Stream, c.From, to))
	}
	f.told = nil
	return lines
}

// A frozen encoder is not hidden by the one beside it.
func TestR10FrozenStreamIsToldFromItsNeighbours(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other", "third")
	f.want("cam live", "other live", "third live")
	f.changes()
	f.play(20*time.Second, "cam", "third")
	f.want("cam live", "other stalled", "third live")
	if v := f.view("other"); !strings.Contains(v.Why, "no new chunk in its manifest for 2") {
		t.Errorf("it is stalled because %s", v.Why)
	}
	if got := f.changes(); !slices.Equal(got, []string{"other: live, stalled"}) {
		t.Errorf("%q was told", got)
	}
	f.play(20*time.Second, "cam", "other", "third")
	f.want("cam live", "other live", "third live")
}

// What a stream was called is told once to be over, and the one that it was goes on as it was.
func TestFirstStreamGoesOnUnderItsOwnNameWhenAnotherOneComes(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(time.Minute, "cam")
	f.want("/root live")
	before := f.view("/root")
	f.changes()
	f.play(8*time.Second, "cam", "other")
	f.want("/root live")
	f.play(12*time.Second, "cam", "other")
	f.want("cam live", "other live")
	if got := f.changes(); !slices.Equal(got, []string{"/root: live, gone", "other: starting, live"}) {
		t.Errorf("%q was told", got)
	}
	v := f.view("cam")
	if v.Since != before.Since || v.Chunks <= before.Chunks || v.Stream != "cam" || v.Dir != "." {
		t.Errorf("it was %+v, and is %+v", before, v)
	}
	var notes []string
	for _, n := range f.notes {
		if n.Notice.Kind != "" {
			notes = append(notes, fmt.Sprint(n.Stream, " ", n.Message, n.Attrs))
		}
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "cam, other") {
		t.Errorf("%q was noted", notes)
	}
}

// Names do not change because the daemon was started again, and none is told that is no name.
func TestStreamsOfOneDirectoryHaveTheirNamesAfterARestart(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other", "old")
	f.play(30*time.Second, "cam", "other")
	f.restart()
	for _, name := range []string{"old", "other", "cam"} { // manifests are read first
		f.read(name+".m3u8", f.reading(name, name == "old"))
	}
	for n := f.n["old"] - 2; n <= f.n["old"]; n++ {
		v := media.Version{Size: 9, ModTime: f.now.Add(-30 * time.Second).Round(0), Inode: uint64(n)}
		f.s.Closed(f.src, fmt.Sprintf("old-%d.ts", n), v, false, nil, f.now)
	}
	for until := f.now.Add(6 * time.Second); f.now.Before(until); {
		f.play(time.Second, "cam", "other")
		for _, v := range f.s.Views() {
			if v.Shown == "/root" {
				t.Fatalf("a stream is called %s, after the start", v.Shown)
			}
		}
	}
	f.want("cam live", "old ended", "other live")
	for _, line := range f.changes() {
		if strings.HasPrefix(line, "/root") {
			t.Errorf("%q was told", line)
		}
	}
}

// What a master playlist names is one stream, also if it comes last.
func TestVariantsInOneDirectoryAreOneStream(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(4*time.Second, "low", "high")
	f.set("cam.m3u8", "low.m3u8", "high.m3u8")
	f.play(time.Minute, "low", "high")
	f.want("/root live")
	f.play(20*time.Second, "low", "high", "other")
	f.want("cam live", "other live")
	f.play(20*time.Second, "low", "other")
	f.want("cam live", "other live")
}

// A master playlist that comes late makes of its variants what they would have been.
func TestLateMasterPlaylistJoinsStreams(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "low", "high")
	f.want("high live", "low live")
	f.changes()
	f.set("cam.m3u8", "low.m3u8", "high.m3u8")
	f.play(10*time.Second, "low", "high")
	f.want("/root live")
	got := f.changes()
	slices.Sort(got)
	if !slices.Equal(got, []string{"high: live, gone", "low: live, gone"}) {
		t.Errorf("%q was told", got)
	}
	if v := f.view("/root"); v.Chunks != 30 {
		t.Errorf("%d chunks are counted", v.Chunks)
	}
}

// Two playlists of the same chunks are of one stream.
func TestPlaylistsThatShareChunksAreOneStream(t *testing.T) {
	f := newFlat(t, &Destination{})
	for range 20 {
		f.chunk("cam")
		f.read("cam.m3u8", f.reading("cam", false))
		f.read("dvr.m3u8", f.reading("cam", false))
		f.pass(2 * time.Second)
	}
	f.want("/root live")
}

// EMS's directories are streams, whatever else is in them.
func TestDirectoriesOfEMSAreNeverSplit(t *testing.T) {
	f := newFlat(t, &Destination{})
	for i := range 20 {
		for _, name := range []string{"playlist", "former"} {
			p := fmt.Sprintf("%s_1700000000000_%d.ts", name, i)
			f.s.Closed(f.src, p, media.Version{Size: 9, ModTime: f.now.Round(0), Inode: uint64(i)}, false, nil, f.now)
			f.n[name] = i
			r := f.reading(name, false)
			r.References, r.OnDisk, r.Manifest.Segments = []string{p}, []media.Version{{}}, 1
			f.read(name+".m3u8", r)
		}
		f.pass(2 * time.Second)
	}
	f.want("/root live")
}

// A stream whose objects are refused, and one whose playlist cannot be read, fail, and the one beside them
// waits for neither.
func TestR9BadStreamsDoNotHoldUpTheirNeighbours(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other", "third")
	f.answer = func(r *Result) {
		if strings.HasPrefix(r.Key, "other") && (r.Task == PutChunk || r.Task == PutManifest) {
			r.Failure, r.Err = Refused, errors.New("403 AccessDenied")
		}
	}
	for range 30 {
		at := f.now
		f.chunk("third") // its playlist is unreadable
		f.s.ManifestUnreadable(f.src, "third.m3u8", errors.New("permission denied"), f.now)
		f.play(2*time.Second, "other", "cam")
		if v := f.view("cam"); v.State != health.Live || v.Edge.Before(at) {
			t.Fatalf("cam is %v, %q: its newest chunk that viewers know is of %v", v.State, v.Why, f.now.Sub(v.Edge))
		}
	}
	f.want("cam live", "other failing", "third failing")
	if v := f.view("other"); !strings.Contains(v.Why, "403") {
		t.Errorf("other fails because %s", v.Why)
	}
	if v := f.view("third"); !strings.Contains(v.Why, "third.m3u8 cannot be read: permission denied") {
		t.Errorf("third fails because %s", v.Why)
	}
}

// An operator ends one of them, and the guard of stale playlists ends that of the one that is frozen.
func TestOneOfTheStreamsInADirectoryIsEnded(t *testing.T) {
	f := newFlat(t, &Destination{StaleAfter: 30 * time.Second})
	f.play(20*time.Second, "cam", "other", "third")
	if n := f.s.End(f.src, "cam", f.now); n != 1 {
		t.Errorf("%d playlists are ended", n)
	}
	if n := f.s.End(f.src, ".", f.now); n != 0 {
		t.Errorf("%d playlists of the directory are ended", n)
	}
	f.notes = nil
	f.play(40*time.Second, "other")
	var stale []string
	for _, n := range f.notes {
		if n.Message == "playlist is stale, and is ended" {
			stale = append(stale, fmt.Sprint(n.Attrs[1]))
		}
	}
	if !slices.Equal(stale, []string{"third"}) {
		t.Errorf("stale are %q", stale)
	}
	_, manifests, _ := f.s.View(f.src, "other")
	if len(manifests) != 1 || manifests[0].Path != "other.m3u8" || manifests[0].Ended {
		t.Errorf("the manifests of other are %+v", manifests)
	}
}

// Two sections over the same segments find the same streams, and a chunk is told to both of its own.
func TestStreamsOfTwoFormatsInOneDirectory(t *testing.T) {
	f := newFlat(t, &Destination{})
	dash := f.s.Add("/root", media.Layout{Format: media.DASH, Writer: media.AnyWrites}, &Destination{}, false)
	play := func(names ...string) {
		for range 15 {
			for _, name := range names {
				f.chunk(name)
				f.s.ManifestRead(dash, name+".mpd", f.reading(name, false), nil, f.now)
				f.work()
				f.read(name+".m3u8", f.reading(name, false))
			}
			f.pass(2 * time.Second)
		}
	}
	play("cam")
	f.want("/root live", "/root live")
	play("cam", "other")
	f.want("cam live", "cam live", "other live", "other live")
	play("cam")
	f.want("cam live", "cam live", "other stalled", "other stalled")
	for _, v := range f.s.Views() {
		home := f.s.streams[streamKey{src: v.Source, name: "."}]
		if len(home.links.namedBy)+len(home.links.names)+len(home.manifests) > 0 {
			t.Errorf("the directory has %d manifests, is named by %d, and names %d", len(home.manifests),
				len(home.links.namedBy), len(home.links.names))
		}
	}
}

// An MPD joins the playlists whose segments it names.
func TestPlaylistsOfOneMPDAreOneStream(t *testing.T) {
	f := newFlat(t, &Destination{})
	dash := f.s.Add("/root", media.Layout{Format: media.DASH, Writer: media.AnyWrites}, &Destination{}, false)
	for range 20 {
		f.chunk("audio")
		f.chunk("video")
		f.read("audio.m3u8", f.reading("audio", false))
		f.read("video.m3u8", f.reading("video", false))
		r, more := f.reading("audio", false), f.reading("video", false)
		r.References, r.OnDisk = append(r.References, more.References...), append(r.OnDisk, more.OnDisk...)
		f.s.ManifestRead(dash, "cam.mpd", r, nil, f.now)
		f.pass(2 * time.Second)
	}
	f.want("/root live", "/root live")
}

// A key that all of them name is no reason to be one stream, and each of them waits for it.
func TestStreamsOfOneDirectoryMayShareAKey(t *testing.T) {
	f := newFlat(t, &Destination{})
	key := media.Version{Size: 16, ModTime: f.now.Round(0), Inode: 1}
	play := func(names ...string) {
		for _, name := range names {
			f.chunk(name)
			r := f.reading(name, false)
			r.References, r.OnDisk, r.Others = append([]string{"all.key"}, r.References...), append(r.OnDisk, media.Version{}), 1
			f.read(name+".m3u8", r)
			f.s.Closed(f.src, "all.key", key, false, nil, f.now)
		}
		f.pass(2 * time.Second)
	}
	for range 20 {
		play("cam", "other")
	}
	f.want("cam live", "other live")
	if key := f.src.files["all.key"]; key.stream.sharing.home != nil {
		t.Errorf("the key is %s's", key.stream.called)
	}
}

// Of a stream and a directory of one name, each has its own.
func TestDirectoryTakesItsNameFromAStream(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	f.want("cam live", "other live")
	f.play(20*time.Second, "cam", "other", "cam/index")
	f.want("cam live", "cam.m3u8 live", "other live")
	f.restart()
	f.play(20*time.Second, "cam/index", "cam", "other")
	f.want("cam live", "cam.m3u8 live", "other live")
}

// Streams that are gone are forgotten. The next one in the directory is called as the directory.
func TestStreamsThatAreGoneAreForgotten(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	for _, name := range []string{"cam", "other"} {
		for n := range f.n[name] {
			f.s.Removed(f.src, fmt.Sprintf("%s-%d.ts", name, n+1), false, f.now)
		}
		f.s.Removed(f.src, name+".m3u8", false, f.now)
	}
	for range 15 {
		f.pass(time.Minute)
		f.s.Sweep(f.now)
	}
	if n := len(f.s.ring) + len(f.s.streams) + len(f.src.files); n > 0 {
		t.Errorf("%d streams and files are remembered", n)
	}
	f.play(20*time.Second, "new")
	f.want("/root live")
}

// Chunks that a scan reports after the streams are known are compared with one listing for all of them,
// those that a manifest needs at once.
func TestR7ChunksOfStreamsInOneDirectoryAreComparedTogether(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	written := f.now
	f.now = f.now.Add(time.Minute)
	f.restart()
	names := []string{"cam", "other"}
	for _, name := range names {
		f.read(name+".m3u8", f.reading(name, false))
	}
	f.pass(4 * time.Second)
	done := make(map[Task]int)
	f.answer = func(r *Result) {
		done[r.Task]++
		r.Same = r.Task == Compare
	}
	for _, name := range names {
		for n := range 100 {
			v := media.Version{Size: 9, ModTime: written.Round(0), Inode: uint64(n)}
			f.s.Closed(f.src, fmt.Sprintf("%s-%d.ts", name, n+1), v, false, nil, f.now)
		}
	}
	f.work() // what is needed
	if done[Compare] != 6 || done[List] != 0 {
		t.Errorf("at once, %v was done", done)
	}
	f.pass(3 * time.Second)
	if done[List] != 1 || done[Compare] != 6 || f.s.Figures(f.now).Queue != 0 {
		t.Errorf("%v was done, and %d chunks wait", done, f.s.Figures(f.now).Queue)
	}
}

// A chunk that is uploaded before a playlist names it counts for the stream of that playlist.
func TestChunksCountForTheStreamThatNamesThem(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	cam, other := f.view("cam"), f.view("other")
	f.play(20*time.Second, "cam", "other")
	for _, before := range []View{cam, other} {
		now := f.view(before.Shown)
		if chunks, bytes := now.Chunks-before.Chunks, now.Bytes-before.Bytes; chunks != 10 || bytes != 90 {
			t.Errorf("of %s, %d chunks with %d bytes were counted, not 10 with 90", before.Shown, chunks, bytes)
		}
	}
}

// A directory is no stream that went stale when the streams in it have gone, although chunks are left.
func TestDirectoryIsNotStaleWhenItsStreamsHaveGone(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	f.changes()
	for _, name := range []string{"cam", "other"} {
		for n := range f.n[name] {
			f.s.Removed(f.src, fmt.Sprintf("%s-%d.ts", name, n+1), false, f.now)
		}
		f.s.Removed(f.src, name+".m3u8", false, f.now)
	}
	f.chunk("left") // which no playlist names
	for range 30 {
		f.pass(time.Minute)
		f.s.Sweep(f.now)
	}
	for _, line := range f.changes() {
		if strings.HasPrefix(line, "/root:") {
			t.Errorf("it was told: %s", line)
		}
	}
}

// A playlist that was away for so long that it was forgotten has its stream's name when it returns.
func TestPlaylistThatReturnsLaterHasItsNameAgain(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	f.s.Removed(f.src, "cam.m3u8", false, f.now)
	for range 15 {
		f.play(time.Minute, "other")
		f.s.Sweep(f.now)
	}
	f.play(20*time.Second, "cam", "other")
	f.want("cam live", "other live")
}

// A failure while a chunk was the directory's is over when the chunk arrives as a stream's.
func TestR9DirectoryRecoversWithChunksThatStreamsHaveTaken(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	failing := true
	f.answer = func(r *Result) {
		if r.Task == PutChunk && failing {
			failing, r.Failure = false, NoAnswer
		}
	}
	f.chunk("cam")
	f.work()
	f.read("cam.m3u8", f.reading("cam", false))
	home := f.s.streams[streamKey{src: f.src, name: "."}]
	if home.standing.failures != 1 {
		t.Fatalf("the directory has %d failures", home.standing.failures)
	}
	f.now = f.now.Add(time.Minute)
	f.chunk("cam")
	var inFlight []Job
	for j, ok := f.s.Next(f.now); ok; j, ok = f.s.Next(f.now) {
		inFlight = append(inFlight, j)
	}
	f.read("cam.m3u8", f.reading("cam", false)) // which names the chunk
	for _, j := range inFlight {
		f.s.Done(Result{Job: j}, f.now)
	}
	if home.standing.failures > 0 {
		t.Errorf("the directory still has %d failures", home.standing.failures)
	}
}

// A listing that fails is about all streams of the directory, and no trouble of one of them. It is not
// asked for all the time.
func TestR9ListingThatFailsIsNoStreamsTrouble(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	written := f.now
	f.now = f.now.Add(time.Minute)
	f.restart()
	names := []string{"cam", "other"}
	for _, name := range names {
		f.read(name+".m3u8", f.reading(name, false))
	}
	f.pass(4 * time.Second)
	lists := 0
	f.answer = func(r *Result) {
		if r.Task == List {
			lists++
			r.Failure = NoAnswer
		}
		r.Same = r.Task == Compare
	}
	for _, name := range names {
		for n := range 100 {
			v := media.Version{Size: 9, ModTime: written.Round(0), Inode: uint64(n)}
			f.s.Closed(f.src, fmt.Sprintf("%s-%d.ts", name, n+1), v, false, nil, f.now)
		}
	}
	event := f.reading("cam", false) // an appending playlist, whose chunks are compared by a listing
	event.References, event.OnDisk = nil, make([]media.Version, 100)
	for n := range 100 {
		event.References = append(event.References, fmt.Sprintf("cam-%d.ts", n+1))
	}
	event.Manifest.Segments, event.Manifest.Last = 100, event.Manifest.Sequence+99
	event.Sum = sha256.Sum256([]byte("event"))
	f.read("cam.m3u8", event)
	f.pass(30 * time.Second)
	for _, st := range f.s.ring {
		if st.sharing.home != nil && st.standing.failures > 0 {
			t.Errorf("%s has %d failures", st.shown(), st.standing.failures)
		}
	}
	if lists == 0 || lists > 15 {
		t.Errorf("the bucket was asked for %d lists in 30 s", lists)
	}
}

// A listing tells of chunks of all streams in a directory: a playlist that waits for them is published.
func TestR4ListingHasAllStreamsConsideredAgain(t *testing.T) {
	f := newFlat(t, &Destination{})
	f.play(20*time.Second, "cam", "other")
	written := f.now
	f.now = f.now.Add(time.Minute)
	f.restart()
	names := []string{"cam", "other"}
	for _, name := range names {
		f.read(name+".m3u8", f.reading(name, false))
	}
	f.pass(4 * time.Second)
	published := make(map[string]bool)
	f.answer = func(r *Result) {
		for _, l := range r.Listing {
			r.Objects[l.Key] = ObjectInfo{Size: 9, Stored: written}
		}
		r.Same = r.Task == Compare
		if r.Task == PutManifest {
			published[string(r.Manifest.Bytes)] = true
		}
	}
	for _, name := range names {
		for n := range 100 {
			v := media.Version{Size: 9, ModTime: written.Round(0), Inode: uint64(n)}
			f.s.Closed(f.src, fmt.Sprintf("%s-%d.ts", name, n+1), v, false, nil, f.now)
		}
	}
	for _, name := range names { // appending playlists, whose chunks are compared by a listing
		event := f.reading(name, false)
		event.References, event.OnDisk = nil, make([]media.Version, 100)
		for n := range 100 {
			event.References = append(event.References, fmt.Sprintf("%s-%d.ts", name, n+1))
		}
		event.Manifest.Segments, event.Manifest.Last = 100, event.Manifest.Sequence+99
		event.Content = []byte("event " + name)
		event.Sum = sha256.Sum256(event.Content)
		f.read(name+".m3u8", event)
	}
	f.pass(10 * time.Second)
	if !published["event cam"] || !published["event other"] {
		t.Errorf("the bucket has all that both playlists name; published are %v", published)
	}
}
