package patience

import (
	"testing"
	"time"
)

func TestBeatsComeOnceAPeriodAndMissedOnesDoNotPileUp(t *testing.T) {
	const period = 20 * time.Millisecond
	c := Start()
	defer c.Stop()
	began, next := c.Now(), c.Beat(period)
	beats := func(n int) {
		for range n {
			next()
		}
	}
	beats(5)
	if passed := c.Now() - began; passed < 5*period {
		t.Errorf("five beats of %v in %v", period, passed)
	}
	c.SleepUntil(c.Now() + 10*period)
	late := c.Now()
	beats(6) // one of them at once
	if passed := c.Now() - late; passed < 5*period {
		t.Errorf("six beats of %v in %v, after a pause", period, passed)
	}
}
