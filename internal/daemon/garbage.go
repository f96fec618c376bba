package daemon

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Go collects garbage when there is as much of it as of what is in use. With a thousand streams, that
// is 20 MB which no one needs, and a chunk makes only 50 kB of garbage. So there may be less of it
// where much is in use.
const (
	usualGarbage = 100      // percent of what is in use: Go's default
	leastGarbage = 60       // the same; with less, a chunk beside a thousand streams costs 3 % more, and not 2
	freeGarbage  = 10 << 20 // bytes: up to this, a collection is not worth it
	garbageEvery = time.Second
)

// garbagePercent returns how much garbage there may be where so many bytes are in use, in percent of
// them, in steps of 10.
func garbagePercent(inUse uint64) int {
	percent := usualGarbage * freeGarbage / max(1, inUse)
	return int(min(usualGarbage, max(leastGarbage, percent))) / 10 * 10
}

// boundGarbage lets less garbage pile up until ctx ends, unless GOGC says how much it may be.
func boundGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	now, inUse := usualGarbage, []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	defer debug.SetGCPercent(usualGarbage)
	tick := time.NewTicker(garbageEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(inUse)
		if percent := garbagePercent(inUse[0].Value.Uint64()); percent != now {
			now = percent
			debug.SetGCPercent(now) // stops all goroutines for a moment
		}
	}
}
