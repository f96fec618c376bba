// Package writers tests the daemon beside the writers that Debian packages: ffmpeg, nginx-rtmp and
// GStreamer write into a directory, and a store checks each manifest on its way in.
package writers

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) {
	e2e.Parallel = 9 // rows mostly wait for their writers
	e2e.Main(m)
}
