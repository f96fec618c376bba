package s3store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// An attempt at a part has this long, and besides what its size takes at
	// Settings.MinThroughput.
	partTime  = 2 * time.Second
	abortTime = 10 * time.Second
	// requestTime is for a request without content.
	requestTime = 20 * time.Second
	// Completing has a minute, and besides what the object's size takes at completeRate. Amazon
	// says that it may take minutes, and stores that keep an object in one file copy all parts into
	// it.
	completeTime = time.Minute
	completeRate = 32 << 20 // bytes per second
)

// partLimit returns how long an attempt at a part may take, or 0 for any time. The parts in flight
// share the throughput of the object. If each had to reach it alone, no part of an object that is
// just fast enough would succeed.
func (s *Store) partLimit(p plan, number int) time.Duration {
	if s.settings.MinThroughput <= 0 {
		return 0
	}
	bytes := p.length(number) * int64(min(partsAtOnce, p.parts()))
	return s.partTime + at(bytes, s.settings.MinThroughput)
}

func completeLimit(size int64) time.Duration { return completeTime + at(size, completeRate) }

// at returns how long bytes take at a rate in bytes per second.
func at(bytes, rate int64) time.Duration {
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}

// A lateError means that the deadline of a single request has passed. It is not
// context.DeadlineExceeded, which tells callers that their own deadline has passed.
type lateError struct {
	limit time.Duration
	doing string // what the request did at that time
}

func (e *lateError) Error() string {
	return during(fmt.Sprintf("no answer within %v", e.limit.Round(time.Millisecond)), e.doing)
}

// within makes one request. It may take as long as limit; 0 is any time.
func within[O any](ctx context.Context, limit time.Duration, request func(context.Context) (O, error)) (O, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &lateError{limit: limit})
		defer cancel()
	}
	out, err := request(ctx)
	var late *lateError
	if err != nil && errors.As(context.Cause(ctx), &late) {
		var unanswered *UnansweredError
		if errors.As(err, &unanswered) {
			late = &lateError{limit, unanswered.doing()}
		}
		err = late
	}
	return out, err
}
