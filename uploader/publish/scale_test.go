package publish

import (
	"fmt"
	"testing"
	"time"

	"ems-sidecar/media"
)

// What one answer costs must not grow with the streams that wait for the window of their bucket.
func BenchmarkTurnInAFullWindow(b *testing.B) {
	for _, waiting := range []int{20, 1000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			now := time.Now()
			s := New(Settings{Workers: 128, BulkWorkers: 2, Began: now, Jitter: func(time.Duration) time.Duration { return 0 }})
			src := s.Add("/root", hlsLayout, &Destination{}, false)
			for i := range waiting {
				s.Closed(src, fmt.Sprintf("g/%d/1.ts", i), media.Version{Size: 1, ModTime: now}, false, nil, now)
			}
			for _, ok := s.Next(now); ok; _, ok = s.Next(now) {
			}
			for b.Loop() {
				s.Next(now)
				s.Wake(now)
			}
		})
	}
}

// What a chunk and its playlist cost must not grow with the streams in their directory.
func BenchmarkChunkBesideOtherStreams(b *testing.B) {
	for _, streams := range []int{20, 200, 2000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			f := newFlat(b, &Destination{})
			names := make([]string, streams)
			for i := range names {
				names[i] = fmt.Sprintf("stream%d", i)
			}
			f.play(20*time.Second, names...)
			if n := len(f.s.Views()); n != streams {
				b.Fatalf("there are %d streams", n)
			}
			i := 0
			for b.Loop() {
				name := names[i%streams]
				f.chunk(name)
				f.read(name+".m3u8", f.reading(name, false))
				f.work()
				i++
				f.now = f.now.Add(2 * time.Second / time.Duration(streams))
			}
		})
	}
}

// While live streams wait for their bucket, a recording is tried again when its time comes: it has
// workers of its own.
func TestR9RecordingGoesOnWhileLiveStreamsWait(t *testing.T) {
	now := time.Now()
	s := New(Settings{Workers: 4, BulkWorkers: 1, Began: now.Add(-time.Hour), Jitter: func(d time.Duration) time.Duration { return d }})
	recorded := s.Add("/recordings", media.Layout{Format: media.Recording}, &Destination{}, false)
	s.Closed(recorded, "1.mp4", media.Version{Size: 9, ModTime: now, Inode: 1}, false, nil, now)
	first, ok := s.Next(now)
	if !ok || first.Source != recorded {
		t.Fatalf("the first job is %v, %t", first.Task, ok)
	}
	live := s.Add("/live", hlsLayout, &Destination{}, false)
	for i := range 40 {
		s.Closed(live, fmt.Sprintf("g/s%d/1.ts", i), media.Version{Size: 9, ModTime: now, Inode: uint64(i + 1)}, false, nil, now)
	}
	for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
		if j.Source != live {
			t.Fatalf("job %v of a recording", j.Task)
		}
	}
	s.Done(Result{Job: first, FileFailure: FileUnreadable}, now)
	if _, ok := s.Next(now); ok {
		t.Fatal("there was room for another job")
	}
	at := s.Wake(now)
	if at.IsZero() {
		t.Fatal("the recording is never tried again")
	}
	if again, ok := s.Next(at); !ok || again.Source != recorded {
		t.Errorf("the job is %v of %v, %t", again.Task, again.Source, ok)
	}
}

// What one of the playlists of a group is asked for must not grow with the group without a bound.
func TestR9PlaylistAsksABoundedPartOfItsGroup(t *testing.T) {
	set := &manifest{published: &snapshot{}}
	for range 10 * mostVariants {
		set.published.refs = append(set.published.refs, &file{manifest: &manifest{}})
	}
	m := set.published.refs[0].manifest
	m.file = &file{stream: &stream{links: links{namedBy: []*manifest{set}}}}
	asked := 0
	for range m.variants() {
		asked++
	}
	if asked != mostVariants-1 {
		t.Errorf("it asks %d others, want %d", asked, mostVariants-1)
	}
}
