package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// errUnproved is about a success without an ETag.
var errUnproved = errors.New("the store's answer has no ETag, so it is not certain that it has the object")

// Put implements uploader.Store. It asks before it sends a large body (Expect: 100-continue). If a
// server refuses that, it sends bodies without asking from then on.
func (s *Store) Put(ctx context.Context, o uploader.Object) error {
	if o.Replaces != nil {
		return s.replace(ctx, o)
	}
	return s.putAsking(ctx, o)
}

func (s *Store) putAsking(ctx context.Context, o uploader.Object) error {
	asked := !s.habits.noExpect.Load()
	err := s.put(ctx, o)
	if asked && statusOf(err) == http.StatusExpectationFailed {
		s.habits.noExpect.Store(true)
		if _, err := o.Body.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read the file again: %w", err)
		}
		err = s.put(ctx, o)
	}
	return s.withoutCondition(ctx, o, err)
}

func (s *Store) put(ctx context.Context, o uploader.Object) error {
	options, p := s.requestOptions(o), s.plan(o.Size)
	if o.Resumable && p.parts() > 1 {
		return s.putResumable(ctx, o, p, options)
	}
	if u := s.unfinished.take(o.Key); u != nil {
		s.abandon(ctx, u.key, u.id, options) // it is of another version
	}
	return s.putFromStart(ctx, o, p, options)
}

// proveETag compares the ETag of what the store has with the content that was sent, if the ETag is
// an MD5.
func (s *Store) proveETag(content sums, e echo) error {
	got, want := publish.ParseETag(aws.ToString(e.etag)), content.checksum()
	switch {
	case got == "":
		return errUnproved
	case s.hasMD5(e.sse, e.customerAlgorithm) && got.Contradicts(want):
		return &otherContentError{"ETag", string(got), want.String()}
	}
	return nil
}

// An otherContentError is about an object, or a part, that is not what was sent.
type otherContentError struct {
	sum       string // which one tells: the ETag, or the CRC32
	got, want string
}

func (e *otherContentError) Error() string {
	return fmt.Sprintf("the store has other content than was sent: its %s is %s, that of what "+
		"was sent %s", e.sum, cleaned(e.got, maxCode), e.want)
}
