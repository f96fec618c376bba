//go:build !linux

package main

// peakMemory is not measured here.
func (s *sidecar) peakMemory() int64 { return 0 }
