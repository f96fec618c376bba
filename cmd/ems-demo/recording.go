package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"ems-sidecar/testdata/dash"
	"ems-sidecar/testdata/hds"
	"ems-sidecar/testdata/hls"
)

// What EMS calls a track's directory and its init segment.
const (
	dashBitrate = "198000"
	dashInit    = "seg_init.mp4"
)

// recordedSegments returns the HLS recording's segments in their order.
func recordedSegments() ([][]byte, error) { return readAll(hls.Files, "live1/*.ts") }

// recordedFragments returns the HDS recording's fragments in their order.
func recordedFragments() ([][]byte, error) { return readAll(hds.Files, "live1/*Seg1-Frag*") }

// A dashRecording is a DASH stream's chunks in their order, and its init segments.
type dashRecording struct {
	video, audio         [][]byte
	videoInit, audioInit []byte
}

func recordedChunks() (r dashRecording, err error) {
	for _, t := range []struct {
		kind   string
		chunks *[][]byte
		init   *[]byte
	}{{"video", &r.video, &r.videoInit}, {"audio", &r.audio, &r.audioInit}} {
		dir := path.Join("live1", t.kind, dashBitrate)
		if *t.chunks, err = readAll(dash.Files, dir+"/*.m4s"); err != nil {
			return r, err
		}
		if *t.init, err = dash.Files.ReadFile(path.Join(dir, dashInit)); err != nil {
			return r, fmt.Errorf("recording: %w", err)
		}
	}
	return r, nil
}

// readAll returns the files that match in the order of their numbers: each name ends in one that
// may grow a digit, and all else has the same length.
func readAll(files fs.FS, pattern string) ([][]byte, error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	contents := make([][]byte, len(names))
	for i, name := range names {
		if contents[i], err = fs.ReadFile(files, name); err != nil {
			return nil, fmt.Errorf("recording: %w", err)
		}
	}
	return contents, nil
}
