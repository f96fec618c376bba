package s3store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

// errLost is why the request is cancelled that lost a race.
var errLost = errors.New("the other request was answered first")

// A sender makes one of the two requests of a race.
type sender func(ctx context.Context, second bool) (*s3.PutObjectOutput, error)

// An ending is how one of the two requests ended.
type ending struct {
	out *s3.PutObjectOutput
	uploader.Ending
}

func endedNow(out *s3.PutObjectOutput, err error) ending {
	return ending{out, uploader.Ending{Err: err, At: time.Now()}}
}

// errOvertaken is how the request ended that lost a race, if both replace the same object.
var errOvertaken = fmt.Errorf("what it replaces is replaced: %w", uploader.ErrPermanent)

// overtakes notes that the store refuses the request that failed, as the other one succeeded.
func (e *ending) overtakes(other *ending) {
	if e.Err == nil && other.Err != nil {
		other.Err = fmt.Errorf("%w: %w", errOvertaken, other.Err)
	}
}

// race makes a request, and a second one beside it if that takes too long. It returns the first good
// answer, and none of the requests is in flight then. replaces says that the requests have a
// condition, which only one of them can meet. If both fail, the error is that of the first; but if
// both were to be answered, and the store refused the first, it is that of the second, which may
// still be applied.
func race(ctx context.Context, r uploader.Race, replaces bool, send sender) (*s3.PutObjectOutput, error) {
	if r == nil {
		return send(ctx, false)
	}
	settles := r.Settles() && !replaces
	first, cancelFirst := context.WithCancelCause(ctx)
	defer cancelFirst(nil)
	second, cancelSecond := context.WithCancelCause(ctx)
	defer cancelSecond(nil)
	var began bool
	var one, other ending
	ended := make(chan struct{})
	late := time.AfterFunc(r.After(), func() {
		defer close(ended)
		if began = r.Begin(); !began {
			return
		}
		if other = endedNow(send(second, true)); other.Err == nil && !settles {
			cancelFirst(errLost)
		}
	})
	one = endedNow(send(first, false))
	if late.Stop() {
		return one.out, one.Err
	}
	if (one.Err == nil || one.isRefused()) && !settles {
		cancelSecond(errLost)
	}
	<-ended
	if !began {
		return one.out, one.Err
	}
	if replaces {
		one.overtakes(&other)
		other.overtakes(&one)
	}
	r.End(one.Ending, other.Ending)
	return one.or(other, r.Settles())
}

// isRefused reports whether the store refused the request for good, for another reason than that
// what it replaces is not there.
func (e *ending) isRefused() bool { return errors.Is(e.Err, uploader.ErrPermanent) && !isUnmet(e.Err) }

// or returns what both requests have come to. settles: other, if it has no answer, would do harm if
// it were applied.
func (e *ending) or(other ending, settles bool) (*s3.PutObjectOutput, error) {
	if e.Err != nil && (other.Err == nil || settles && e.isRefused()) {
		return other.out, other.Err
	}
	return e.out, e.Err
}
