package s3store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// errNoClock is about a store whose answers have no Date. This host's clock may differ from the
// store's.
var errNoClock = errors.New("the store does not tell its time")

// AbortUploads implements uploader.Store. It lists parts only of uploads that began long enough ago
// and whose key is not kept.
func (s *Store) AbortUploads(ctx context.Context, prefix string, idle time.Duration,
	keep func(key string) bool) (n int, err error) {
	type candidate struct{ key, id string }
	var old []candidate
	clock := true
	err = s.eachUpload(ctx, prefix, nil, func(m types.MultipartUpload, now time.Time) {
		c := candidate{aws.ToString(m.Key), aws.ToString(m.UploadId)}
		clock = clock && !now.IsZero()
		if strings.HasPrefix(c.key, prefix) && age(m.Initiated, now) >= idle && !s.unfinished.isInFlight(c.id) &&
			!keep(c.key) {
			old = append(old, c)
		}
	})
	if err == nil && !clock {
		err = errNoClock
	}
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, c := range old {
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
		switch aborted, err := s.abortIdle(ctx, c.key, c.id, idle); {
		case err != nil:
			failures = append(failures, fmt.Errorf("abort the upload of %s: %w", c.key, err))
		case aborted:
			n++
		}
	}
	return n, errors.Join(failures...)
}

// abortIdle aborts an upload none of whose parts is younger than idle.
func (s *Store) abortIdle(ctx context.Context, key, id string, idle time.Duration) (aborted bool, err error) {
	active := false
	err = s.eachPart(ctx, key, id, nil, func(p types.Part, now time.Time) bool {
		active = age(p.LastModified, now) < idle
		return !active
	})
	if active || codeOf(err) == noSuchUpload {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.abort(ctx, key, id, nil)
}

// age returns how long before now t was. It is 0 without a time, and for a time in the future,
// because Dates have whole seconds.
func age(t *time.Time, now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	return max(0, now.Sub(*t))
}
