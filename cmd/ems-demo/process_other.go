//go:build !unix

package main

import (
	"os"
	"os/exec"
)

func setApart(*exec.Cmd) {}

// interrupt ends a program: there is no signal to end it in order.
func interrupt(p *os.Process) error { return p.Kill() }

// suspend does nothing: no program can be stopped here.
func suspend(*os.Process, bool) error { return nil }
