// Package page tests the status page: the built binary, a real S3 server, and a real browser.
package page

import (
	"testing"

	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }
