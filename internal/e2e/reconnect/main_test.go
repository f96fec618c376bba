package reconnect

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }
