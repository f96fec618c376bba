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

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
)

// A listError is about a list that a store would not send. Asking again does not help.
type listError struct{ text string }

func (e *listError) Error() string { return e.text }

func (e *listError) Unwrap() error { return uploader.ErrPermanent }

// errEndless is about a list that always has another page, or repeats one.
var errEndless = &listError{"the store's list does not end"}

// eachPage calls page for each page of a list, until there are no more. page makes one request.
func (s *Store) eachPage(ctx context.Context, page func() (more bool, err error)) error {
	once := func() (bool, error) {
		select {
		case s.pages <- struct{}{}:
			defer func() { <-s.pages }()
		case <-ctx.Done():
			return false, ctx.Err()
		}
		return page()
	}
	for range s.maxPages {
		if more, err := once(); err != nil || !more {
			return err
		}
	}
	return errEndless
}

// eachUpload calls visit for each unfinished upload of a key that begins with prefix. now is the
// time of the store's clock, or zero if the store does not tell it.
func (s *Store) eachUpload(ctx context.Context, prefix string, options []func(*s3.Options),
	visit func(m types.MultipartUpload, now time.Time)) error {
	in := &s3.ListMultipartUploadsInput{Bucket: &s.settings.Bucket, Prefix: &prefix}
	err := s.eachPage(ctx, func() (more bool, err error) {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.ListMultipartUploadsOutput, error) {
			return s.client.ListMultipartUploads(ctx, in, options...)
		})
		if err != nil {
			return false, s.explain(listUploadsPermission, err)
		}
		now, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		for _, m := range out.Uploads {
			visit(m, now)
		}
		if !aws.ToBool(out.IsTruncated) {
			return false, nil
		}
		if aws.ToString(out.NextKeyMarker) == aws.ToString(in.KeyMarker) &&
			aws.ToString(out.NextUploadIdMarker) == aws.ToString(in.UploadIdMarker) {
			return false, errEndless
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("list unfinished uploads: %w", err)
	}
	return nil
}

// eachPart calls visit for each part of an upload, until visit returns false. now is the time of
// the store's clock.
func (s *Store) eachPart(ctx context.Context, key, id string, options []func(*s3.Options),
	visit func(p types.Part, now time.Time) bool) error {
	in := &s3.ListPartsInput{Bucket: &s.settings.Bucket, Key: &key, UploadId: &id}
	err := s.eachPage(ctx, func() (more bool, err error) {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.ListPartsOutput, error) {
			return s.client.ListParts(ctx, in, options...)
		})
		if err != nil {
			return false, s.explain(listPartsPermission, err)
		}
		now, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		for _, p := range out.Parts {
			if !visit(p, now) {
				return false, nil
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return false, nil
		}
		if aws.ToString(out.NextPartNumberMarker) == aws.ToString(in.PartNumberMarker) {
			return false, errEndless
		}
		in.PartNumberMarker = out.NextPartNumberMarker
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("list the parts of an unfinished upload: %w", err)
	}
	return nil
}

// listingRefused returns whether the store or the credentials do not permit to list uploads, and
// reports that as trouble. Stores that do not support lists answer in many ways.
func (s *Store) listingRefused(err error) bool {
	if !errors.Is(err, uploader.ErrPermanent) || errors.Is(err, uploader.ErrBucket) {
		return false
	}
	s.trouble.Begin(unlisted, trouble.At{}, "err", err, "next", "uploads that a restart interrupts begin again")
	return true
}
