package s3store

import (
	"fmt"
	"os"
	"testing"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
)

// servers are those of all tests.
var servers s3test.Pool

func TestMain(m *testing.M) {
	testproc.EncloseInMemory()
	testproc.ForgetAWS()
	testproc.Parallel(4)
	code := m.Run()
	if err := servers.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "end the S3 servers:", err)
		code = 1
	}
	os.Exit(code)
}
