package e2e

import (
	"net/http"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
)

// A slow PUT is overtaken by a second one, which begins before the client has the answer of the first.
func TestSecondRequestForASlowOneIsNotSentAgain(t *testing.T) {
	began := time.Now()
	put := func(at, lasts time.Duration) s3test.Request {
		return s3test.Request{Method: http.MethodPut, Key: "live/a.ts", Sum: [32]byte{1}, Status: http.StatusOK,
			Began: began.Add(at), Ended: began.Add(at + lasts)}
	}
	for name, c := range map[string]struct {
		lasts, later time.Duration
		again        int
	}{
		"the answer is on its way":  {100 * time.Millisecond, 10 * time.Millisecond, 0},
		"the answer has come":       {100 * time.Millisecond, time.Second, 1},
		"the first one is not slow": {10 * time.Millisecond, 10 * time.Millisecond, 1},
	} {
		log := []s3test.Request{put(0, c.lasts), put(c.lasts+c.later, time.Millisecond)}
		if again, _ := SentAgain(log, nil); len(again) != c.again {
			t.Errorf("%s: sent again: %d, want %d", name, len(again), c.again)
		}
		if IsSecond(log, log[0]) || IsSecond(log, log[1]) != (c.again == 0) {
			t.Errorf("%s: the first is a second one: %t, the second: %t", name, IsSecond(log, log[0]), IsSecond(log, log[1]))
		}
	}
}
