//go:build linux

// Package installed tests the deb in a Debian of its own, whose root .ci/packages makes. Without
// that, its tests are skipped.
package installed

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }
