package publish

import (
	"fmt"
	"testing"
	"time"

	"ems-sidecar/media"
)

// After a start beside a day of chunks, those that a playlist names do not all have a step when it
// is published, but only the newest.
func TestChunksOfAnEarlierRunAreConfirmedByAListing(t *testing.T) {
	began := time.Now()
	s := New(Settings{Workers: 8, Began: began, Jitter: func(time.Duration) time.Duration { return 0 }, Observed: true})
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	steps := make(map[Stage][]Step)
	objects := make(map[string]ObjectInfo)
	note := func() {
		for _, x := range s.Effects().Steps {
			steps[x.Stage] = append(steps[x.Stage], x)
		}
	}
	const chunks = 3 * mostListed
	old := began.Add(-time.Hour)
	var names []string
	for n := range chunks {
		p := fmt.Sprintf("g/s/%d.ts", n)
		names = append(names, p)
		objects[p] = ObjectInfo{Size: 9, ModTime: old, Stored: old}
		s.Closed(src, p, media.Version{Size: 9, ModTime: old, Inode: uint64(n)}, false, nil, began)
	}
	s.ManifestRead(src, "g/s/playlist.m3u8", Reading{References: names, Content: []byte("x"), ReadAt: began,
		Manifest: media.Manifest{Segments: chunks, Last: chunks - 1}}, nil, began)
	for now := began; now.Before(began.Add(5 * time.Second)); now = now.Add(100 * time.Millisecond) {
		for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
			s.Done(Result{Job: j, Objects: objects}, now)
		}
		note()
	}

	if n := len(steps[StageConfirmed]); n != chunks {
		t.Fatalf("%d chunks are confirmed, want %d; the steps are %v", n, chunks, steps)
	}
	for _, x := range steps[StageConfirmed] {
		if x.Why != byListing || !x.At.IsZero() {
			t.Fatalf("%+v, want it confirmed by a listing, now", x)
		}
	}
	listed := steps[StageListed]
	if n := len(listed); n != mostListed {
		t.Fatalf("%d chunks are listed, want the newest %d", n, mostListed)
	}
	if x := listed[mostListed-1]; x.Path != names[chunks-1] || x.Lag != 0 || x.Sequence != chunks-1 {
		t.Errorf("%+v is the last one, want %s without a lag", x, names[chunks-1])
	}
}

// After a quick restart, chunks of seconds ago are in the bucket, as is the playlist that names them: how long
// they took is not known.
func TestChunksThatAnEarlierRunPublishedHaveNoLag(t *testing.T) {
	began := time.Now()
	s := New(Settings{Workers: 8, Began: began, Jitter: func(time.Duration) time.Duration { return 0 }, Observed: true})
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	old := began.Add(-20 * time.Second)
	s.Closed(src, "g/s/1.ts", media.Version{Size: 9, ModTime: old, Inode: 1}, false, nil, began)
	s.ManifestRead(src, "g/s/playlist.m3u8", Reading{References: []string{"g/s/1.ts"}, Content: []byte("x"), ReadAt: began,
		Sum: [32]byte{1}, Manifest: media.Manifest{Segments: 1, Last: 1}}, nil, began)
	snap := src.files["g/s/playlist.m3u8"].manifest.waiting[0]
	s.verified(Result{Job: Job{file: snap.manifest.file}, Found: &ObjectInfo{Sum: snap.edition.hexSum()}},
		began.Add(time.Second))
	listed := 0
	for _, x := range s.Effects().Steps {
		if x.Stage == StageListed {
			listed++
			if x.Lag != 0 {
				t.Errorf("it has a lag of %v", x.Lag)
			}
		}
	}
	if listed != 1 {
		t.Errorf("%d chunks are listed, want 1", listed)
	}
}

// Where no one wants to know of the steps, they cost nothing.
func TestStepsAreFreeUnlessObserved(t *testing.T) {
	began := time.Now()
	s := newSchedule(began)
	src := s.Add("/root", hlsLayout, &Destination{Prefix: "prefix/"}, false)
	s.Closed(src, "g/s/1.ts", media.Version{Size: 9, ModTime: began}, true, nil, began)
	f := src.files["g/s/1.ts"]
	snap := &snapshot{manifest: &manifest{file: f}, refs: []*file{f}}
	allocated := testing.AllocsPerRun(100, func() {
		f.naming.listed = false
		s.stepClosed(f)
		s.stepSending(Job{file: f, Version: f.disk.version})
		s.stepAnswered(Result{Job: Job{file: f}})
		s.stepListed(snap, began)
	})
	if steps := s.Effects().Steps; allocated != 0 || len(steps) > 0 {
		t.Errorf("%v allocations and %d steps, want none", allocated, len(steps))
	}
}

// What one chunk costs, with and without an observer.
func BenchmarkChunk(b *testing.B) {
	for _, observed := range []bool{false, true} {
		b.Run(fmt.Sprintf("observed=%v", observed), func(b *testing.B) {
			now := time.Now()
			s := New(Settings{Workers: 8, Began: now.Add(-time.Hour), Jitter: func(time.Duration) time.Duration { return 0 },
				Observed: observed})
			src := s.Add("/root", hlsLayout, &Destination{Prefix: "prefix/"}, false)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				now = now.Add(time.Second)
				p := fmt.Sprintf("g/s/%d.ts", n)
				s.Closed(src, p, media.Version{Size: 9, ModTime: now, Inode: uint64(n)}, true, nil, now)
				s.ManifestRead(src, "g/s/playlist.m3u8", Reading{References: []string{p}, Content: []byte(p), ReadAt: now,
					Sum: [32]byte{byte(n), byte(n >> 8), byte(n >> 16)}, Manifest: media.Manifest{Segments: 1, Sequence: uint64(n),
						Last: uint64(n)}}, nil, now)
				for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
					s.Done(Result{Job: j}, now)
				}
				s.Removed(src, p, false, now)
				s.Effects()
			}
		})
	}
}
