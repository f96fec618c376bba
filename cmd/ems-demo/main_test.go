package main

import (
	"os"
	"testing"

	"ems-sidecar/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Parallel(4)
	os.Exit(m.Run())
}
