package publish

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// Before a lane is closed, its streams have failed for some seconds. That several of them fail, and none
// succeeds, is the bucket's trouble already: a line for each would hide it.
func TestTroubleOfSeveralStreamsIsThatOfTheirBucket(t *testing.T) {
	now := time.Now()
	l := &lane{succeededAt: now, jitter: func(d time.Duration) time.Duration { return d }}
	a, b, well := &stream{}, &stream{}, &stream{}
	fails := func(st *stream) {
		st.standing.failures++
		l.failure(st, false, false, false, now)
	}
	fails(a)
	if l.isCauseOf(a) {
		t.Error("a single stream's failure is the bucket's")
	}
	fails(b)
	if !l.isCauseOf(a) || !l.isCauseOf(b) || l.isCauseOf(well) {
		t.Error("the failures of two streams are their own, or a third one's trouble")
	}
	l.success(well, now)
	if l.isCauseOf(a) {
		t.Error("the bucket answers others, and is the cause")
	}
}

// That a bucket is back is noticed soon after a short outage. In a long one, few requests are made for it.
func TestProbesAreAsFarApartAsTheOutageIsLong(t *testing.T) {
	longest := func(d time.Duration) time.Duration { return d }
	for lasted, want := range map[time.Duration]time.Duration{
		0: probeSoonest, time.Minute: probeSoonest, 5 * time.Minute: 5 * time.Minute / probeShare, time.Hour: probeLatest,
	} {
		now := time.Now()
		l := &lane{state: silent, since: now.Add(-lasted), jitter: longest}
		l.failures.count = 100
		l.failure(&stream{}, false, false, false, now)
		if got := l.probe.at.Sub(now); got != want+time.Millisecond {
			t.Errorf("after %v, the next probe is %v later, want %v", lasted, got, want)
		}
	}
}

// two plays two streams for so many seconds, of a chunk every two of them, and returns what was noted.
func (r *rig) two(seconds int) (changes []Change, back []Note) {
	for range seconds / 2 {
		r.n++
		for _, dir := range []string{"g/a", "g/b"} {
			p := fmt.Sprintf("%s/%d.ts", dir, r.n)
			r.s.Closed(r.src, p, media.Version{Size: 9, ModTime: r.now, Inode: uint64(r.n)}, false, nil, r.now)
			r.s.ManifestRead(r.src, dir+"/playlist.m3u8", Reading{References: []string{p}, Content: []byte(p),
				Sum: sha256.Sum256([]byte(p)), ReadAt: r.now, Manifest: media.Manifest{Segments: 1,
					Sequence: uint64(r.n), Last: uint64(r.n), TargetDuration: 2 * time.Second}}, nil, r.now)
		}
		for range 2 {
			for j, ok := r.s.Next(r.now); ok; j, ok = r.s.Next(r.now) {
				res := Result{Job: j}
				r.answer(&res)
				r.s.Done(res, r.now)
			}
			r.s.Judge(r.now)
			e := r.s.Effects()
			changes = append(changes, e.Changes...)
			for _, n := range e.Notes {
				if n.Notice.Kind == bucketBack.Kind {
					back = append(back, n)
				}
			}
			r.now = r.now.Add(time.Second)
		}
	}
	return changes, back
}

// A stream that goes on failing when its bucket serves others has a trouble of its own: it is told then, and
// the end of the outage does not wait for it.
func TestStreamThatFailsOnAfterAnOutageIsToldOfAlone(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.two(10)
	r.answer = func(res *Result) { res.Failure, res.Err = NoAnswer, errors.New("connection refused") }
	changes, back := r.two(40)
	for _, c := range changes {
		if c.To != health.Failing || !c.Shared {
			t.Errorf("%s went from %v to %v, shared %v: want that it fails with its bucket", c.Stream, c.From, c.To, c.Shared)
		}
	}
	if len(changes) != 2 || len(back) != 0 {
		t.Fatalf("%d changes and %d times back, want 2 and 0", len(changes), len(back))
	}

	r.answer = func(res *Result) {
		if res.file.stream.name == "g/a" {
			res.Failure, res.Err = Refused, errors.New("403 AccessDenied")
		}
	}
	changes, back = r.two(60)
	own := 0
	for _, c := range changes {
		if c.Stream == "g/a" && c.From == health.Failing && c.To == health.Failing && !c.Shared && c.Why == "403 AccessDenied" {
			own++
		}
	}
	if own == 0 { // that it is repeated changes nothing
		t.Errorf("it is not told that g/a fails alone: %+v", changes)
	}
	if len(back) != 1 {
		t.Fatalf("it is told %d times that the bucket is back, want once", len(back))
	}
	if streams := fmt.Sprint(back[0].Attrs[3]); streams != "1" {
		t.Errorf("%s streams are current again, want 1", streams)
	}
}

// What keeps one stream from its bucket for a reason of its own, before, in and after an outage, does not hide
// that the outage is over.
func TestStreamWithATroubleOfItsOwnDoesNotHideThatItsBucketIsBack(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.two(10)
	r.s.Watched(r.src, []Unseen{{Dir: "g/a", Why: "cannot read /root/g/a: permission denied", Since: r.now.Add(5 * time.Minute)}}, 0)
	r.two(10)
	r.answer = func(res *Result) { res.Failure, res.Err = NoAnswer, errors.New("connection refused") }
	during, _ := r.two(40)
	r.answer = func(*Result) {}
	after, back := r.two(60)
	if len(back) != 1 {
		t.Fatalf("it is told %d times that the bucket is back, want once", len(back))
	}
	for _, c := range append(during, after...) {
		if c.Stream == "g/a" {
			t.Errorf("g/a goes from %v to %v, although only its bucket changed", c.From, c.To)
		}
	}
	for _, v := range r.s.Views() {
		if v.Stream == "g/a" && v.State != health.Failing {
			t.Errorf("g/a is %v: its directory is hidden", v.State)
		}
	}
}
