//go:build unix

package main

import (
	"context"
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	// oneBelow and allAbove are shares of a core. Between them, nothing changes.
	oneBelow, allAbove = 0.2, 0.3
	// quietFor is how long the share must be low.
	quietFor   = 10 * time.Second
	usageEvery = time.Second
)

// A crew is how many threads may run Go code at the same time: one, or all that the cgroup and the
// cores allow. A goroutine that wakes up another one wakes up a thread for it as well, which has
// nothing left to do then. Little work takes a sixth less processor time with one thread.
type crew struct {
	alone bool
	quiet time.Duration // for how long the share has been low
}

// observe takes the share of a core that was used during usageEvery, and reports whether the number
// of threads changes.
func (c *crew) observe(share float64) (changes bool) {
	was := c.alone
	switch {
	case share > allAbove:
		c.alone, c.quiet = false, 0
	case share < oneBelow:
		c.quiet += usageEvery
		c.alone = c.alone || c.quiet >= quietFor
	default:
		c.quiet = 0
	}
	return c.alone != was
}

// adaptProcessors sets GOMAXPROCS by the work that there is, until ctx ends. It does nothing where
// the environment sets it.
func adaptProcessors(ctx context.Context) {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	defer runtime.SetDefaultGOMAXPROCS()
	var c crew
	used, at := processorTime(), time.Now()
	tick := time.NewTicker(usageEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		usedNow, now := processorTime(), time.Now()
		changes := c.observe(float64(usedNow-used) / float64(now.Sub(at)))
		used, at = usedNow, now
		switch {
		case changes && c.alone:
			runtime.GOMAXPROCS(1) // stops all goroutines for a moment
		case changes:
			runtime.SetDefaultGOMAXPROCS()
		}
	}
}

// processorTime returns how much of it the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only for other arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
