package daemon

import (
	"context"
	"runtime/metrics"
	"testing"
	"time"
)

func TestLessGarbageMayWaitWhereMuchIsInUse(t *testing.T) {
	for inUse, want := range map[uint64]int{
		0: 100, 5 << 20: 100, 10 << 20: 100, 12 << 20: 80, 16 << 20: 60, 17 << 20: 60, 1 << 30: 60,
	} {
		if got := garbagePercent(inUse); got != want {
			t.Errorf("%d bytes: %d percent, want %d", inUse, got, want)
		}
	}
}

// percent returns how much garbage may wait.
func percent() int {
	p := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(p)
	return int(p[0].Value.Uint64())
}

// With much in use, less garbage may wait, until the daemon ends.
func TestGarbageIsBoundWhileTheDaemonRuns(t *testing.T) {
	for variable, want := range map[string]int{"": leastGarbage, "100": usualGarbage} {
		t.Setenv("GOGC", variable)
		ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
		inUse := make([]byte, 8*freeGarbage)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			boundGarbage(ctx)
		}()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		begin := time.Now()
		for percent() != want || variable != "" && time.Since(begin) < 2*garbageEvery {
			if ctx.Err() != nil {
				t.Fatalf("GOGC=%q: garbage may be %d percent, want %d", variable, percent(), want)
			}
			<-tick.C
		}
		if inUse[0] = 1; percent() != want {
			t.Errorf("GOGC=%q: garbage may be %d percent, want %d", variable, percent(), want)
		}
		end()
		<-ended
		if p := percent(); p != usualGarbage {
			t.Errorf("GOGC=%q: when it has ended, garbage may be %d percent", variable, p)
		}
	}
}
