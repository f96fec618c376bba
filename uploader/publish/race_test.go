package publish

import (
	"crypto/sha256"
	"maps"
	"testing"
	"time"

	"ems-sidecar/media"
)

// measured returns the lane of a bucket that has answered n PUTs of 9 bytes, each after took.
func measured(n int, took time.Duration) *lane {
	l := &lane{}
	for range n {
		l.noteLatency(Result{Bytes: 9, Took: took}, time.Now())
	}
	return l
}

// about reports whether got is want or up to a tenth more.
func about(got, want time.Duration) bool { return got >= want && got <= want+want/10 }

// A late PUT of something else would bring back what viewers must not get again (R3), and one of a
// recording would meet the object of the first. Of a manifest, both answers are waited for.
func TestR3OnlyManifestsAndChunksThatNeverChangeAreRaced(t *testing.T) {
	live, recorded := &Source{layout: hlsLayout}, &Source{layout: media.Layout{Format: media.Recording}}
	for name, j := range map[string]Job{
		"chunk with a name for good":   {Task: PutChunk, Immutable: true, Source: live},
		"chunk of a name that returns": {Task: PutChunk, Source: live},
		"manifest":                     {Task: PutManifest, Source: live},
		"withdrawal":                   {Task: Withdraw, Source: live},
		"recording":                    {Task: PutChunk, Immutable: true, Source: recorded},
	} {
		measured(enoughPUTs, 200*time.Millisecond).setTimes(&j, 9, time.Now())
		if raced := j.RaceAfter > 0; raced != (name == "chunk with a name for good" || name == "manifest") {
			t.Errorf("%s: the second request is sent after %v", name, j.RaceAfter)
		}
	}
}

func TestARequestHasTheTimeThatNearlyAllTake(t *testing.T) {
	now := time.Now()
	l := measured(96, 100*time.Millisecond)
	for range 4 {
		l.noteLatency(Result{Bytes: 9, Took: 4 * time.Second}, now)
	}
	if got := l.raceAfter(9, now); !about(got, 100*time.Millisecond) {
		t.Errorf("the second request is sent after %v, and 96 %% took 100ms", got)
	}
	if got := l.raceAfter(1<<20, now); got != 0 {
		t.Errorf("nothing is known of larger objects, and the second request is sent after %v", got)
	}
	if got := measured(enoughPUTs, time.Millisecond).raceAfter(9, now); got != earliestRace {
		t.Errorf("at a bucket that takes 1ms, the second request is sent after %v", got)
	}
	if got := measured(enoughPUTs-1, time.Second).raceAfter(9, now); got != 0 {
		t.Errorf("after few PUTs, the second request is sent after %v", got)
	}
}

// More requests would be the last thing that such a bucket needs.
func TestABucketInTroubleGetsNoSecondRequest(t *testing.T) {
	now := time.Now()
	for name, trouble := range map[string]func(*lane){
		"one failure": func(l *lane) { l.failure(&stream{}, false, false, false, now) },
		"closed":      func(l *lane) { l.state = silent },
		"throttled":   func(l *lane) { l.noteLatency(Result{Failure: NoAnswer, Throttled: true}, now) },
		"throttled the second request": func(l *lane) {
			l.noteLatency(Result{Bytes: 9, Took: 200 * time.Millisecond, Throttled: true}, now)
		},
	} {
		l := measured(enoughPUTs, 200*time.Millisecond)
		l.jitter = func(d time.Duration) time.Duration { return d }
		if l.raceAfter(9, now) == 0 {
			t.Fatal("a bucket that is well gets no second request")
		}
		trouble(l)
		if got := l.raceAfter(9, now.Add(throttledTime-1)); got != 0 {
			t.Errorf("%s: the second request is sent after %v", name, got)
		}
	}
}

func TestThrottlingIsForgotten(t *testing.T) {
	now := time.Now()
	l := measured(enoughPUTs, 200*time.Millisecond)
	l.noteLatency(Result{Failure: NoAnswer, Throttled: true}, now)
	if l.raceAfter(9, now.Add(throttledTime)) == 0 {
		t.Error("long after the bucket wanted fewer requests, none is raced")
	}
}

// A bucket that often takes longer than an attempt has is given more time. One that has stopped
// answering is not: its end must be noticed soon.
func TestAnAttemptHasAsLongAsTheBucketTakes(t *testing.T) {
	late := Result{Bytes: 9, Took: LeastAnswerTime, Failure: NoAnswer}
	slow, away := measured(manyPUTs, 100*time.Millisecond), measured(manyPUTs, 100*time.Millisecond)
	if got := slow.answerTime(9); got != LeastAnswerTime {
		t.Errorf("at a bucket that takes 100ms, an attempt has %v", got)
	}
	for range 5 {
		slow.noteLatency(late, time.Now())
		away.noteLatency(late, time.Now())
		away.failures.count++
	}
	if got := slow.answerTime(9); !about(got, timesAnswer*LeastAnswerTime) {
		t.Errorf("at a bucket that takes 2s for some, an attempt has %v", got)
	}
	if got := away.answerTime(9); got > LeastAnswerTime {
		t.Errorf("at a bucket that stopped answering, an attempt has %v", got)
	}
	if got := measured(manyPUTs, time.Minute).answerTime(9); got != MostAnswerTime {
		t.Errorf("at a bucket that takes a minute, an attempt has %v", got)
	}
}

// The request that lost may still be applied: over other content of the name, or after a deletion.
func TestWhatLostARaceIsReckonedWith(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	put := func(at time.Time, race Race) *file {
		t.Helper()
		s.Closed(src, "g/s/1.ts", media.Version{Size: 9, ModTime: at, Inode: 1}, false, nil, at)
		j, ok := s.Next(at)
		if !ok || j.Task != PutChunk {
			t.Fatalf("the job is %v, %t", j.Task, ok)
		}
		s.Done(Result{Job: j, Race: race, Bytes: 9, Took: time.Second}, at)
		return j.file
	}
	f := put(now, NotRaced)
	if f.bucket.late.isOpen() {
		t.Error("an upload without a race is in doubt")
	}
	if f = put(now.Add(time.Second), SecondWins); f.work.state != idle {
		t.Errorf("the content that both requests had is %v again", f.work.task)
	}
	if f = put(now.Add(2*time.Second), NotRaced); !f.work.waitsFor(Compare) {
		t.Error("the name has other content, and is not compared when no late request can be applied any more")
	}
}

// The condition of a PUT is what the bucket has as far as that is known, so that a request which was
// overtaken cannot bring it back. A master playlist may return to an earlier text, which would meet
// the condition again.
func TestR3PUTOfAPlaylistSaysWhatItReplaces(t *testing.T) {
	began := time.Now()
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.HLS}, &Destination{}, false)
	s.Closed(src, "g/s/1.ts", media.Version{Size: 9, ModTime: began, Inode: 1}, false, nil, began)
	now := began.Add(2 * doubtTime)
	replaces := make(map[string]string) // by the content that is sent
	publish := func(path, content string) {
		reading := Reading{References: []string{"g/s/1.ts"}, Content: []byte(content), Sum: sha256.Sum256([]byte(content)),
			Manifest: media.Manifest{Segments: 1}, ModTime: now, ReadAt: now}
		if path == "g/master.m3u8" {
			reading.References, reading.Manifest = []string{"g/s/i.m3u8"}, media.Manifest{Set: true}
		}
		s.ManifestRead(src, path, reading, nil, now)
		run(s, now, now.Add(2*time.Second), func(r *Result) {
			if r.Task == PutManifest {
				replaces[string(r.Manifest.Bytes)], r.Stored = r.Replaces, "ETag of "+string(r.Manifest.Bytes)
			}
		})
		now = now.Add(2 * time.Second)
	}
	publish("g/s/i.m3u8", "1")
	publish("g/s/i.m3u8", "2")
	publish("g/s/i.m3u8", "3")
	publish("g/master.m3u8", "a")
	publish("g/master.m3u8", "b")
	want := map[string]string{"1": "", "2": "ETag of 1", "3": "ETag of 2", "a": "", "b": ""}
	if !maps.Equal(replaces, want) {
		t.Errorf("the PUTs replace %v", replaces)
	}
}
