// Package players tests what viewers see when an encoder drops and returns: real players watch the
// bucket of a real S3 server, to which the built binary publishes.
package players

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }
