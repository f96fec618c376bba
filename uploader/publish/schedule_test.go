package publish

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

var hlsLayout = media.Layout{Format: media.HLS}

// newSchedule returns a schedule with room for eight jobs, and for two of recordings.
func newSchedule(began time.Time) *Schedule {
	return New(Settings{Workers: 8, BulkWorkers: 2, Began: began, Jitter: rand.N[time.Duration]})
}

func TestR8SnapshotsThatWaitAreBounded(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	padding := strings.Repeat("#EXTINF:4,\n1.ts\n", 20_000)
	for n := range 200 {
		content := []byte(padding + fmt.Sprintf("#EXTINF:4,\n%d.ts\n", n))
		s.ManifestRead(src, "g/s/playlist.m3u8", Reading{Content: content, Sum: sha256.Sum256(content),
			References: []string{"g/s/1.ts", fmt.Sprintf("g/s/%d.ts", n)}}, nil, now)
	}
	m := src.files["g/s/playlist.m3u8"].manifest
	size := 0
	for _, w := range m.waiting {
		size += len(w.own.content)
	}
	if len(m.waiting) > maxWaiting || size > maxWaitingBytes {
		t.Errorf("%d snapshots of %d bytes wait", len(m.waiting), size)
	}
	if last := m.newest(); !strings.HasSuffix(string(last.own.content), "199.ts\n") {
		t.Error("the newest one is not among them")
	}
	if len(src.files) > 100 {
		t.Errorf("%d entries are kept for names that no snapshot holds any more", len(src.files))
	}
}

// What one turn of the loop costs must not grow with what an outage leaves in the queue.
func BenchmarkTurnInAnOutage(b *testing.B) {
	for _, backlog := range []int{100, 100_000} {
		b.Run(fmt.Sprint(backlog), func(b *testing.B) {
			s := newSchedule(time.Now())
			src := s.Add("/root", hlsLayout, &Destination{}, false)
			now := time.Now()
			for n := range backlog {
				s.Closed(src, fmt.Sprintf("g/long/%d.ts", n), media.Version{Size: 1, ModTime: now}, false, nil, now)
			}
			s.ring[0].standing.failures, s.ring[0].standing.retryAt = 1, now.Add(time.Hour)
			for b.Loop() {
				s.Next(now)
				s.Wake(now)
			}
		})
	}
}

// A child playlist that was asked for and that no master names any more is forgotten, whatever else
// is queued.
func TestSweepForgetsAChildThatNobodyNames(t *testing.T) {
	s := newSchedule(time.Now())
	src := s.Add("/root", media.Layout{Format: media.HLS}, &Destination{}, false)
	child := s.file(src, "g/s/playlist.m3u8")
	s.missing(child)
	for n := range 10 { // have been handled, and are still listed
		f := s.file(src, fmt.Sprintf("g/s/%d.ts", n))
		child.stream.enqueue(f)
		f.work.state = idle
	}
	child.stream.todo.compactAt = 0
	s.Sweep(time.Now())
	if _, ok := src.files[child.path]; ok || len(child.stream.manifests) != 0 {
		t.Error("it is kept")
	}
}

// What waits for its deletion is bounded.
func TestR8DeletionsThatWaitAreBounded(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	src := s.Add("/root", hlsLayout, &Destination{Delete: true, DeleteDelay: time.Minute}, false)
	src.retention = &retention{src: src, surveyed: make(map[string]bool)}
	s.retentions = append(s.retentions, src.retention)
	other := &file{src: src, path: "g/s/0.ts"}
	for range maxDepartures {
		src.retention.listed = append(src.retention.listed, listing{other, now})
	}
	for n := 1; n <= 2; n++ {
		f := s.file(src, fmt.Sprintf("g/s/%d.ts", n))
		f.bucket.state, f.gone.place = bucketHas, &Place{}
		s.Removed(src, f.path, false, now)
		if f.gone.state == listed {
			t.Errorf("%s is listed although there is no room", f.path)
		}
	}
	warnings := 0
	for _, n := range s.Effects().Notes {
		if strings.Contains(n.Message, "too many objects wait") {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings, want 1", warnings)
	}
}

// run has the schedule do what it wants from a time to another, second by second. answer completes
// the results.
func run(s *Schedule, from, until time.Time, answer func(r *Result)) {
	for now := from; now.Before(until); now = now.Add(time.Second) {
		for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
			r := Result{Job: j}
			answer(&r)
			s.Done(r, now)
		}
	}
}

// A manifest whose name vanished with its disk stays in the bucket, and so does what it names.
func TestManifestThatStaysKeepsItsChunks(t *testing.T) {
	const chunk, manifest = "g/s/1.ts", "g/s/playlist.m3u8"
	for finding, stays := range map[Finding]bool{Elsewhere: true, Deleted: false} {
		began := time.Now()
		s := newSchedule(began)
		src := s.Add("/root", hlsLayout, &Destination{Delete: true, DeleteDelay: time.Minute}, false)
		deleted, put := map[string]bool{}, ""
		answer := func(r *Result) {
			if r.Task == PutManifest {
				put = r.Manifest.Sum
			}
			for i := range r.Removals {
				if r.Removals[i].Path == manifest {
					r.Removals[i].Finding = finding
				}
				deleted[r.Removals[i].Path] = r.Removals[i].Finding == Deleted
			}
			if r.Task == ReadManifests {
				r.Surveyed, r.ArchivesRead = r.Survey.Dirs, r.Survey.Streams
			}
			if r.Task == Verify && put != "" {
				r.Found = &ObjectInfo{Sum: put}
				r.Objects = map[string]ObjectInfo{chunk: {}}
			}
		}
		s.Closed(src, chunk, media.Version{Size: 1, ModTime: began, Inode: 1}, true, &Place{}, began)
		s.ManifestRead(src, manifest, Reading{Content: []byte("x"), References: []string{chunk}, ReadAt: began,
			Manifest: media.Manifest{Segments: 1}}, &Place{}, began)
		run(s, began, began.Add(5*time.Second), answer)
		s.Removed(src, chunk, false, began.Add(5*time.Second))
		s.Removed(src, manifest, false, began.Add(5*time.Second))
		run(s, began.Add(5*time.Second), began.Add(time.Hour), answer)
		if len(deleted) == 0 {
			t.Fatal("nothing is asked to be deleted")
		}
		if deleted[manifest] == stays || deleted[chunk] == stays {
			t.Errorf("with the finding %d, deleted are %v", finding, deleted)
		}
	}
}

// The queue of a stream does not grow with what was uploaded since a file that cannot be read came
// into it.
func TestR8QueueDoesNotGrowBehindAFileThatCannotBeRead(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	closed := func(n int) {
		s.Closed(src, fmt.Sprintf("g/s/%d.ts", n), media.Version{Size: 1, ModTime: now, Inode: uint64(n)}, false, nil, now)
	}
	closed(0)
	for n := 1; n <= 2000; n++ {
		closed(n)
		run(s, now, now.Add(time.Second), func(r *Result) {
			if r.Path == "g/s/0.ts" {
				r.FileFailure = FileUnreadable
			}
		})
		s.Removed(src, fmt.Sprintf("g/s/%d.ts", n), false, now)
		now = now.Add(time.Second)
	}
	if pending := len(s.ring[0].todo.pending); pending == 0 || pending > 100 {
		t.Errorf("%d entries are kept, of which 1 waits", pending)
	}
}

// While the bucket is asked for a manifest, its object is not deleted: there is one request about
// it at a time.
func TestR3ManifestIsNotDeletedWhileTheBucketIsAskedForIt(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	src := s.Add("/root", hlsLayout, &Destination{Delete: true, DeleteDelay: time.Minute}, false)
	m := s.file(src, "g/s/playlist.m3u8").manifest
	m.file.gone.place = &Place{}
	m.file.bucket.inDoubt = true // an earlier deletion had no answer
	if !m.file.mayBeDeleted() {
		t.Fatal("a deletion without an answer is not tried again")
	}
	m.errand = errand{state: asking}
	if m.file.mayBeDeleted() {
		t.Error("the object may be deleted while the bucket is asked for it")
	}
}

// A manifest whose last PUT had no answer is remembered until the bucket was asked for it, however
// long that takes.
func TestR5ManifestInDoubtIsNotForgotten(t *testing.T) {
	began := time.Now()
	s := newSchedule(began)
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	m := s.file(src, "g/s/playlist.m3u8").manifest
	m.copy.lostSight(began)
	s.Sweep(began.Add(2 * manifestMemory))
	if !src.Knows(m.file.path) {
		t.Fatal("it is forgotten although a PUT may still be applied")
	}
	m.copy.late, m.copy.checkAt = doubt{}, time.Time{}
	s.Sweep(began.Add(2 * manifestMemory))
	if src.Knows(m.file.path) {
		t.Error("it is not forgotten when that is over")
	}
}
