package uploader

import (
	"os"
	"testing"

	"ems-sidecar/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Enclose()
	os.Exit(m.Run())
}
