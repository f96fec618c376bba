package s3store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
)

// errStands is about a store that answers each request for the next page with the same one.
var errStands = errors.New("the store's list does not end")

// eachUpload calls visit for each unfinished upload of a key that begins with prefix, with the time of
// the store's clock, which is zero if the store does not tell it.
func (s *Store) eachUpload(ctx context.Context, prefix string, options []func(*s3.Options),
	visit func(m types.MultipartUpload, now time.Time)) error {
	in := &s3.ListMultipartUploadsInput{Bucket: &s.settings.Bucket, Prefix: &prefix}
	for {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.ListMultipartUploadsOutput, error) {
			return s.client.ListMultipartUploads(ctx, in, options...)
		})
		if err != nil {
			return fmt.Errorf("list unfinished uploads: %w", s.explain(listUploadsPermission, err))
		}
		now, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		for _, m := range out.Uploads {
			visit(m, now)
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		if aws.ToString(out.NextKeyMarker) == aws.ToString(in.KeyMarker) &&
			aws.ToString(out.NextUploadIdMarker) == aws.ToString(in.UploadIdMarker) {
			return fmt.Errorf("list unfinished uploads: %w", errStands)
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}

// eachPart calls visit for each part of an upload, until it returns false, with the time of the store's clock.
func (s *Store) eachPart(ctx context.Context, key, id string, options []func(*s3.Options),
	visit func(p types.Part, now time.Time) bool) error {
	in := &s3.ListPartsInput{Bucket: &s.settings.Bucket, Key: &key, UploadId: &id}
	for {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.ListPartsOutput, error) {
			return s.client.ListParts(ctx, in, options...)
		})
		if err != nil {
			return fmt.Errorf("list the parts of an unfinished upload: %w", s.explain(listPartsPermission, err))
		}
		now, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		for _, p := range out.Parts {
			if !visit(p, now) {
				return nil
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		if aws.ToString(out.NextPartNumberMarker) == aws.ToString(in.PartNumberMarker) {
			return fmt.Errorf("list the parts of an unfinished upload: %w", errStands)
		}
		in.PartNumberMarker = out.NextPartNumberMarker
	}
}

// listingRefused reports whether err says that this store or these credentials do not let uploads be listed,
// and warns of it, once. Stores that do not know how answer in many ways.
func (s *Store) listingRefused(err error) bool {
	refused := errors.Is(err, uploader.ErrPermanent) && !errors.Is(err, uploader.ErrBucket)
	if !refused && !errors.Is(err, errStands) {
		return false
	}
	s.warnListing.Do(func() {
		s.log.Warn("unfinished uploads cannot be listed", "bucket", s.settings.Bucket, "err", err,
			"next", "uploads that a restart interrupts begin anew")
	})
	return true
}
