package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// errReplaced is about an object that was written while it was asked for.
var errReplaced = errors.New("the object is being replaced")

// Same implements uploader.Store. Of the checksums that the store has, all that can be computed
// from the local content must be right. The weakest that can decide alone is a CRC of 32 bits.
func (s *Store) Same(ctx context.Context, key string, body uploader.Body, size int64, modTime time.Time) (bool, error) {
	return s.same(ctx, key, body, size, modTime, nil)
}

func (s *Store) same(ctx context.Context, key string, body uploader.Body, size int64, modTime time.Time,
	options []func(*s3.Options)) (bool, error) {
	head, err := s.head(ctx, &s3.HeadObjectInput{Key: &key, ChecksumMode: types.ChecksumModeEnabled}, options)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	object := infoOf(head)
	content := publish.Different
	if object.Size == size { // else nothing has to be read
		if content, err = s.compareContent(ctx, key, head, body, options); err != nil {
			return false, err
		}
	}
	switch object.Prove(media.Version{Size: size, ModTime: modTime}, content) {
	case publish.Identical:
		return true, nil
	case publish.Different:
		return false, nil
	}
	return false, fmt.Errorf("%w: the store has no checksum of it, only the ETag %s", uploader.ErrIncomparable,
		cleaned(aws.ToString(head.ETag), maxCode))
}

// compareContent compares the content of body with all checksums of the object that can be computed
// from it. It is unclear if there are none.
func (s *Store) compareContent(ctx context.Context, key string, head *s3.HeadObjectOutput, body uploader.Body,
	options []func(*s3.Options)) (publish.Identity, error) {
	size := aws.ToInt64(head.ContentLength)
	if longer, err := isLonger(body, size); longer || err != nil {
		return publish.Different, err
	}
	checks := s.checksOf(head)
	layout := plan{size: size, partSize: max(1, size)}
	if i := slices.IndexFunc(checks, func(c *check) bool { return c.Parts > 0 }); i >= 0 {
		var err error
		if layout, err = s.layout(ctx, key, head, checks[i].Parts, options); err != nil {
			return publish.Unclear, err
		}
		checks = slices.DeleteFunc(checks, func(c *check) bool { return c.Parts > 0 && c.Parts != layout.parts() })
	}
	if len(checks) == 0 {
		return publish.Unclear, nil
	}
	return passes(ctx, body, layout, checks)
}

// layout returns how the object was cut into so many parts: as the store says, or else as it would
// be today. Where neither can be, it returns a plan of another number of parts.
func (s *Store) layout(ctx context.Context, key string, head *s3.HeadObjectOutput, parts int,
	options []func(*s3.Options)) (plan, error) {
	size := aws.ToInt64(head.ContentLength)
	if parts == 1 {
		return plan{size: size, partSize: max(1, size)}, nil
	}
	first, err := s.head(ctx, &s3.HeadObjectInput{Key: &key, PartNumber: aws.Int32(1)}, options)
	switch {
	case isNotFound(err), err == nil && aws.ToString(first.ETag) != aws.ToString(head.ETag):
		return plan{}, errReplaced
	case err != nil && !errors.Is(err, uploader.ErrPermanent):
		return plan{}, err
	case err == nil && aws.ToInt64(first.ContentLength) < size: // else the store does not know of parts
		return plan{size: size, partSize: max(1, aws.ToInt64(first.ContentLength))}, nil
	}
	return s.plan(size), nil
}

func (s *Store) head(ctx context.Context, in *s3.HeadObjectInput, options []func(*s3.Options)) (*s3.HeadObjectOutput,
	error) {
	in.Bucket = &s.settings.Bucket
	out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.HeadObjectOutput, error) {
		return s.client.HeadObject(ctx, in, options...)
	})
	if err != nil {
		return nil, s.explain("s3:GetObject", err)
	}
	return out, nil
}

func isNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && !isForeign(err)
}

// isLonger reports whether body has more than size bytes, as a file that has grown.
func isLonger(body io.ReaderAt, size int64) (bool, error) {
	n, err := body.ReadAt(make([]byte, 1), size)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n > 0, err
}
