package publish

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/clock/testclock"
	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// A file that cannot be read holds up its stream. The reason names it, also while other files
// arrive.
func TestStreamThatWaitsForAnUnreadableFileFails(t *testing.T) {
	began := time.Now()
	s := newSchedule(began)
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	for n, p := range []string{"g/s/1.ts", "g/s/2.ts"} {
		s.Closed(src, p, media.Version{Size: 9, ModTime: began, Inode: uint64(n)}, false, nil, began)
	}
	s.ManifestRead(src, "g/s/playlist.m3u8", Reading{References: []string{"g/s/1.ts", "g/s/2.ts"}, Content: []byte("x"),
		Manifest: media.Manifest{Segments: 2, TargetDuration: time.Second}, ReadAt: began}, nil, began)
	broken := func(r *Result) {
		if r.Path == "g/s/1.ts" {
			r.FileFailure, r.FileErr = FileUnreadable, errors.New("input/output error")
		}
	}
	run(s, began, began.Add(time.Minute), broken)
	s.Judge(began.Add(time.Minute))
	v := s.Views()[0]
	if v.State != health.Failing || !strings.Contains(v.Why, "g/s/1.ts cannot be read: input/output error") {
		t.Errorf("%v, %q, want failing, with the file and the error", v.State, v.Why)
	}
	run(s, began.Add(time.Minute), began.Add(10*time.Minute), func(*Result) {})
	if v := s.Views()[0]; v.State == health.Failing {
		t.Errorf("%v, %q, although the file could be read again", v.State, v.Why)
	}
}

// A rig feeds a schedule with a stream of 2-s chunks, and a store that answers as told.
type rig struct {
	s      *Schedule
	src    *Source
	now    time.Time
	n      int
	answer func(*Result)
	seen   []health.State
}

func newRig(layout media.Layout, dest *Destination) *rig {
	began := time.Now()
	r := &rig{s: newSchedule(began), now: began.Add(time.Hour), answer: func(*Result) {}}
	r.src = r.s.Add("/root", layout, dest, false)
	return r
}

// pass lets time pass, second by second, and judges.
func (r *rig) pass(d time.Duration) {
	for until := r.now.Add(d); r.now.Before(until); r.now = r.now.Add(time.Second) {
		for j, ok := r.s.Next(r.now); ok; j, ok = r.s.Next(r.now) {
			res := Result{Job: j, Objects: make(map[string]ObjectInfo)}
			for _, l := range j.Listing {
				res.Objects[l.Key] = ObjectInfo{}
			}
			r.answer(&res)
			r.s.Done(res, r.now)
		}
		r.s.Judge(r.now)
		for _, c := range r.s.Effects().Changes {
			r.seen = append(r.seen, c.To)
		}
	}
}

// play closes chunks, one every two seconds; skew is how far the clock of the file's host is off.
func (r *rig) play(chunks int, skew time.Duration, listed bool) {
	for range chunks {
		r.closeChunk(skew, listed)
		r.pass(2 * time.Second)
	}
}

// playAt closes a chunk, and lets the time until the next one pass.
func (r *rig) playAt(interval time.Duration, listed bool) {
	r.closeChunk(0, listed)
	r.pass(interval)
}

func (r *rig) closeChunk(skew time.Duration, listed bool) {
	r.n++
	p := fmt.Sprintf("g/s/%d.ts", r.n)
	written := r.now.Add(skew).Round(0) // a file has a time of the wall clock
	r.s.Closed(r.src, p, media.Version{Size: 9, ModTime: written, Inode: uint64(r.n)}, false, nil, r.now)
	if listed {
		r.list(p, false)
	}
}

func (r *rig) list(p string, ended bool) {
	content := fmt.Sprint(r.n, ended)
	r.s.ManifestRead(r.src, "g/s/playlist.m3u8", Reading{References: []string{p}, Content: []byte(content),
		Sum: sha256.Sum256([]byte(content)), ReadAt: r.now,
		Manifest: media.Manifest{Segments: 1, Sequence: uint64(r.n), Last: uint64(r.n), TargetDuration: 2 * time.Second, Ended: ended}},
		nil, r.now)
}

func (r *rig) want(t *testing.T, want health.State, why string) {
	t.Helper()
	v := r.s.Views()[0]
	if v.State != want || !strings.Contains(v.Why, why) {
		t.Errorf("the stream is %v, %q, want %v, %q", v.State, v.Why, want, why)
	}
}

// Chunks that come and that no published playlist names are of no use to viewers.
func TestStreamWhosePlaylistIsNotWrittenLags(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	r.want(t, health.Live, "")
	r.play(10, 0, false)
	r.want(t, health.Lagging, "no published manifest names the chunks")
	r.s.ManifestUnreadable(r.src, "g/s/playlist.m3u8", errors.New("input/output error"), r.now)
	r.play(1, 0, false)
	r.want(t, health.Failing, "g/s/playlist.m3u8 cannot be read: input/output error")
	r.play(8, 0, true)
	r.want(t, health.Live, "")

	never := newRig(hlsLayout, &Destination{})
	never.play(40, 0, false) // no manifest tells how long a chunk is
	never.want(t, health.Lagging, "no published manifest")
}

// A new stream whose files the daemon has no right to read fails within seconds, however long its
// chunks are: no target duration is known then.
func TestStreamThatCannotBeReadFromTheBeginningFails(t *testing.T) {
	for _, chunk := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 6 * time.Second} {
		r := newRig(hlsLayout, &Destination{})
		for since := time.Duration(0); since < time.Minute; since += chunk {
			err := &fs.PathError{Op: "openat", Path: "g/s/playlist.m3u8", Err: fs.ErrPermission}
			r.s.ManifestUnreadable(r.src, "g/s/playlist.m3u8", err, r.now)
			r.playAt(chunk, false)
			if since >= 10*time.Second {
				r.want(t, health.Failing, "g/s/playlist.m3u8 cannot be read: permission denied; "+
					"give the daemon's user the right to read the file")
			}
		}
		r.play(8, 0, true)
		r.want(t, health.Live, "")
	}
}

// Nor does it stay in its beginning if nothing is known to fail.
func TestStreamWithoutAPlaylistLags(t *testing.T) {
	for _, chunk := range []time.Duration{2 * time.Second, 4 * time.Second, 10 * time.Second} {
		r := newRig(hlsLayout, &Destination{})
		for since := time.Duration(0); since < 90*time.Second; since += chunk {
			r.playAt(chunk, false)
		}
		r.want(t, health.Lagging, "no published manifest names the chunks")
	}
}

// The files' times are another clock's where the directory is on a network file system.
func TestFilesOfAnotherClockAreNotLate(t *testing.T) {
	for _, skew := range []time.Duration{-time.Minute, time.Minute} {
		r := newRig(hlsLayout, &Destination{})
		r.play(10, skew, true)
		r.want(t, health.Live, "")
		if len(r.seen) != 1 {
			t.Errorf("with a clock that is off by %v, its states were %v", skew, r.seen)
		}
	}
}

// A wall clock that is set says nothing of a stream. It may be set to a time before the start.
func TestStreamIsLiveWhenTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-24 * time.Hour, -time.Minute, time.Minute, 24 * time.Hour} {
		r := newRig(hlsLayout, &Destination{})
		r.play(10, 0, true)
		r.now = testclock.Set(r.now, by)
		compared := 0
		r.answer = func(res *Result) {
			if res.Task == Compare || res.Task == List {
				compared++
			}
		}
		r.play(20, 0, true)
		r.want(t, health.Live, "")
		if len(r.seen) != 1 || compared > 0 {
			t.Errorf("after the clock was set by %v, its states were %v, and %d chunks were compared", by, r.seen, compared)
		}
		if v := r.s.Views()[0]; v.Lag < 0 || v.Lag > time.Second || r.now.Sub(v.Edge) > 4*time.Second {
			t.Errorf("after the clock was set by %v, its lag is %v, and its edge is %v old", by, v.Lag, r.now.Sub(v.Edge))
		}
		r.pass(10 * time.Second)
		r.want(t, health.Stalled, "no new chunk on the disk for")
	}
}

// The end of a stream that stopped is not put off by a clock that is set back.
func TestEndArrivesWhenTheClockIsSet(t *testing.T) {
	r := newRig(hlsLayout, &Destination{ReconnectWindow: time.Minute})
	r.play(1, 0, true)
	content := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2.0,\n1.ts\n#EXT-X-ENDLIST\n"
	r.s.ManifestRead(r.src, "g/s/playlist.m3u8", Reading{References: []string{"g/s/1.ts"}, Content: []byte(content),
		Sum: sha256.Sum256([]byte(content)), ModTime: r.now.Round(0), ReadAt: r.now,
		Manifest: media.Manifest{Segments: 1, Sequence: 1, Last: 1, TargetDuration: 2 * time.Second, Ended: true}}, nil, r.now)
	hasEnd := func() bool {
		_, manifests, _ := r.s.View(r.src, "g/s")
		return manifests[0].Ended
	}
	r.pass(30 * time.Second)
	if hasEnd() {
		t.Error("its end is published in the window")
	}
	r.now = testclock.Set(r.now, -time.Hour)
	r.pass(40 * time.Second)
	if !hasEnd() {
		t.Error("its end is not published after the window")
	}
}

// A stream whose chunks are late each time stays in trouble, instead of coming and going.
func TestStreamThatIsLateEachTimeStaysInTrouble(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	for range 20 {
		r.pass(6 * time.Second)
		r.play(1, 0, true)
	}
	if len(r.seen) > 2 {
		t.Errorf("its states were %v", r.seen)
	}
}

// A bucket is compared with what an earlier run left, however long that takes: viewers have it.
func TestStreamOfAnEarlierRunIsNotHeldUp(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	old := r.s.settings.Began.Add(-24 * time.Hour)
	r.s.Closed(r.src, "g/s/1.ts", media.Version{Size: 9, ModTime: old, Inode: 1}, false, nil, r.now)
	r.list("g/s/1.ts", true)
	r.answer = func(res *Result) { res.Failure = NoAnswer }
	r.pass(time.Minute)
	r.answer = func(res *Result) { res.Same = true }
	r.pass(time.Minute)
	r.want(t, health.Ended, "")
	for _, s := range r.seen {
		if s.Suffers() {
			t.Errorf("its states were %v", r.seen)
			break
		}
	}
}

// The PUT of what is published already, once more, holds nothing up.
func TestManifestThatIsPutOnceMoreDoesNotWait(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(3, 0, true)
	r.list("g/s/3.ts", true)
	r.pass(5 * time.Second)
	r.want(t, health.Ended, "")
	asked := 0
	r.answer = func(res *Result) {
		if res.Task == PutManifest {
			asked++
			res.Failure = NoAnswer
		}
	}
	r.pass(65 * time.Second) // the check of a minute later finds no manifest
	r.list("g/s/3.ts", true) // it is read again
	r.pass(5 * time.Minute)
	if asked == 0 {
		t.Fatal("it is not put once more")
	}
	r.want(t, health.Ended, "")
}

// A file system that hangs is no encoder that stopped.
func TestStreamOnAFileSystemThatHangsFails(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(3, 0, true)
	r.s.Answers(r.src, r.now, r.now)
	r.pass(20 * time.Second)
	r.want(t, health.Failing, "does not answer")
}

// What keeps a group's manifest from viewers keeps its streams from them.
func TestStreamFailsWithTheManifestOfItsGroup(t *testing.T) {
	r := newRig(media.Layout{Format: media.DASH}, &Destination{})
	r.answer = func(res *Result) {
		if res.Task == PutManifest {
			res.Failure, res.Err = Refused, errors.New("403 AccessDenied")
		}
	}
	for n := range 10 {
		p := fmt.Sprintf("g/s/video/1/segment_%d.m4s", n)
		r.s.Closed(r.src, p, media.Version{Size: 9, ModTime: r.now, Inode: uint64(n)}, false, nil, r.now)
		content := fmt.Sprint(n)
		r.s.ManifestRead(r.src, "g/manifest.mpd", Reading{References: []string{p}, Content: []byte(content),
			Sum: sha256.Sum256([]byte(content)), ReadAt: r.now,
			Manifest: media.Manifest{Segments: 1, Last: uint64(n), TargetDuration: 2 * time.Second}}, nil, r.now)
		r.pass(2 * time.Second)
	}
	r.want(t, health.Failing, "403 AccessDenied")
}

// Failing is not told of each stream while its bucket refuses everything: one line tells that.
func TestTroubleOfTheBucketIsToldAsSuch(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(3, 0, true)
	r.answer = func(res *Result) { res.Failure, res.Err = BucketRefused, errors.New("403") }
	shared := false
	for range 10 {
		r.n++
		p := fmt.Sprintf("g/s/%d.ts", r.n)
		r.s.Closed(r.src, p, media.Version{Size: 9, ModTime: r.now, Inode: uint64(r.n)}, false, nil, r.now)
		r.list(p, false)
		for j, ok := r.s.Next(r.now); ok; j, ok = r.s.Next(r.now) {
			res := Result{Job: j}
			r.answer(&res)
			r.s.Done(res, r.now)
		}
		r.now = r.now.Add(2 * time.Second)
		r.s.Judge(r.now)
		for _, c := range r.s.Effects().Changes {
			shared = shared || c.To == health.Failing && c.Shared
		}
	}
	r.want(t, health.Failing, "403")
	if !shared {
		t.Error("the change does not say that it is the bucket's")
	}
}

// A bucket that stops answering and then refuses has one outage: its end tells how long all of it lasted.
func TestOutageLastsFromTheFirstTimeThatTheBucketWasClosed(t *testing.T) {
	began := time.Now()
	l, one, two := &lane{jitter: func(d time.Duration) time.Duration { return d }}, &stream{}, &stream{}
	now := began
	for n := 0; l.state != silent; n++ {
		if n > 100 {
			t.Fatal("the bucket is never closed")
		}
		now = now.Add(time.Second)
		l.failure([]*stream{one, two}[n%2], false, false, false, now)
	}
	closed := now
	l.failure(one, true, true, false, closed.Add(time.Minute))
	if l.state != bucketRefuses || !l.since.Equal(closed) {
		t.Errorf("it is closed since %v after its beginning, in state %d", l.since.Sub(closed), l.state)
	}
	l.success(one, closed.Add(2*time.Minute))
	l.failure(one, true, true, false, closed.Add(time.Hour))
	if !l.since.Equal(closed.Add(time.Hour)) {
		t.Error("the next outage does not begin when it begins")
	}
}
