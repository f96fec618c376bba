//go:build linux

// Package installed tests what operators install: the deb, in a Debian whose root .ci/packages makes
// (without that, its tests are skipped), and the container's image, whose root a test builds.
package installed

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }
