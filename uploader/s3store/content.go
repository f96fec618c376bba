package s3store

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Content is what an object has, or a part of it.
type Content struct {
	io.ReadCloser
	Size  int64  // bytes that are read from it
	Range string // which part it is, as HTTP's Content-Range has it; empty: it is the whole
}

// Content returns the object's content, which the caller closes: the part that byteRange asks for, as
// HTTP's Range has it, or the whole if that is empty. found is false if the bucket has no such
// object. ctx holds until the content is read.
func (s *Store) Content(ctx context.Context, key, byteRange string) (c *Content, found bool, err error) {
	in := &s3.GetObjectInput{Bucket: &s.settings.Bucket, Key: &key}
	if byteRange != "" {
		in.Range = &byteRange
	}
	out, err := s.client.GetObject(ctx, in)
	if statusOf(err) == http.StatusNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", key, s.explain("s3:GetObject", err))
	}
	return &Content{out.Body, aws.ToInt64(out.ContentLength), aws.ToString(out.ContentRange)}, true, nil
}
