// Package patience tells tests how long to wait on a machine that is busy with other work.
//
// A limit in wall time fails where four other programs share two processors, although nothing is
// wrong with what is tested. A Clock runs a small control load beside the tests and compares the
// processor time that the control gets with the wall time that passes meanwhile. It counts only the
// share that the machine had to give: 10 s by the Clock are 10 s on an idle machine, and 30 s where
// the control gets a third of a processor. What stands for the world in a test, such as an encoder,
// can go by the Clock, too: then a busy machine slows it down together with what is tested.
package patience

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

const (
	// burst is the processor time of one run of the control. It is longer than a time slice, so
	// that the control has to queue like everything else.
	burst = 8 * time.Millisecond
	// pause is the time between two runs: the control takes 2 % of a processor.
	pause = 392 * time.Millisecond
	// remembered is how many runs the present speed is the mean of.
	remembered = 4
)

// A Clock is slowed down by other work on the machine. It is safe for concurrent use.
type Clock struct {
	began time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu    sync.Mutex // guards what follows
	at    time.Time  // of the last measurement
	now   time.Duration
	speed float64 // the share of a processor that the control got, up to 1
}

// Start returns a Clock that shows 0. Stop ends its control load.
func Start() *Clock {
	began := time.Now()
	c := &Clock{began: began, stop: make(chan struct{}), at: began, speed: 1}
	c.ended.Go(c.measure)
	return c
}

// Stop ends the control load and waits for it.
func (c *Clock) Stop() {
	close(c.stop)
	c.ended.Wait()
}

// Now returns the time since Start by the Clock.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now + time.Duration(float64(time.Since(c.at))*c.speed)
}

// Time returns the time of day at Start, and what has passed since then by the Clock.
func (c *Clock) Time() time.Time { return c.began.Add(c.Now()) }

// SleepUntil returns when the Clock shows at least the time.
func (c *Clock) SleepUntil(due time.Duration) {
	for now := c.Now(); now < due; now = c.Now() {
		time.Sleep(due - now)
	}
}

// Sleep returns when so much has passed by the Clock.
func (c *Clock) Sleep(d time.Duration) { c.SleepUntil(c.Now() + d) }

// Beat returns a function that returns once in every period by the Clock. Like a ticker, it makes
// up for one missed beat at most.
func (c *Clock) Beat(period time.Duration) (next func()) {
	due := c.Now()
	return func() {
		due = max(due+period, c.Now())
		c.SleepUntil(due)
	}
}

// Share returns the mean share of a processor that the control got since Start, up to 1.
func (c *Clock) Share() float64 {
	now := c.Now()
	return float64(now) / float64(max(1, time.Since(c.began)))
}

// busy is the share of a processor below which a machine is too busy for what has a time limit.
const busy = 0.7

// Busy reports whether other work has taken the processors since Start.
func (c *Clock) Busy() bool { return c.Share() < busy }

// Deadline returns a function that reports whether the limit has passed by the Clock.
func (c *Clock) Deadline(limit time.Duration) (passed func() bool) {
	end := c.Now() + limit
	return func() bool { return c.Now() > end }
}

// Within waits until done returns true, and fails the test if it does not within the limit by the
// Clock. It asks again every 20 ms, and reports whether done came true.
func (c *Clock) Within(t testing.TB, limit time.Duration, what string, done func() bool) bool {
	t.Helper()
	began, passed := time.Now(), c.Deadline(limit)
	for !done() {
		if passed() {
			t.Errorf("not after %v (%v on this busy machine): %s",
				limit, time.Since(began).Round(time.Millisecond), what)
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func (c *Clock) measure() {
	runtime.LockOSThread() // its processor time is the control's
	defer runtime.UnlockOSThread()
	var shares []float64
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(pause):
		}
		shares = append(shares, control())
		shares = shares[max(0, len(shares)-remembered):]
		sum := 0.0
		for _, s := range shares {
			sum += s
		}
		c.mu.Lock()
		now := time.Now()
		c.now += time.Duration(float64(now.Sub(c.at)) * c.speed)
		c.at, c.speed = now, sum/float64(len(shares))
		c.mu.Unlock()
	}
}

// control computes for one burst and returns the share of a processor that it got.
func control() float64 {
	began, used := time.Now(), threadTime()
	if used < 0 {
		return 1 // this system does not tell
	}
	for threadTime()-used < burst {
	}
	return min(1, float64(burst)/float64(time.Since(began)))
}
