package events

import (
	"math/rand/v2"
	"testing"
	"time"
)

// span is ids that arrive without a gap.
type span struct{ first, last uint64 }

// arrive has ids arrive in order, and returns the result.
func arrive(spans ...span) (p passed) {
	var s sequence
	now := time.Unix(0, 0)
	for _, part := range spans {
		for id := part.first; id <= part.last; id++ {
			now = now.Add(reorderWindow)
			p = p.and(s.add(event(id), now)).and(s.expire(now.Add(reorderWindow)))
		}
	}
	return p
}

// A real server had another sink, which took all events.
func TestRecordedIDsOfOtherSinksAreNoLosses(t *testing.T) {
	for name, spans := range map[string][]span{
		"an encoder that returns": {
			{3, 3}, {7, 8}, {12, 13}, {17, 18}, {22, 23}, {27, 27}, {31, 31}, {35, 35}, {39, 39}, {42, 45}, {47, 47}, {51, 51}, {55, 55}, {58, 60},
			{62, 62}, {65, 127}, {154, 206},
		},
		"feeds that stop": {
			{3, 3}, {5, 6}, {11, 12}, {24, 25}, {38, 40}, {45, 45}, {50, 50}, {59, 62}, {67, 67}, {72, 72}, {81, 82}, {91, 92}, {101, 102}, {107, 109},
		},
	} {
		if got := arrive(spans...); got.lost != 0 || got.missing == 0 || !got.skips {
			t.Errorf("%s: %d lost of %d, skips %v", name, got.lost, got.missing, got.skips)
		}
	}
}

func TestSteadyGapsAreNoLosses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func(id uint64) uint64{
		"every second id":     func(id uint64) uint64 { return id + 2 },
		"every tenth id":      func(id uint64) uint64 { return id + 1 + id%10/9 },
		"one in thirty":       func(id uint64) uint64 { return id + 1 + id%30/29*7 },
		"at random":           func(id uint64) uint64 { return id + 1 + random.Uint64N(4)/3*random.Uint64N(20) },
		"most of the numbers": func(id uint64) uint64 { return id + 1 + random.Uint64N(50) },
	} {
		var ids []span
		for id := uint64(1); len(ids) < 2000; id = next(id) {
			ids = append(ids, span{id, id})
		}
		if got := arrive(ids...); got.lost != 0 || !got.skips {
			t.Errorf("%s: %d lost of %d", name, got.lost, got.missing)
		}
	}
}

func TestAGapInNumbersWithoutOthersIsALoss(t *testing.T) {
	for name, c := range map[string]struct {
		spans         []span
		lost, missing uint64
		skips         bool
	}{
		"none":                        {[]span{{1, 500}}, 0, 0, false},
		"one id":                      {[]span{{1, 100}, {102, 200}}, 1, 1, false},
		"many at once":                {[]span{{1, 21}, {1021, 1060}}, 999, 999, false},
		"not known yet":               {[]span{{1, 100}, {102, 140}}, 0, 1, false},
		"at the start":                {[]span{{1, 5}, {8, 200}}, 0, 2, true},
		"two that are close":          {[]span{{1, 100}, {102, 110}, {112, 2000}}, 0, 2, true},
		"two that are less close":     {[]span{{1, 100}, {102, 600}, {603, 2000}}, 1, 3, true},
		"two that are far":            {[]span{{1, 100}, {102, 1200}, {1203, 2400}}, 3, 3, false},
		"after a sink was taken away": {[]span{{1, 1}, {3, 3}, {5, 5}, {7, 1100}, {1105, 2400}}, 4, 7, true},
	} {
		got := arrive(c.spans...)
		if got.lost != c.lost || got.missing != c.missing || got.skips != c.skips {
			t.Errorf("%s: %d lost of %d, skips %v", name, got.lost, got.missing, got.skips)
		}
	}
}

func TestALateEventIsNoLoss(t *testing.T) {
	if got := arrive(span{1, 100}, span{103, 105}, span{101, 101}, span{106, 200}); got.lost != 1 || got.missing != 2 {
		t.Errorf("%d lost of %d", got.lost, got.missing)
	}
}
