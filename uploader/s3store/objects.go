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

// Directories implements uploader.Store.
func (s *Store) Directories(ctx context.Context, dir string, each func(dir string) error) error {
	in := &s3.ListObjectsV2Input{Delimiter: aws.String("/")}
	return s.eachOfList(ctx, in, dir, func(out *s3.ListObjectsV2Output) (stopped, err error) {
		for _, p := range out.CommonPrefixes {
			name, err := keyInList(out, p.Prefix, dir)
			if err != nil {
				return nil, err
			}
			if stopped := each(name); stopped != nil {
				return stopped, nil
			}
		}
		return nil, nil
	})
}

// list calls each for the objects that in asks for, whose keys begin with dir.
func (s *Store) list(ctx context.Context, in *s3.ListObjectsV2Input, dir string,
	each func(key string, i uploader.ObjectInfo) error) error {
	return s.eachOfList(ctx, in, dir, func(out *s3.ListObjectsV2Output) (stopped, err error) {
		for _, o := range out.Contents {
			key, err := keyInList(out, o.Key, dir)
			if err != nil {
				return nil, err
			}
			if stopped := each(key, uploader.ObjectInfo{
				Size: aws.ToInt64(o.Size), Stored: aws.ToTime(o.LastModified), ETag: publish.ParseETag(aws.ToString(o.ETag)),
			}); stopped != nil {
				return stopped, nil
			}
		}
		return nil, nil
	})
}

// keyInList returns a key of a list of what is in dir.
func keyInList(out *s3.ListObjectsV2Output, listed *string, dir string) (key string, err error) {
	key = aws.ToString(listed)
	if out.EncodingType == types.EncodingTypeUrl { // else the store does not support it
		if key, err = url.QueryUnescape(key); err != nil {
			return "", fmt.Errorf("the store's encoding of a key: %w", err)
		}
	}
	if !strings.HasPrefix(key, dir) {
		return "", errOtherKey
	}
	return key, nil
}

// eachOfList calls page for each page of the list that in asks for, of what is in dir, until it is
// stopped.
func (s *Store) eachOfList(ctx context.Context, in *s3.ListObjectsV2Input, dir string,
	page func(*s3.ListObjectsV2Output) (stopped, err error)) error {
	// XML cannot hold all characters of a key.
	in.Bucket, in.Prefix, in.EncodingType = &s.settings.Bucket, &dir, types.EncodingTypeUrl
	var stopped error
	err := s.eachPage(ctx, func() (more bool, err error) {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.ListObjectsV2Output, error) {
			return s.client.ListObjectsV2(ctx, in)
		})
		if err != nil {
			return false, s.explain(listPermission, err)
		}
		if stopped, err = page(out); stopped != nil || err != nil {
			return false, err
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
