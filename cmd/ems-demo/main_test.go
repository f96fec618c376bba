package main

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"ems-sidecar/internal/patience"
	"ems-sidecar/internal/testproc"
)

// patient is the clock of all limits: by it, a machine that is busy with other work breaks none.
var patient *patience.Clock

// binaryDir is where buildDemo builds the demo.
var binaryDir string

func TestMain(m *testing.M) {
	testproc.ForgetAWS()
	testproc.Parallel(8)
	var err error
	if binaryDir, err = os.MkdirTemp("", "ems-demo-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	patient = patience.Start()
	code := m.Run()
	patient.Stop()
	// The demo in this process leaves no goroutine either.
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(binaryDir)
	os.Exit(code)
}
