package uploader

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
			for name, fails := range map[string]func(*result){
				"no answer":           func(r *result) { r.err = errors.New("no answer") },
				"refused":             func(r *result) { r.err = ErrPermanent },
				"the bucket is away":  func(r *result) { r.err = fmt.Errorf("%w: %w", ErrPermanent, ErrBucket) },
				"the file is gone":    func(r *result) { r.fileErr = fs.ErrNotExist },
				"it cannot be read":   func(r *result) { r.fileErr = errors.New("input/output error") },
				"it is another's now": func(r *result) { r.fileErr = errChanged },
			} {
				t.Run(fmt.Sprintf("old %v, named %v, %s", old, named, name), func(t *testing.T) {
					s := newSchedule(8, 2, began, slog.New(slog.DiscardHandler))
					src := New(Settings{Workers: 8}, slog.New(slog.DiscardHandler)).Source(t.TempDir(), media.Layout{Format: media.HLS}, &Destination{}, nobodyExpects{})
					v := media.Version{Size: 9, ModTime: at(time.Second), Inode: 1}
					if old {
						v.ModTime = at(-time.Hour)
					}
					s.chunkKept(src, chunk, v, at(time.Second))
					if named {
						s.manifestClosed(src, "g/s/playlist.m3u8", reading{refs: []string{chunk, "g/s/2.ts"}, snapshot: &snapshot{content: []byte("x"),
							parsed: media.Manifest{Segments: 2}, readAt: at(time.Second)}}, at(time.Second))
					}
					j, ok := s.next(at(2 * time.Second))
					if !ok || j.file.path != chunk || (j.task == compare) != old {
						t.Fatalf("the first job is not the chunk's: %+v", j)
					}
					s.evicted(src, chunk)
					r := result{job: j}
					fails(&r)
					s.done(r, at(3*time.Second))
					for d := 3 * time.Second; d < 2*time.Minute; d += time.Second {
						for j, ok := s.next(at(d)); ok; j, ok = s.next(at(d)) {
							if j.file.path == chunk {
								t.Fatalf("it is asked for once more, %v later", d)
							}
							s.done(result{job: j}, at(d))
						}
					}
					if s.figures.lost != 1 {
						t.Errorf("%d chunks are counted as lost, want 1", s.figures.lost)
					}
				})
			}
		}
	}
}
