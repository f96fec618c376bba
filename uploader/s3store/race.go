package s3store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

// errLost is why the request is cancelled that lost a race.
var errLost = errors.New("the other request was answered first")

// A sender makes one of the two requests of a race.
type sender func(ctx context.Context, second bool) (*s3.PutObjectOutput, error)

// race makes a request, and a second one beside it if that takes too long. It returns the first good
// answer, and none of the requests is in flight then. If both fail, the error is that of the first.
func race(ctx context.Context, r uploader.Race, send sender) (*s3.PutObjectOutput, error) {
	if r == nil {
		return send(ctx, false)
	}
	first, cancelFirst := context.WithCancelCause(ctx)
	defer cancelFirst(nil)
	second, cancelSecond := context.WithCancelCause(ctx)
	defer cancelSecond(nil)
	var began bool
	var otherOut *s3.PutObjectOutput
	var otherErr error
	ended := make(chan struct{})
	late := time.AfterFunc(r.After(), func() {
		defer close(ended)
		if began = r.Begin(); !began {
			return
		}
		if otherOut, otherErr = send(second, true); otherErr == nil {
			cancelFirst(errLost)
		}
	})
	out, err := send(first, false)
	if late.Stop() {
		return out, err
	}
	if err == nil || errors.Is(err, uploader.ErrPermanent) {
		cancelSecond(errLost)
	}
	<-ended
	if !began {
		return out, err
	}
	won := err != nil && otherErr == nil
	r.End(won, otherErr)
	if won {
		return otherOut, nil
	}
	return out, err
}
