package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

const prefixedList = "g/index.m3u8"

// newPrefixDesk returns a desk for HLS on which files get the names of their runs.
func newPrefixDesk(t *testing.T) *desk {
	d := newDeskFor(t, media.Layout{Format: media.HLS, Writer: media.NamesTell, RunPrefix: true}, Settings{})
	d.dest.ReconnectWindow = time.Minute
	d.dest.now.Store(&terms{window: time.Minute})
	return d
}

// A namesake is a run of a writer that numbers from 0 after each start.
type namesake struct {
	*desk
	what    string
	fmp4    bool
	inPlace bool // files are written again under their names, and not replaced
	wrap    int  // so many names; 0: all that it needs
	length  int  // of the list; 0: 3
	unseen  bool // nothing is reported
}

func (r *namesake) name(n int) string {
	if r.wrap > 0 {
		n %= r.wrap
	}
	if r.fmp4 {
		return fmt.Sprintf("g/index%d.m4s", n)
	}
	return fmt.Sprintf("g/index%d.ts", n)
}

func (r *namesake) content(n int) string { return fmt.Sprintf("%s %d", r.what, n) }

func (r *namesake) put(name, content string) {
	if r.inPlace {
		r.write(name, content)
		return
	}
	r.place(name, content)
}

func (r *namesake) list(last int) string {
	length := max(r.length, 3)
	first := max(0, last-length+1)
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	if r.fmp4 {
		b.WriteString("#EXT-X-MAP:URI=\"init.mp4\"\n")
	}
	for n := first; n <= last; n++ {
		fmt.Fprintf(&b, "#EXTINF:4.000,\n%s\n", path.Base(r.name(n)))
	}
	return b.String()
}

func (r *namesake) report(name string) {
	if !r.unseen {
		r.closed(name)
	}
}

// chunks writes chunks first to last, and after each the playlist, as ffmpeg does.
func (r *namesake) chunks(first, last int) {
	if r.fmp4 && first == 0 {
		r.put("g/init.mp4", r.what+" init")
		r.report("g/init.mp4")
	}
	for n := first; n <= last; n++ {
		time.Sleep(4 * time.Second)
		r.put(r.name(n), r.content(n))
		r.report(r.name(n))
		time.Sleep(2 * time.Millisecond)
		r.put(prefixedList, r.list(n))
		r.report(prefixedList)
	}
}

// listed returns the contents that the bucket's playlist lists, one after the other, with the names of the
// runs that they are in.
func (d *desk) listed() (contents, runs []string) {
	d.t.Helper()
	p, err := hls.Parse([]byte(d.bucket.content(prefixedList)))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		key := path.Join("g", s.URI)
		contents = append(contents, d.bucket.content(key))
		_, run := d.src.layout.CutRun(key)
		if !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
		if m := s.Map(); m != nil {
			what, _, _ := strings.Cut(contents[len(contents)-1], " ")
			if got := d.bucket.content(path.Join("g", m.URI)); got != what+" init" {
				d.t.Errorf("the map of %q is %q", contents[len(contents)-1], got)
			}
		}
		if header := d.bucket.header(key); run != "" && !strings.HasSuffix(header, "immutable") {
			d.t.Errorf("%s has %q", key, header)
		}
	}
	return contents, runs
}

// wantListed tests what the bucket's playlist lists, and in how many runs.
func (d *desk) wantListed(runs int, want ...string) {
	d.t.Helper()
	got, in := d.listed()
	if !slices.Equal(got, want) || len(in) != runs || slices.Contains(in, "") {
		d.t.Errorf("it lists %q of the runs %q, want %q of %d", got, in, want, runs)
	}
}

// wantNothingReplaced tests that no object but the playlist was PUT twice, and none without the name of a run.
func (d *desk) wantNothingReplaced(sent ...string) {
	d.t.Helper()
	seen := map[string]bool{}
	for _, key := range append(d.bucket.sent(), sent...) {
		if key == prefixedList {
			continue
		}
		if _, run := d.src.layout.CutRun(key); run == "" || seen[key] {
			d.t.Errorf("%s is sent; before: %v", key, seen[key])
		}
		seen[key] = true
	}
}

// What a run is called is what its first chunk says, and the playlist of the next run goes on from the former
// one's, whose chunks it still lists.
func TestR3PlaylistOfNamesThatReturnKeepsTheRunBefore(t *testing.T) {
	for _, c := range []struct {
		name          string
		fmp4, inPlace bool
	}{{"ts", false, false}, {"fMP4", true, false}, {"ts in place", false, true}, {"fMP4 in place", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newPrefixDesk(t)
				d.start()
				a := &namesake{desk: d, what: "a", fmp4: c.fmp4, inPlace: c.inPlace}
				a.chunks(0, 5)
				time.Sleep(5 * time.Second)
				d.wantListed(1, "a 3", "a 4", "a 5")
				b := &namesake{desk: d, what: "b", fmp4: c.fmp4, inPlace: c.inPlace}
				b.chunks(0, 0)
				settle()
				d.wantListed(2, "a 4", "a 5", "b 0")
				b.chunks(1, 1)
				settle()
				d.wantListed(2, "a 5", "b 0", "b 1")
				b.chunks(2, 7)
				settle()
				d.wantListed(1, "b 5", "b 6", "b 7")
				d.wantNothingReplaced()
				if d.lost() > 0 {
					t.Errorf("%d are lost", d.lost())
				}
			})
		})
	}
}

// Nothing of the former run is waited for or outdated: the new playlist is there as soon as its chunk is.
func TestR2PlaylistOfNewNamesWaitsForNoCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.start()
		(&namesake{desk: d, what: "a"}).chunks(0, 0)
		settle()
		b := &namesake{desk: d, what: "b"}
		b.chunks(0, 0) // the same text
		settle()
		d.wantListed(2, "a 0", "b 0")
	})
}

// A writer may name a segment just before it replaces the one that the run before had under that name
// and number. The playlist waits for it, and no viewer gets either twice.
func TestR2PlaylistWaitsForASegmentThatReplacesTheFormerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.start()
		first := &namesake{desk: d, what: "first"}
		first.chunks(0, 5)
		second := &namesake{desk: d, what: "second"}
		second.chunks(0, 1)
		for n := 2; n <= 4; n++ {
			d.place(prefixedList, second.list(n))
			d.closed(prefixedList)
			time.Sleep(200 * time.Millisecond)
			if got, _ := d.listed(); got[len(got)-1] != second.content(n-1) {
				t.Errorf("before segment %d is written, the playlist lists %q", n, got)
			}
			second.put(second.name(n), second.content(n))
			d.closed(second.name(n))
			time.Sleep(4 * time.Second)
			if got, _ := d.listed(); got[len(got)-1] != second.content(n) {
				t.Errorf("when segment %d is written, the playlist lists %q", n, got)
			}
		}
		if got := d.bucket.content(prefixedList); !strings.Contains(got, "#EXT-X-MEDIA-SEQUENCE:8\n") {
			t.Errorf("segments have other numbers than they had:\n%s", got)
		}
		d.wantListed(1, "second 2", "second 3", "second 4")
	})
}

// R7: a restart of the daemon in the middle of a run goes on with its names, and sends nothing twice.
func TestR7RestartInTheMiddleOfARunKeepsItsName(t *testing.T) {
	for _, fmp4 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newPrefixDesk(t)
			ended := d.start()
			(&namesake{desk: d, what: "a", fmp4: fmp4}).chunks(0, 4)
			b := &namesake{desk: d, what: "b", fmp4: fmp4}
			b.chunks(0, 5)
			settle()
			before := d.bucket.content(prefixedList)
			sent := d.bucket.sent()
			d.restarted(ended)
			time.Sleep(5 * time.Second)
			if got := d.bucket.sent(); len(got) > 0 {
				t.Errorf("sent again: %q", got)
			}
			if got := d.bucket.content(prefixedList); got != before {
				t.Errorf("the playlist is\n%s, and was\n%s", got, before)
			}
			b.chunks(6, 8)
			settle()
			d.wantListed(1, "b 6", "b 7", "b 8")
			d.wantNothingReplaced(sent...)
			time.Sleep(2 * nextPatience)
			for _, key := range d.bucket.sent() {
				if _, run := d.src.layout.CutRun(key); run == "" && key != prefixedList {
					t.Errorf("%s is sent as it is called", key)
				}
			}
		})
	}
}

// A daemon that was away while the writer started again gives the new run a name of its own, whatever the
// numbers say.
func TestRunThatBeganWhileTheDaemonWasAwayHasANewName(t *testing.T) {
	for _, chunks := range []int{0, 2, 4, 5, 6, 9} {
		for _, inPlace := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := newPrefixDesk(t)
				ended := d.start()
				(&namesake{desk: d, what: "a", fmp4: true, inPlace: inPlace}).chunks(0, 5)
				settle()
				d.end()
				<-ended
				b := &namesake{desk: d, what: "b", fmp4: true, inPlace: inPlace, unseen: true}
				b.chunks(0, chunks)
				d.restart()
				d.start()
				d.scan()
				time.Sleep(5 * time.Second)
				b.unseen = false
				b.chunks(chunks+1, chunks+1)
				settle()
				got, runs := d.listed()
				if len(runs) > 2 || got[len(got)-1] != b.content(chunks+1) || got[len(got)-2] != b.content(chunks) {
					t.Errorf("after %d chunks it lists %q of %q", chunks, got, runs)
				}
				seen := map[string]bool{}
				for _, key := range d.bucket.sent() {
					if _, run := d.src.layout.CutRun(key); run != "" && seen[key] {
						t.Errorf("%s is replaced", key)
					}
					seen[key] = true
				}
			})
		}
	}
}

// A writer with few names gives them away while it runs: what comes back has another key.
func TestNamesThatComeBackWithinARunAreNotReplaced(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newPrefixDesk(t)
			d.start()
			a := &namesake{desk: d, what: "a", wrap: 5, inPlace: inPlace}
			for n := range 23 {
				a.chunks(n, n)
				settle()
				got, runs := d.listed()
				if want := a.content(n); got[len(got)-1] != want || len(runs) > 2 {
					t.Errorf("it lists %q of %q", got, runs)
				}
				for i := range got {
					if want := a.content(n - len(got) + 1 + i); got[i] != want {
						t.Errorf("it lists %q in place of %q", got[i], want)
					}
				}
			}
			d.wantNothingReplaced()
			if text := d.bucket.content(prefixedList); strings.Contains(text, "DISCONTINUITY") {
				t.Errorf("the playlist has a seam: %s", text)
			}
		})
	}
}

// R6: the last chunks of a run that the bucket could not take arrive under its name, also if the next run has
// replaced their files, and after a restart.
func TestR6ChunksOfARunArriveAlthoughTheirNamesHaveReturned(t *testing.T) {
	for _, killed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newPrefixDesk(t)
			d.up.settings.DrainTimeout = time.Second
			ended := d.start()
			a := &namesake{desk: d, what: "a"}
			a.chunks(0, 2)
			settle()
			_, runs := d.listed()
			away := d.bucket.outage()
			a.chunks(3, 5)
			b := &namesake{desk: d, what: "b"}
			b.chunks(0, 5)
			if killed {
				d.end()
				<-ended
				d.restart()
				d.start()
				d.scan()
			}
			away.Store(false)
			time.Sleep(time.Minute)
			for n := range 6 {
				if got := d.bucket.content(media.InRun(a.name(n), runs[0])); got != a.content(n) {
					t.Errorf("killed %v: chunk %d is %q", killed, n, got)
				}
			}
			b.chunks(6, 6)
			settle()
			got, _ := d.listed()
			if got[len(got)-1] != b.content(6) || got[len(got)-2] != b.content(5) {
				t.Errorf("it lists %q", got)
			}
		})
	}
}

// R1: what a writer has written in place over a chunk that the bucket does not have yet is not sent as that chunk.
func TestR1NoChunkOfARunHasTheContentOfAnother(t *testing.T) {
	for _, killed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newPrefixDesk(t)
			d.up.settings.DrainTimeout = time.Second
			ended := d.start()
			a := &namesake{desk: d, what: "a", inPlace: true}
			a.chunks(0, 2)
			settle()
			_, runs := d.listed()
			away := d.bucket.outage()
			a.chunks(3, 5)
			b := &namesake{desk: d, what: "b", inPlace: true}
			b.chunks(0, 3)
			if killed {
				d.end()
				<-ended
				b.unseen = true
				b.chunks(4, 5)
				b.unseen = false
				d.restart()
				d.start()
				d.scan()
			} else {
				b.chunks(4, 5)
			}
			time.Sleep(10 * time.Second)
			away.Store(false)
			time.Sleep(time.Minute)
			for n := range 6 {
				if got := d.bucket.content(media.InRun(a.name(n), runs[0])); got != "" && got != a.content(n) {
					t.Errorf("killed %v: chunk %d is %q", killed, n, got)
				}
				d.remove(a.name(n))
			}
			b.chunks(6, 7)
			time.Sleep(5 * time.Minute)
			for n := range 6 {
				if got := d.bucket.content(media.InRun(a.name(n), runs[0])); got != "" && got != a.content(n) {
					t.Errorf("killed %v: when its name is gone, chunk %d is %q", killed, n, got)
				}
			}
			if got, _ := d.listed(); got[len(got)-1] != b.content(7) {
				t.Errorf("it lists %q", got)
			}
		})
	}
}

// R1: nor is what it was writing in place when its name went.
func TestR1NoChunkOfARunHasHalfOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.start()
		a := &namesake{desk: d, what: "a"}
		a.chunks(0, 1)
		settle()
		_, runs := d.listed()
		away := d.bucket.outage()
		a.chunks(2, 2)
		d.write(a.name(2), "half")
		d.remove(a.name(2))
		away.Store(false)
		time.Sleep(5 * time.Minute)
		if got := d.bucket.content(media.InRun(a.name(2), runs[0])); got != "" {
			t.Errorf("the chunk is %q", got)
		}
	})
}

// Archives and clips name chunks by their keys, which mirror keeps then, over both runs.
func TestArchivesAndClipsNameTheFilesOfRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.mirror()
		d.dest.Archive, d.dest.ID = true, "hls"
		time.Sleep(10 * time.Minute)
		began := time.Now()
		ended := d.start()
		(&namesake{desk: d, what: "a", fmp4: true}).chunks(0, 5)
		settle()
		d.restarted(ended)
		b := &namesake{desk: d, what: "b", fmp4: true}
		b.chunks(0, 9)
		time.Sleep(overdue)
		clip, err := d.up.Clip(d.ctx, "hls", "g", ClipRequest{From: began.Format(time.RFC3339), To: time.Now().Format(time.RFC3339)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		list, err := hls.Parse([]byte(d.bucket.content(clip.Key)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.Segments {
			got = append(got, d.bucket.content(path.Join(path.Dir(clip.Key), list.Segments[i].URI)))
		}
		var want []string
		for n := range 6 {
			want = append(want, fmt.Sprint("a ", n))
		}
		for n := range 10 {
			want = append(want, fmt.Sprint("b ", n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the clip has %q, want %q", got, want)
		}
	})
}

// A chunk that is deleted before a playlist names it is there when one does.
func TestR6ChunkThatIsDeletedBeforeItIsNamedArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.start()
		a := &namesake{desk: d, what: "a"}
		a.chunks(0, 1)
		d.close(a.name(2), a.content(2))
		d.remove(a.name(2))
		time.Sleep(4 * time.Second)
		d.close(prefixedList, a.list(2))
		settle()
		d.wantListed(1, "a 0", "a 1", "a 2")
	})
}

// R6: a chunk that no playlist ever names is uploaded as it is called.
func TestR6ChunkThatNoPlaylistNamesIsUploadedAsItIsCalled(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newPrefixDesk(t)
			d.start()
			a := &namesake{desk: d, what: "a"}
			a.chunks(0, 1)
			d.close(a.name(2), a.content(2))
			if deleted {
				d.remove(a.name(2))
			}
			time.Sleep(nextPatience / 2)
			if d.bucket.has(a.name(2)) {
				t.Error("a playlist could still have named it")
			}
			time.Sleep(2 * nextPatience)
			if got := d.bucket.content(a.name(2)); got != a.content(2) {
				t.Errorf("it is %q", got)
			}
			if header := d.bucket.header(a.name(2)); strings.Contains(header, "immutable") {
				t.Errorf("its header is %q", header)
			}
			if kept := mustGlob(t, d.dir, ".ems-sidecar/hls/*/*"); len(kept) > 0 {
				t.Errorf("the spool still has %q", kept)
			}
		})
	}
}

// With delete = mirror, what no playlist lists any more is deleted, although other files have the names.
func TestMirrorDeletesTheChunksOfAFormerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.mirror()
		d.start()
		(&namesake{desk: d, what: "a", fmp4: true}).chunks(0, 4)
		settle()
		_, runs := d.listed()
		b := &namesake{desk: d, what: "b", fmp4: true}
		b.chunks(0, 8)
		time.Sleep(overdue)
		b.chunks(9, 9)
		time.Sleep(overdue)
		d.wantListed(1, "b 7", "b 8", "b 9")
		for _, key := range d.bucket.keys() {
			if strings.Contains(key, runs[0]) {
				t.Errorf("%s is still there", key)
			}
		}
	})
}

// While the bucket does not tell which run it has, the stream waits, and the log says so.
func TestR10PlaylistWaitsUntilTheBucketTellsItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		store := &muteStore{Store: d.bucket}
		store.mute.Store(true)
		d.dest.Store = store
		d.start()
		a := &namesake{desk: d, what: "a"}
		a.chunks(0, 3)
		if len(d.bucket.sent()) > 0 {
			t.Errorf("sent: %q", d.bucket.sent())
		}
		if len(d.log.lines(0, "it is not known in which run a playlist is")) != 1 {
			t.Error("the log does not say so once")
		}
		store.mute.Store(false)
		time.Sleep(time.Minute)
		a.chunks(4, 4)
		settle()
		d.wantListed(1, "a 2", "a 3", "a 4")
	})
}

type muteStore struct {
	Store
	mute atomic.Bool
}

func (s *muteStore) Stat(ctx context.Context, key string) (ObjectInfo, bool, error) {
	if s.mute.Load() {
		return ObjectInfo{}, false, errors.New("connection refused")
	}
	return s.Store.Stat(ctx, key)
}

// A bucket that fails while it is compared with the disk tells nothing: it is asked again.
func TestR7RunKeepsItsNameAlthoughTheBucketFailsWhenItIsCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		store := &failingStat{Store: d.bucket}
		d.dest.Store = store
		ended := d.start()
		a := &namesake{desk: d, what: "a"}
		a.chunks(0, 5)
		settle()
		before := d.bucket.content(prefixedList)
		store.failures.Store(2)
		d.restarted(ended)
		time.Sleep(30 * time.Second)
		if left := store.failures.Load(); left > 0 {
			t.Errorf("the bucket was not asked for a chunk: %d failures are left", left)
		}
		if got := d.bucket.content(prefixedList); got != before {
			t.Errorf("the playlist is\n%s, and was\n%s", got, before)
		}
		a.chunks(6, 7)
		settle()
		d.wantListed(1, "a 5", "a 6", "a 7")
	})
}

// failingStat fails when it is asked for a chunk, so many times.
type failingStat struct {
	Store
	failures atomic.Int32
}

func (s *failingStat) Stat(ctx context.Context, key string) (ObjectInfo, bool, error) {
	if strings.HasSuffix(key, ".ts") && s.failures.Add(-1) >= 0 {
		return ObjectInfo{}, false, errors.New("connection reset")
	}
	return s.Store.Stat(ctx, key)
}

// A run that has used more names than are remembered goes on as another one.
func TestR8NamesOfARunAreBounded(t *testing.T) {
	r, runs := newListRuns(), map[string]bool{}
	l := r.list(prefixedList)
	l.state = begins
	for n := range uint64(2*maxUsedNames + 1) {
		at := time.Unix(int64(4*n), 0)
		naming, _ := r.name(listVersion{path: prefixedList, sequence: n, last: n, modTime: at, files: []listedFile{{
			path: fmt.Sprintf("g/index%d.ts", n), version: media.Version{Size: 1, ModTime: at}, number: n, segment: true}},
		}, at)
		runs[naming.run] = true
		if len(l.used) > maxUsedNames {
			t.Fatalf("%d names are remembered of one run", len(l.used))
		}
	}
	if len(runs) != 3 {
		t.Errorf("there are %d runs, want 3", len(runs))
	}
}

// What is published without names of runs when run_prefix is set stays as it is listed.
func TestNamesThatAreListedStayWhenRunPrefixIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		prefixed := d.src.layout
		plain := prefixed
		plain.RunPrefix = false
		d.src.layout = plain
		ended := d.start()
		a := &namesake{desk: d, what: "a"}
		a.chunks(0, 3)
		settle()
		before := d.bucket.content(prefixedList)
		d.src.layout = prefixed // of the next one
		d.restarted(ended)
		time.Sleep(5 * time.Second)
		if got := d.bucket.content(prefixedList); got != before || len(d.bucket.sent()) > 0 {
			t.Errorf("the playlist is %q, and %q is sent", got, d.bucket.sent())
		}
		a.chunks(4, 4)
		settle()
		if got, runs := d.listed(); !slices.Equal(got, []string{"a 2", "a 3", "a 4"}) || !slices.Equal(runs, []string{""}) {
			t.Errorf("it lists %q of %q", got, runs)
		}
		(&namesake{desk: d, what: "b"}).chunks(0, 3)
		settle()
		d.wantListed(1, "b 1", "b 2", "b 3")
	})
}

// EMS's names never return, a file that grows has one name, and a directory of which DASH has the same files
// has only one key for each.
func TestWhatNeedsNoNameOfARunHasNone(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"EMS":    {"g/s_1448026459123_1.ts": "x", prefixedList: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns_1448026459123_1.ts\n"},
		"ranges": {"g/s.ts": "xyz", prefixedList: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:2@1\ns.ts\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newPrefixDesk(t)
				d.start()
				for p, content := range files {
					if p != prefixedList {
						d.close(p, content)
					}
				}
				d.close(prefixedList, files[prefixedList])
				time.Sleep(5 * time.Second)
				if got := d.bucket.content(prefixedList); got != files[prefixedList] {
					t.Errorf("the playlist is %q", got)
				}
			})
		})
	}
}

// HLS and DASH over the same files: each has one key, and one upload. The log says once why.
func TestR7FilesThatDASHHasTooHaveNoNamesOfRuns(t *testing.T) {
	for _, playlistFirst := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newPrefixDesk(t)
			dest := publish.Destination{Bucket: "b", ID: "dash", ReconnectWindow: time.Minute}
			d.twin = d.up.Source(d.dir, media.Layout{Format: media.DASH, Writer: media.NamesTell}, &Destination{Store: d.bucket, Destination: dest}, d)
			write := func(run string, last int) {
				d.close("g/s/init.mp4", run+" init")
				for n := 1; n <= last; n++ {
					d.close(fmt.Sprintf("g/s/%d.m4s", n), fmt.Sprint(run, n))
					names := []string{"g/s/m.mpd", "g/s/p.m3u8"}
					if playlistFirst {
						slices.Reverse(names)
					}
					for _, name := range names {
						content := cmafPlaylist(max(1, n-4), n)
						if name == "g/s/m.mpd" {
							content = cmafMPD(max(1, n-4), n)
						}
						d.close(name, content)
						time.Sleep(10 * time.Millisecond)
					}
					time.Sleep(4 * time.Second)
				}
			}
			d.bucket.mayRestart["g/s/m.mpd"] = true
			ended := d.start()
			write("a", 3)
			d.wantManifests(1, 3)
			d.restarted(ended)
			write("b", 2)
			time.Sleep(10 * time.Second)
			for _, key := range d.bucket.keys() {
				if _, run := d.src.layout.CutRun(key); run != "" {
					t.Errorf("%s is in the bucket", key)
				}
			}
			if got := d.bucket.content("g/s/2.m4s"); got != "b2" {
				t.Errorf("a chunk is %q", got)
			}
			if n := len(d.log.lines(slog.LevelWarn, "without the names of runs")); n != 1 { // both uploaders have one reporter
				t.Errorf("the log says so %d times", n)
			}
		})
	}
}

// A section for DASH takes no files of a playlist's runs.
func TestR7FilesOfARunAreNotDASHs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		dest := publish.Destination{Bucket: "b", ID: "dash", ReconnectWindow: time.Minute}
		d.twin = d.up.Source(d.dir, media.Layout{Format: media.DASH, Writer: media.NamesTell}, &Destination{Store: d.bucket, Destination: dest}, d)
		d.start()
		(&namesake{desk: d, what: "a", fmp4: true}).chunks(0, 3)
		(&namesake{desk: d, what: "b", fmp4: true}).chunks(0, 2)
		time.Sleep(5 * time.Second)
		d.wantListed(1, "b 0", "b 1", "b 2")
		d.wantNothingReplaced()
	})
}

// A file that several playlists name has one run, and a master playlist its own words.
func TestPlaylistsOfOneDirectoryHaveRunsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.start()
		const head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n"
		const master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n"
		d.close("g/master.m3u8", master)
		write := func(run string, n int) {
			for _, v := range []string{"low", "high"} {
				time.Sleep(2 * time.Second)
				p := fmt.Sprintf("g/%s%d.ts", v, n)
				d.placed(p, fmt.Sprint(run, v, n))
				d.placed("g/both.key", "k")
				d.placed("g/"+v+".m3u8", fmt.Sprintf(head, n)+
					fmt.Sprintf("#EXT-X-KEY:METHOD=AES-128,URI=\"both.key\"\n#EXTINF:4,\n%s%d.ts?a=b/c\n", v, n))
			}
		}
		for _, run := range []string{"a", "b"} {
			for n := range 3 {
				write(run, n)
			}
		}
		time.Sleep(5 * time.Second)
		if got := d.bucket.content("g/master.m3u8"); got != master {
			t.Errorf("the master playlist is %q", got)
		}
		for _, v := range []string{"low", "high"} {
			p, err := hls.Parse([]byte(d.bucket.content("g/" + v + ".m3u8")))
			if err != nil {
				t.Fatal(err)
			}
			s := &p.Segments[len(p.Segments)-1]
			uri, query, _ := strings.Cut(s.URI, "?")
			if got := d.bucket.content("g/" + uri); got != "b"+v+"2" || query != "a=b/c" {
				t.Errorf("%s is %q", s.URI, got)
			}
			if got := d.bucket.content("g/" + s.Keys()[0].URI); got != "k" || !strings.Contains(s.Keys()[0].URI, "/") {
				t.Errorf("the key %s is %q", s.Keys()[0].URI, got)
			}
		}
	})
}

// What is remembered of files goes with them.
func TestR8FilesThatAreGoneAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newPrefixDesk(t)
		d.start()
		a := &namesake{desk: d, what: "a", fmp4: true}
		for n := range 300 {
			a.chunks(n, n)
			if n > 5 {
				d.remove(a.name(n - 5))
			}
		}
		settle()
		if n := len(d.src.runs.lists.files); n > 15 {
			t.Errorf("%d files are remembered", n)
		}
	})
}
