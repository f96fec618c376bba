package s3store

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// listPermission applies to the bucket, not to its objects.
const listPermission = "s3:ListBucket"

// List implements uploader.Store. It holds one page of at most 1,000 objects at a time.
func (s *Store) List(ctx context.Context, dir, after string, each func(key string, i uploader.ObjectInfo) error) error {
	in := &s3.ListObjectsV2Input{Delimiter: aws.String("/")}
	if after != "" {
		in.StartAfter = &after
	}
	return s.list(ctx, in, dir, each)
}

// ListBelow implements uploader.Store.
func (s *Store) ListBelow(ctx context.Context, dir string, each func(key string, i uploader.ObjectInfo) error) error {
	return s.list(ctx, &s3.ListObjectsV2Input{}, dir, each)
}

// list calls each for the objects that in asks for, whose keys begin with dir.
func (s *Store) list(ctx context.Context, in *s3.ListObjectsV2Input, dir string,
	each func(key string, i uploader.ObjectInfo) error) error {
	// XML cannot hold all characters of a key.
	in.Bucket, in.Prefix, in.EncodingType = &s.settings.Bucket, &dir, types.EncodingTypeUrl
	var stopped error // by each
	err := s.eachPage(ctx, func() (more bool, err error) {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.ListObjectsV2Output, error) {
			return s.client.ListObjectsV2(ctx, in)
		})
		if err != nil {
			return false, s.explain(listPermission, err)
		}
		for _, o := range out.Contents {
			key := aws.ToString(o.Key)
			if out.EncodingType == types.EncodingTypeUrl { // else the store does not support it
				if key, err = url.QueryUnescape(key); err != nil {
					return false, fmt.Errorf("the store's encoding of a key: %w", err)
				}
			}
			if !strings.HasPrefix(key, dir) {
				return false, errOtherKey
			}
			if stopped = each(key, uploader.ObjectInfo{
				Size: aws.ToInt64(o.Size), Stored: aws.ToTime(o.LastModified), ETag: publish.ParseETag(aws.ToString(o.ETag)),
			}); stopped != nil {
				return false, nil
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return false, nil
		}
		next := aws.ToString(out.NextContinuationToken)
		if next == "" || next == aws.ToString(in.ContinuationToken) {
			return false, errEndless
		}
		in.ContinuationToken = &next
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("list the objects in %q: %w", dir, err)
	}
	return stopped
}

// errOtherKey is about a store that ignores the prefix of a list.
var errOtherKey = &listError{"the store lists a key of another directory"}
