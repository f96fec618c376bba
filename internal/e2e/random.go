package e2e

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"ems-sidecar/internal/long"
)

// FaultTime is how long a test of faults lets each of them last.
var FaultTime = long.Duration("fault-time", 500*time.Millisecond, time.Second,
	"how long each fault of TestFaults lasts")

var seedFlag = flag.Uint64("seed", 0, "of what is random in TestFaults and TestKill; 0 is a new one each time")

// NewRandom returns what is random in a test, and logs its seed.
func NewRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
