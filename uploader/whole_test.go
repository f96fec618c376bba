package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// A piecewiseStore reads bodies in pieces of four bytes, as a slow line does.
type piecewiseStore struct {
	*bucket
	before func(key string, piece int) // each piece, and after the last
}

func (s piecewiseStore) Put(ctx context.Context, o Object) error {
	var content bytes.Buffer
	for piece := 0; ; piece++ {
		s.before(o.Key, piece)
		n, err := io.CopyN(&content, o.Body, 4)
		if err == nil || n > 0 && errors.Is(err, io.EOF) {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return fmt.Errorf("send the body: %w", err)
		}
		break
	}
	o.Body = bytes.NewReader(content.Bytes())
	return s.bucket.Put(ctx, o)
}

// A file that is written during its upload is in the bucket whole, as it was before or as it is
// then, or not at all: also if nothing tells of its new content, because it is deleted before its
// closing is seen, or no manifest names it any more.
func TestR1NoObjectHasAPartOfEachContent(t *testing.T) {
	const before, after = "aaaabbbbcccc", "AAAABBBBCCCCDDDD"
	for _, c := range []struct {
		name   string
		format media.Layout
		file   string
	}{
		{"init segment", dashLayout, "g/s/video/1/seg_init.mp4"},
		{"DASH segment", dashLayout, "g/s/video/1/segment_0.m4s"},
		{"fragment", hdsLayout, "g/s/f4vSeg1-Frag1"},
		{"HLS segment", media.Layout{Format: media.HLS}, "g/s/1.ts"},
	} {
		for piece := range 4 { // of 12 bytes; the last one is after all is read
			for _, deleted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, before piece %d, deleted %v", c.name, piece, deleted), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						d := newDeskFor(t, c.format, Settings{})
						written := false
						d.dest.Store = piecewiseStore{d.bucket, func(key string, n int) {
							if key == c.file && n == piece && !written {
								written = true
								d.write(c.file, after)
							}
						}}
						d.start()
						d.write(c.file, before)
						if c.file == "g/s/video/1/seg_init.mp4" {
							d.write("g/s/audio/1/seg_init.mp4", "init")
							d.bucket.mayMiss[c.file] = true
							d.src.expecter = silentExpecter{}
							d.segments("a", 0)
							d.close("g/manifest.mpd", mpd(0, 0))
							d.closed("g/s/audio/1/seg_init.mp4")
						}
						d.src.expecter = silentExpecter{} // nothing is asked for before it is reported
						d.closed(c.file)
						settle()
						if !written {
							t.Fatal("the file is not sent")
						}
						if deleted {
							d.remove(c.file)
						}
						time.Sleep(time.Minute)
						if got := d.bucket.content(c.file); !slices.Contains([]string{"", before, after}, got) {
							t.Errorf("the bucket has %q", got)
						}
					})
				})
			}
		}
	}
}
