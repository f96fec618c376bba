package uploader

import (
	"os"
	"testing"

	"ems-sidecar/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.EncloseInMemory()
	os.Exit(m.Run())
}
