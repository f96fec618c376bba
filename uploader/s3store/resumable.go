package s3store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// noSuchUpload is S3's code for an upload that was aborted, or completed.
const noSuchUpload = "NoSuchUpload"

// spoilt are answers to completing an upload that it would get again. The upload must begin again.
var spoilt = map[string]bool{
	"InvalidPart": true, "InvalidPartOrder": true, "EntityTooSmall": true, "BadDigest": true,
	"InvalidRequest": true, "MalformedXML": true,
}

// putResumable puts o in the parts of p. It does not send those that an earlier attempt has sent,
// and leaves the parts in the bucket if it fails, or if ctx ends.
func (s *Store) putResumable(ctx context.Context, o uploader.Object, p plan, options []func(*s3.Options)) error {
	u, err := s.resume(ctx, o, p, options)
	if err != nil {
		return err
	}
	if u != nil {
		err := s.finish(ctx, u, o, p, options)
		if codeOf(err) != noSuchUpload && !errors.Is(err, errOtherFile) && !errors.Is(err, errUntaken) {
			return err
		}
	}
	err = s.putNew(ctx, o, p, options)
	if errors.Is(err, errUntaken) {
		err = s.putNew(ctx, o, p, options) // with MD5s
	}
	return err
}

// putNew puts o in parts, none of which an earlier attempt has sent.
func (s *Store) putNew(ctx context.Context, o uploader.Object, p plan, options []func(*s3.Options)) error {
	u, err := s.create(ctx, o, p, options)
	if err != nil {
		return err
	}
	return s.finish(ctx, u, o, p, options)
}

func (s *Store) create(ctx context.Context, o uploader.Object, p plan, options []func(*s3.Options)) (*upload, error) {
	return s.begin(ctx, s.createInput(o), o, p, options)
}

// begin makes the request in, which begins an upload of o in the parts of p.
func (s *Store) begin(ctx context.Context, in *s3.CreateMultipartUploadInput, o uploader.Object, p plan,
	options []func(*s3.Options)) (*upload, error) {
	var out *s3.CreateMultipartUploadOutput
	var crc32 bool
	err := s.terms.reach(matter{parts: true}, func(t *terms) (err error) {
		crc32, in.ChecksumAlgorithm = t.parts.need().crc32, ""
		if crc32 {
			in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
		}
		out, err = within(ctx, requestTime, func(ctx context.Context) (*s3.CreateMultipartUploadOutput, error) {
			return s.client.CreateMultipartUpload(ctx, in, options...)
		})
		return s.explain(putPermission, err)
	})
	if err != nil {
		return nil, fmt.Errorf("begin the upload: %w", err)
	}
	if aws.ToString(out.UploadId) == "" {
		return nil, errors.New("begin the upload: the store's answer has no upload ID")
	}
	return &upload{
		key: o.Key, id: aws.ToString(out.UploadId), size: o.Size, modTime: o.ModTime,
		crc32: crc32, parts: make([]part, p.parts()),
	}, nil
}

// finish sends the missing parts of u, compares the others with the file, and completes u. In that
// order, an attempt during an outage does not read gigabytes for nothing.
func (s *Store) finish(ctx context.Context, u *upload, o uploader.Object, p plan, options []func(*s3.Options)) error {
	s.unfinished.begin(u.id)
	defer s.unfinished.end(u.id)
	err := s.sendParts(ctx, u, o, p, options)
	if err == nil {
		err = u.compare(ctx, o, p)
	}
	err = s.judge(u, o, err)
	switch {
	case errors.Is(err, errOtherFile), errors.Is(err, errUntaken):
		s.abandon(ctx, u.key, u.id, options)
		return err
	case codeOf(err) == noSuchUpload:
		return err
	case err != nil:
		s.unfinished.remember(u)
		return err
	}
	err = s.judge(u, o, exists(o, s.complete(ctx, u, s.condition(o), options)))
	switch code := codeOf(err); {
	// The upload begins again, or the recording gets another key.
	case errors.Is(err, uploader.ErrExists), errors.Is(err, errUntaken), code == conflict, spoilt[code]:
		s.abandon(ctx, u.key, u.id, options)
	case code == noSuchUpload:
		// An earlier attempt may have completed it, and its answer was lost.
		switch same, sameErr := s.same(ctx, u.key, o.Body, o.Size, o.ModTime, options); {
		case same:
			return nil
		case sameErr != nil && !errors.Is(sameErr, uploader.ErrIncomparable) && !errors.Is(sameErr, uploader.ErrPermanent):
			s.unfinished.remember(u)
			return sameErr
		}
	case err != nil && !errors.As(err, new(*otherContentError)):
		s.unfinished.remember(u)
	}
	return err
}

// judge returns err, with errUntaken if the store does not take the CRC32s of u.
func (s *Store) judge(u *upload, o uploader.Object, err error) error {
	if s.condition(o) != nil && len(u.missing()) == 0 {
		return err // the condition may be the reason, too: see withoutCondition
	}
	return s.terms.judge(u, err)
}

// complete joins the parts of u, none of which is missing, to an object.
func (s *Store) complete(ctx context.Context, u *upload, ifNoneMatch *string, options []func(*s3.Options)) error {
	parts := make([]types.CompletedPart, len(u.parts))
	for i := range u.parts {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: &u.parts[i].etag}
		if u.crc32 && u.parts[i].crc32 != "" {
			parts[i].ChecksumCRC32 = &u.parts[i].crc32
		}
	}
	_, err := s.join(ctx, u, &s3.CompleteMultipartUploadInput{
		Bucket: &s.settings.Bucket, Key: &u.key, UploadId: &u.id,
		IfNoneMatch: ifNoneMatch, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}, options)
	return err
}

// join makes the request in, which completes u, and proves the object by its ETag, or its CRC32 if
// the answer has one. The SDK detects an error that S3 sends with the status 200, but not an answer
// that breaks off before it begins.
func (s *Store) join(ctx context.Context, u *upload, in *s3.CompleteMultipartUploadInput,
	options []func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	out, err := within(ctx, completeLimit(u.size), func(ctx context.Context) (*s3.CompleteMultipartUploadOutput, error) {
		return s.client.CompleteMultipartUpload(ctx, in, options...)
	})
	if err != nil {
		return nil, fmt.Errorf("put the parts together: %w", s.explain(putPermission, err))
	}
	got := publish.ParseETag(aws.ToString(out.ETag))
	if got == "" {
		return nil, fmt.Errorf("put the parts together: %w", errUnproved)
	}
	if want, known := u.checksum(); known && got.Contradicts(want) {
		return nil, &otherContentError{"ETag", string(got), want.String()}
	}
	// A CRC32 that is not of the parts' is of the whole object, which is not known.
	crc32, ok := parseCRC32(aws.ToString(out.ChecksumCRC32))
	if want, known := u.crc32s(); known && ok && crc32.Parts > 0 && crc32 != want {
		return nil, &otherContentError{"CRC32", crc32.String(), want.String()}
	}
	return out, nil
}

// abandon aborts an upload that is no longer needed. A failure only leaves parts to clear up.
func (s *Store) abandon(ctx context.Context, key, id string, options []func(*s3.Options)) {
	if err := s.abort(ctx, key, id, options); err != nil {
		s.trouble.Report(notAborted, trouble.At{Subject: key}, "key", key, "err", err,
			"next", "its parts stay in the bucket until a daily check aborts it")
	}
}

// abort aborts an upload, even after ctx has ended. It is no error if the upload does not exist.
func (s *Store) abort(ctx context.Context, key, id string, options []func(*s3.Options)) error {
	_, err := within(context.WithoutCancel(ctx), abortTime, func(ctx context.Context) (*s3.AbortMultipartUploadOutput,
		error) {
		return s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &s.settings.Bucket, Key: &key, UploadId: &id,
		}, options...)
	})
	if err = s.explain("s3:AbortMultipartUpload", err); err != nil && codeOf(err) != noSuchUpload {
		return err
	}
	s.unfinished.forget(id)
	return nil
}
