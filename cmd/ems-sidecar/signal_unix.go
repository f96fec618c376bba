//go:build unix

package main

import (
	"os"
	"syscall"
)

var debugSignal os.Signal = syscall.SIGUSR1
