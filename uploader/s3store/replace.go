package s3store

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"ems-sidecar/uploader"
)

// A heed says what a store does with If-Match in a PUT.
type heed int32

const (
	untried  heed = iota
	heeded        // it refuses an object that is to replace another one than the bucket has
	unheeded      // it does not look at it, does not support it, or the credentials do not suffice
)

// A heeding is what is known of that. It is safe for concurrent use.
type heeding struct {
	known atomic.Int32
	unmet atomic.Int32 // conditions in a row that should have been met; of trials, that failed
}

func (h *heeding) is(what heed) bool { return heed(h.known.Load()) == what }

func (h *heeding) becomes(what heed) {
	h.known.Store(int32(what))
	h.unmet.Store(0)
}

// mostUnmet is how many conditions in a row may be unmet. Another program that writes the same keys
// makes some so. If all are, the store compares something else than the ETag that it tells.
const mostUnmet = 5

// mostTrials is how many trials of a condition may be answered with an error of the server.
const mostTrials = 2

// unlikeAny is the ETag of no object.
const unlikeAny = `"00000000000000000000000000000000-0"`

// replace puts o. If the store heeds it, the condition is that the bucket has the object that o is to
// replace. If the bucket has another one, o replaces that.
func (s *Store) replace(ctx context.Context, o uploader.Object) error {
	etag := *o.Replaces
	if etag == "" || s.plan(o.Size).parts() > 1 {
		return s.putIf(ctx, o, "")
	}
	if s.habits.heeding.is(untried) {
		switch err := s.putIf(ctx, o, unlikeAny); {
		case err == nil: // the bucket has o
			s.habits.heeding.becomes(unheeded)
			return nil
		case isUnmet(err):
			s.habits.heeding.becomes(heeded)
		case statusOf(err) == http.StatusInternalServerError && s.habits.heeding.unmet.Add(1) >= mostTrials:
			s.habits.heeding.becomes(unheeded)
			return err
		default:
			return s.unconditionally(ctx, o, err)
		}
	}
	if s.habits.heeding.is(unheeded) {
		return s.putIf(ctx, o, "")
	}
	err := s.putIf(ctx, o, etag)
	switch {
	case err == nil:
		s.habits.heeding.unmet.Store(0)
	case isUnmet(err):
		if s.habits.heeding.unmet.Add(1) >= mostUnmet {
			s.habits.heeding.becomes(unheeded)
		}
		return s.putIf(ctx, o, "")
	}
	return s.unconditionally(ctx, o, err)
}

// unconditionally puts o without a condition if the store refused it with one, perhaps because of
// that. If it succeeds, the Store uses no such conditions from then on.
func (s *Store) unconditionally(ctx context.Context, o uploader.Object, err error) error {
	if !errors.Is(err, uploader.ErrPermanent) {
		return err
	}
	if err = s.putIf(ctx, o, ""); err == nil {
		s.habits.heeding.becomes(unheeded)
	}
	return err
}

// putIf puts o if the bucket has the object with the ETag under the key; "" is no condition.
func (s *Store) putIf(ctx context.Context, o uploader.Object, etag string) error {
	*o.Replaces = etag
	err := s.putAsking(ctx, o)
	if err != nil {
		*o.Replaces = ""
	}
	return err
}

// replaced returns the If-Match of the request that puts o, or nil.
func replaced(o uploader.Object) *string {
	if o.Replaces == nil || *o.Replaces == "" {
		return nil
	}
	etag := *o.Replaces
	return &etag
}

// strong returns etag, or "" if it is a weak one, which meets no condition.
func strong(etag string) string {
	if strings.HasPrefix(etag, "W/") {
		return ""
	}
	return etag
}

// isUnmet reports whether err says that the bucket does not have the object that was to be replaced,
// or that another request for the key was faster.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func isUnmet(err error) bool {
	switch statusOf(err) {
	case http.StatusPreconditionFailed:
		return true
	case http.StatusConflict:
		return codeOf(err) == conflict
	case http.StatusNotFound:
		return codeOf(err) == "NoSuchKey"
	}
	return false
}
