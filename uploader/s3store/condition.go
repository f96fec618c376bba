package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
)

// conflict is S3's code when a request with a condition meets another for the same key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
const conflict = "ConditionalRequestConflict"

// condition returns the If-None-Match of the request that completes o, or nil.
func (s *Store) condition(o uploader.Object) *string {
	if !o.IfAbsent || s.habits.noCondition.Load() {
		return nil
	}
	return aws.String("*")
}

// exists adds ErrExists to an error that says that the condition was not met.
func exists(o uploader.Object, err error) error {
	if o.IfAbsent && statusOf(err) == http.StatusPreconditionFailed {
		return fmt.Errorf("%w: %w", uploader.ErrExists, err)
	}
	return err
}

// withoutCondition puts o without a condition if the store refused the request, perhaps because it
// does not support conditions. If that succeeds, the Store uses no conditions from then on.
func (s *Store) withoutCondition(ctx context.Context, o uploader.Object, err error) error {
	if s.condition(o) == nil || errors.Is(err, uploader.ErrExists) || !refusesCondition(err) {
		return err
	}
	// The condition was the only guard against another writer since the caller asked.
	i, found, statErr := s.Stat(ctx, o.Key)
	switch {
	case statErr != nil || i.Untold:
		return err
	case found:
		return fmt.Errorf("%w, of %d bytes", uploader.ErrExists, i.Size)
	}
	if _, seekErr := o.Body.Seek(0, io.SeekStart); seekErr != nil {
		return fmt.Errorf("read the file again: %w", seekErr)
	}
	o.IfAbsent = false
	if again := s.put(ctx, o); again != nil {
		return again
	}
	s.habits.noCondition.Store(true)
	s.trouble.Begin(unconditional, trouble.At{}, "err", err,
		"next", "before each recording, the store is asked whether the key is free; two hosts may still use one key at "+
			"the same moment")
	return nil
}

// refusesCondition reports whether err may mean that the store does not support If-None-Match.
func refusesCondition(err error) bool {
	switch statusOf(err) {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return true
	case http.StatusBadRequest:
		switch codeOf(err) {
		case "NotImplemented", "InvalidRequest", "InvalidArgument", "UnsupportedHeader", "UnsupportedParameter":
			return true
		}
	}
	return false
}
