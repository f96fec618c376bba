package s3store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A requester makes the requests of one upload.
type requester interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (
		*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (
		*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (
		*s3.AbortMultipartUploadOutput, error)
}

// A multipart puts content in one request or, if it is larger than a part, in parts. It sends all
// parts at each attempt, and leaves them in the bucket if it fails.
//
// The manager is deprecated. Its successor, feature/s3/transfermanager, reads the first 16 MiB of each
// file into memory and is still v0; the manager sends from the open file.
type multipart struct{ manager *manager.Uploader }

func newMultipart() multipart {
	return multipart{manager.NewUploader(nil, func(u *manager.Uploader) {
		u.Concurrency = partsAtOnce
		u.LeavePartsOnError = true // it would abort in a context that may have ended
		u.BufferProvider = nil     // parts are sections of the body
		// The requester sets the checksums.
		u.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		// With exactly as many parts as this, the manager cuts at other places.
		u.MaxUploadParts = maxParts + 1
	})}
}

// put puts in with the requests of r. The body begins at its offset 0, as the manager ignores the
// offset of a file.
func (m multipart) put(ctx context.Context, r requester, in *s3.PutObjectInput, partSize int64,
	options []func(*s3.Options)) error {
	_, err := m.manager.Upload(ctx, in, func(u *manager.Uploader) {
		u.S3, u.PartSize = r, partSize
	}, manager.WithUploaderRequestOptions(options...))
	return err
}
