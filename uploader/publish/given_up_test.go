package publish

import (
	"fmt"
	"testing"
	"time"

	"ems-sidecar/media"
)

// What a full spool has given up while it was being sent is not sent again when that fails, nor
// asked for.
func TestR8ChunkThatIsGivenUpInFlightStaysGivenUp(t *testing.T) {
	const chunk = "g/s/1.ts"
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	for _, old := range []bool{false, true} { // an old one is compared first
		for _, named := range []bool{false, true} {
			for name, fails := range map[string]func(*Result){
				"no answer":           func(r *Result) { r.Failure = NoAnswer },
				"refused":             func(r *Result) { r.Failure = Refused },
				"the bucket is away":  func(r *Result) { r.Failure = BucketRefused },
				"the file is gone":    func(r *Result) { r.FileFailure = FileGone },
				"it cannot be read":   func(r *Result) { r.FileFailure = FileUnreadable },
				"it is another's now": func(r *Result) { r.FileFailure = FileChanged },
			} {
				t.Run(fmt.Sprintf("old %v, named %v, %s", old, named, name), func(t *testing.T) {
					s := newSchedule(began)
					src := s.Add("/root", media.Layout{Format: media.HLS}, &Destination{}, false)
					v := media.Version{Size: 9, ModTime: at(time.Second), Inode: 1}
					if old {
						v.ModTime = at(-time.Hour)
					}
					s.Kept(src, chunk, v, at(time.Second))
					if named {
						s.ManifestRead(src, "g/s/playlist.m3u8", Reading{References: []string{chunk, "g/s/2.ts"}, Content: []byte("x"),
							Manifest: media.Manifest{Segments: 2}, ReadAt: at(time.Second)}, nil, at(time.Second))
					}
					j, ok := s.Next(at(2 * time.Second))
					if !ok || j.Path != chunk || (j.Task == Compare) != old {
						t.Fatalf("the first job is not the chunk's: %+v", j)
					}
					s.Evicted(src, chunk, at(2*time.Second))
					r := Result{Job: j}
					fails(&r)
					s.Done(r, at(3*time.Second))
					for d := 3 * time.Second; d < 2*time.Minute; d += time.Second {
						for j, ok := s.Next(at(d)); ok; j, ok = s.Next(at(d)) {
							if j.Path == chunk {
								t.Fatalf("it is asked for once more, %v later", d)
							}
							s.Done(Result{Job: j}, at(d))
						}
					}
					if s.Figures(began).Lost != 1 {
						t.Errorf("%d chunks are counted as lost, want 1", s.Figures(began).Lost)
					}
				})
			}
		}
	}
}

// A chunk that the spool gives up while it is being sent is lost only if it does not arrive.
func TestR6EvictedChunkThatArrivesIsNotLost(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := began.Add
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.HLS}, &Destination{}, false)
	s.Kept(src, "g/s/1.ts", media.Version{Size: 9, ModTime: at(time.Second), Inode: 1}, at(time.Second))
	j, ok := s.Next(at(2 * time.Second))
	if !ok || j.Task != PutChunk {
		t.Fatalf("the chunk is not sent: %+v", j)
	}
	s.Evicted(src, "g/s/1.ts", at(2*time.Second))
	s.Done(Result{Job: j}, at(3*time.Second))
	if f := s.Figures(at(3 * time.Second)); f.Lost != 0 || f.Chunks != 1 {
		t.Errorf("%d chunks are lost and %d uploaded, want 0 and 1", f.Lost, f.Chunks)
	}
	for _, n := range s.Effects().Notes {
		if n.Condition.Kind == spoolFull.Kind {
			t.Errorf("it is reported as lost: %s", n.Message)
		}
	}
}

// A stream of which all is gone is remembered until the spool is known to have room, so that the trouble ends.
// Two formats of one stream have a trouble each.
func TestFullSpoolIsOverWhenItsStreamIsGone(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newSchedule(now)
	holding := make(map[string]bool)
	begun := 0
	note := func() {
		for _, n := range s.Effects().Notes {
			switch id := n.Stream + " " + n.Subject; {
			case n.Condition.Kind != spoolFull.Kind:
			case n.Ends:
				delete(holding, id)
			default:
				holding[id] = true
				begun++
			}
		}
	}
	for _, format := range []media.Format{media.HLS, media.DASH} {
		p := map[media.Format]string{media.HLS: "g/s/1.ts", media.DASH: "g/s/video/1/segment_1.m4s"}[format]
		src := s.Add("/root", media.Layout{Format: format}, &Destination{}, false)
		s.Kept(src, p, media.Version{Size: 9, ModTime: now.Add(time.Second), Inode: 1}, now.Add(time.Second))
		s.Evicted(src, p, now.Add(2*time.Second))
	}
	note()
	if begun != 2 || len(holding) != 2 {
		t.Fatalf("%d troubles begin, as %v, want one for each format", begun, holding)
	}
	for range 3 {
		now = now.Add(30 * time.Second)
		s.Sweep(now)
		note()
	}
	if len(holding) != 0 {
		t.Errorf("%v do not end", holding)
	}
	if n := len(s.ring); n != 0 {
		t.Errorf("%d streams are remembered, of which all is gone", n)
	}
}
