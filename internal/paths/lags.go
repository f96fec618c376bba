package paths

import "time"

// Lags are the worst lag of each LagEvery, in a ring.
type lags struct {
	worst  [MaxLags]time.Duration // 0: no chunk was listed
	newest int64                  // the LagEvery since 1970 that was noted last
}

// note notes a lag. at is in ns since 1970.
func (l *lags) note(lag time.Duration, at int64) {
	i := at / int64(LagEvery)
	switch {
	case i > l.newest:
		for n := max(l.newest+1, i-MaxLags+1); n <= i; n++ {
			l.worst[n%MaxLags] = 0
		}
		l.newest = i
	case i <= l.newest-MaxLags:
		return // of another run, long ago
	}
	l.worst[i%MaxLags] = max(l.worst[i%MaxLags], lag)
}

func (l *lags) history(now int64) []*float64 {
	values := make([]*float64, MaxLags)
	last := now / int64(LagEvery)
	for n := range values {
		i := last - MaxLags + 1 + int64(n)
		if i > l.newest-MaxLags && i <= l.newest {
			values[n] = seconds(l.worst[i%MaxLags])
		}
	}
	return values
}
