package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"ems-sidecar/testdata/hls"
)

// recordedSegments returns the recording's segments in the order of their numbers.
func recordedSegments() ([][]byte, error) {
	names, err := fs.Glob(hls.Files, "live1/*.ts")
	if err != nil {
		return nil, err
	}
	// segment_<ms>_<n>.ts: n grows a digit, all else has the same length.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	segments := make([][]byte, len(names))
	for i, name := range names {
		if segments[i], err = hls.Files.ReadFile(name); err != nil {
			return nil, fmt.Errorf("recording: %w", err)
		}
	}
	return segments, nil
}
