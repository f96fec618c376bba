package publish

import (
	"crypto/sha256"
	"testing"
	"time"

	"ems-sidecar/media"
)

// Where the bucket does not tell what it has, a PUT without an answer may replace what was
// published later, and nothing shows it. When it can have no effect any more, the newest is
// published again.
func TestR3BucketThatDoesNotTellGetsTheNewestAgainAfterAPutWithoutAnAnswer(t *testing.T) {
	const playlist = "g/s/playlist.m3u8"
	began := time.Now()
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.HLS}, &Destination{}, false)
	read := func(content string, now time.Time) {
		s.ManifestRead(src, playlist, Reading{References: []string{"g/s/1.ts"}, Content: []byte(content),
			Sum: sha256.Sum256([]byte(content)), Manifest: media.Manifest{Segments: 1}, ModTime: now, ReadAt: now}, nil, now)
	}
	s.Closed(src, "g/s/1.ts", media.Version{Size: 9, ModTime: began, Inode: 1}, false, nil, began)

	// From a minute after the start on, no PUT of an earlier run is in doubt.
	start := began.Add(2 * doubtTime)
	puts := map[string][]time.Duration{}
	now := start
	answer := func(r *Result) {
		switch {
		case r.Task == Verify:
			r.Failure = Refused
		case r.Task == PutManifest:
			content := string(r.Manifest.Bytes)
			puts[content] = append(puts[content], now.Sub(start))
			if content == "old" {
				r.Failure = NoAnswer
			}
		}
	}
	step := func(until time.Duration) {
		for ; now.Before(start.Add(until)); now = now.Add(100 * time.Millisecond) {
			for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
				r := Result{Job: j}
				answer(&r)
				s.Done(r, now)
			}
		}
	}
	read("old", start)
	step(time.Second / 2)
	read("new", now)
	step(10 * doubtTime)

	again := puts["new"]
	if len(again) != 2 || again[1] < doubtTime || again[1] > 2*doubtTime {
		t.Errorf("the newest is published at %v, want once at once and once after %v", again, doubtTime)
	}
}

// A chunk that is given up while the bucket is asked for it is there if the bucket says so. When
// the name returns, its manifest then waits until no cache has the content before.
func TestR2ChunkThatIsGivenUpAndFoundIsKnownToBeInTheBucket(t *testing.T) {
	const chunk = "g/s/f4vSeg1-Frag1"
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.HDS, Bootstrap: "bootstrap"}, &Destination{}, false)
	read := func(content string, now time.Time) {
		s.ManifestRead(src, "g/s/bootstrap", Reading{References: []string{chunk}, Content: []byte(content),
			Sum: sha256.Sum256([]byte(content)), Manifest: media.Manifest{Segments: 1}, ModTime: now, ReadAt: now}, nil, now)
	}
	s.Kept(src, chunk, media.Version{Size: 9, ModTime: at(-time.Hour), Inode: 1}, at(time.Second))
	read("run a", at(time.Second))
	j, ok := s.Next(at(2 * time.Second))
	if !ok || j.Task != Compare {
		t.Fatalf("the bucket is not asked for the chunk first: %+v", j)
	}
	s.Evicted(src, chunk, at(2*time.Second))
	s.Done(Result{Job: j, Same: true}, at(3*time.Second))
	hasAll := func(r *Result) {
		r.Objects = make(map[string]ObjectInfo)
		for _, l := range r.Listing {
			r.Objects[l.Key] = ObjectInfo{}
		}
	}
	run(s, at(3*time.Second), at(5*time.Second), hasAll)

	s.Closed(src, chunk, media.Version{Size: 9, ModTime: at(5 * time.Second), Inode: 2}, false, nil, at(5*time.Second))
	read("run b", at(6*time.Second))
	var published time.Time
	for d := 6 * time.Second; d < 2*time.Minute && published.IsZero(); d += time.Second {
		run(s, at(d), at(d+time.Second), func(r *Result) {
			hasAll(r)
			if r.Task == PutManifest && string(r.Manifest.Bytes) == "run b" {
				published = at(d)
			}
		})
	}
	if wait := published.Sub(at(6 * time.Second)); wait < ReturnedCacheTime {
		t.Errorf("the manifest is published after %v, when caches may have the content before", wait)
	}
}
