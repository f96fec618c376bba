package publish

import (
	"errors"
	"strings"
	"testing"
	"time"

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
