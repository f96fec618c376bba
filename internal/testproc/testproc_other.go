//go:build !linux

package testproc

import (
	"os/exec"
	"testing"
)

func bind(*exec.Cmd) {}

func enclose(string) {}

func tempDir(t testing.TB) string { return t.TempDir() }
