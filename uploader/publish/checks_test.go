package publish

import (
	"fmt"
	"testing"
	"time"

	"ems-sidecar/media"
)

// publishedGroup has a schedule publish the playlists of so many streams, of which each has one chunk. The
// bucket is to be asked for each of them once more after a second.
func publishedGroup(streams int, began time.Time) (*Schedule, *Source) {
	s := New(Settings{Workers: 128, Began: began, Jitter: func(d time.Duration) time.Duration { return d }})
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	for i := range streams {
		dir := fmt.Sprintf("wide/child%d/", i)
		s.Closed(src, dir+"1.ts", media.Version{Size: 1, ModTime: began, Inode: uint64(i + 1)}, false, nil, began)
		s.ManifestRead(src, dir+"playlist.m3u8", Reading{Content: []byte(dir), References: []string{dir + "1.ts"},
			ReadAt: began, Manifest: media.Manifest{Segments: 1}}, nil, began)
	}
	run(s, began, began.Add(time.Millisecond), func(*Result) {})
	return s, src
}

// What the bucket is asked for without need, of all streams at once, takes a few requests at a time, and a
// chunk that viewers wait for goes first.
func TestR9ChecksOfManyStreamsDelayNoOther(t *testing.T) {
	began := time.Now()
	const streams = 500
	s, src := publishedGroup(streams, began)
	now, asked := began.Add(2*time.Second), make(map[string]bool)
	var inFlight []Job
	start := func() (puts int) {
		for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
			if j.Task == PutChunk {
				puts++
				continue
			}
			asked[j.Path] = true
			inFlight = append(inFlight, j)
		}
		return puts
	}
	start()
	if len(inFlight) == 0 || len(inFlight) > 8 {
		t.Fatalf("%d checks are in flight", len(inFlight))
	}
	s.Closed(src, "wide/child499/2.ts", media.Version{Size: 1, ModTime: now, Inode: 9999}, false, nil, now)
	if puts := start(); puts != 1 {
		t.Error("a chunk waits for the checks before it")
	}
	for steps := 0; len(asked) < streams; steps++ {
		if steps > 10*streams {
			t.Fatalf("the bucket is asked for %d of %d playlists", len(asked), streams)
		}
		if len(inFlight) > 0 {
			s.Done(Result{Job: inFlight[0], Found: &ObjectInfo{}}, now)
			inFlight = inFlight[1:]
		} else if now = s.Wake(now); now.IsZero() {
			t.Fatalf("nothing wakes the schedule when %d of %d playlists were asked for", len(asked), streams)
		}
		start()
		if len(inFlight) > 8 {
			t.Fatalf("%d checks are in flight", len(inFlight))
		}
	}
	if took := now.Sub(began.Add(2 * time.Second)); took < 4*time.Second {
		t.Errorf("the bucket was asked for %d playlists in %v", streams, took)
	}
}
