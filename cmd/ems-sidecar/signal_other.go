//go:build !unix

package main

import "os"

// There is no such signal.
var debugSignal os.Signal
