package main

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// kernelSlack is the kernel's default for how late it may wake up a thread for a timer.
	kernelSlack = 50 * time.Microsecond
	// timerSlack is ours. While goroutines run, the monitor of the Go runtime sleeps for 20 µs at a
	// time. With the kernel's default, it wakes up 50 times for each chunk, which is a tenth of the
	// processor time. None of our timers needs a millisecond.
	timerSlack = time.Millisecond
)

// relaxTimers gives all threads of the process our slack. A thread has that of the one that started
// it, and the monitor is started before main. So the program executes itself once more: process ID,
// environment and open files stay, and so does the slack. See prctl(2), PR_SET_TIMERSLACK.
//
// It does nothing where another slack is set, as by TimerSlackNSec= of a unit, or where the system
// refuses it: the daemon works in the same way without.
func relaxTimers() {
	runtime.LockOSThread() // the slack is that of a thread
	defer runtime.UnlockOSThread()
	if slackOfThread() != kernelSlack {
		return
	}
	program, err := os.Executable()
	if err != nil {
		return
	}
	err = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0)
	if err != nil || slackOfThread() != timerSlack {
		return
	}
	_ = syscall.Exec(program, os.Args, os.Environ()) // returns only if it fails
}

// slackOfThread returns 0 if it is not known.
func slackOfThread() time.Duration {
	ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return 0
	}
	return time.Duration(ns)
}
