// Package environment tests what the daemon bears from its surroundings: file systems that hang or
// are not mounted, few descriptors, the network between it and the store, and attackers.
package environment

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) {
	e2e.Parallel = 9 // they wait for limits of time
	e2e.Main(m)
}
