//go:build !linux

package e2e

// PeakMemory is not measured here.
func (s *Sidecar) PeakMemory() int64 { return 0 }
