package s3store

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"ems-sidecar/uploader"
)

// partsAtOnce is how many parts of an object are in flight.
const partsAtOnce = 3

// sendParts sends the missing parts of u, a few at a time. The first failure ends the others.
func (s *Store) sendParts(ctx context.Context, u *upload, o uploader.Object, p plan,
	options []func(*s3.Options)) error {
	missing := u.missing()
	var next atomic.Int64
	senders, ctx := errgroup.WithContext(ctx)
	for range min(partsAtOnce, len(missing)) {
		senders.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(missing) {
					return nil
				}
				number := missing[i]
				sent, err := s.sendPart(ctx, u, number, o.Body, p, options)
				if err != nil {
					return fmt.Errorf("part %d of %d: %w", number, p.parts(), err)
				}
				u.parts[number-1] = sent
			}
		})
	}
	return senders.Wait()
}

// sendPart sends one part of body.
func (s *Store) sendPart(ctx context.Context, u *upload, number int, body io.ReaderAt, p plan,
	options []func(*s3.Options)) (part, error) {
	return s.uploadPart(ctx, u, &s3.UploadPartInput{
		Bucket: &s.settings.Bucket, Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(int32(number)),
	}, p.section(body, number), p, options)
}

// uploadPart makes the request in for a part of u. It reads the part's section twice: to compute
// its checksum, and to send it. The store compares that checksum. It is a CRC32 if the upload began
// with CRC32s, else an MD5, which every store knows.
func (s *Store) uploadPart(ctx context.Context, u *upload, in *s3.UploadPartInput,
	section *io.SectionReader, p plan, options []func(*s3.Options)) (part, error) {
	in.Body, in.ContentLength = section, aws.Int64(section.Size())
	limit, sent := s.partLimit(p, int(aws.ToInt32(in.PartNumber))), part{sent: true}
	err := s.terms.reach(matter{part: u.crc32, signing: true}, func(t *terms) error {
		proof := t.parts.ofUpload(u.crc32)
		content, sum, err := sumOnce(ctx, section, proof.need(), t.signed)
		if err != nil {
			return fmt.Errorf("read it: %w", err)
		}
		in.ContentMD5, in.ChecksumCRC32 = content.headers(u.crc32)
		out, err := within(ctx, limit, func(ctx context.Context) (*s3.UploadPartOutput, error) {
			from := &fileSection{section: section}
			defer from.close()
			return s.client.UploadPart(withSection(ctx, from), in, append(slices.Clip(options), summedUp(t.payload(sum)))...)
		})
		if err != nil {
			return s.explain(putPermission, err)
		}
		e := echoOfPart(out)
		if err := s.prove(proof, content, e); err != nil {
			return err
		}
		if u.crc32 && t.parts == onTrial {
			t.parts = e.learned(content)
		}
		if proof == onTrial && !e.repeats(content) {
			content.crc32 = "" // completing names only those that the store has
		}
		sent.etag, sent.sums = aws.ToString(out.ETag), content
		return nil
	})
	if err != nil {
		return part{}, err
	}
	return sent, nil
}

// summedUp gives the SDK the hash to sign with, so that it does not read the content for that, or
// to add a checksum.
func summedUp(payload string) func(*s3.Options) {
	return func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PayloadHash", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(v4.SetPayloadHash(ctx, payload), in)
			}), middleware.Before)
		})
	}
}
