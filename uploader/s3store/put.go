package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// errUnproved is about a success that tells no version of the object.
var errUnproved = errors.New("the store's answer has no ETag: it is not known to have the object")

// Put implements uploader.Store. It asks for leave to send a large body (Expect: 100-continue)
// until that is refused, and then tries again without.
func (s *Store) Put(ctx context.Context, o uploader.Object) error {
	asked := !s.noExpect.Load()
	err := s.put(ctx, o)
	if asked && statusOf(err) == http.StatusExpectationFailed {
		s.noExpect.Store(true)
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
		s.abandon(ctx, u.key, u.id, options) // of another version
	}
	return s.putFromStart(ctx, o, p, options)
}

// prove compares what the store says that it has with what was sent: by its ETag, where that is an
// MD5.
func (s *Store) prove(content sums, etag *string, sse types.ServerSideEncryption, customerAlgorithm *string) error {
	got, want := publish.ParseETag(aws.ToString(etag)), content.checksum()
	switch {
	case got == "":
		return errUnproved
	case s.hasMD5(sse, customerAlgorithm) && got.Contradicts(want):
		return &otherContentError{got, want}
	}
	return nil
}

// An otherContentError is that of an object, or a part, that is not what was sent.
type otherContentError struct {
	got  publish.ETag
	want publish.Checksum
}

func (e *otherContentError) Error() string {
	return fmt.Sprintf("the store has other content than was sent: its ETag is %s, that of what "+
		"was sent %s", cleaned(string(e.got), maxCode), e.want)
}
