package main

import (
	"fmt"
	"os"
	"testing"

	"ems-sidecar/internal/patience"
	"ems-sidecar/internal/testproc"
)

// patient is the clock of all limits: by it, a machine that is busy with other work breaks none.
var patient *patience.Clock

// binaryDir is where buildDemo builds the demo.
var binaryDir string

func TestMain(m *testing.M) {
	testproc.Parallel(4)
	var err error
	if binaryDir, err = os.MkdirTemp("", "ems-demo-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	patient = patience.Start()
	code := m.Run()
	patient.Stop()
	os.RemoveAll(binaryDir)
	os.Exit(code)
}
