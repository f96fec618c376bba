//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// setApart has a program not get the signals of the terminal: the demo ends it itself.
func setApart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interrupt has a program end in order.
func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }

// suspend has a program stand still, or go on.
func suspend(p *os.Process, standing bool) error {
	if standing {
		return p.Signal(syscall.SIGSTOP)
	}
	return p.Signal(syscall.SIGCONT)
}
