package s3store

//lint:file-ignore SA1019 The manager's successor, feature/s3/transfermanager, reads the first 16 MiB of each
// file into memory and is still v0; the manager sends from the open file. A change later is this file.

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A multipart puts small objects in one request and large ones in parts, all of them anew at each attempt.
type multipart struct {
	client  *s3.Client
	manager *manager.Uploader
}

const (
	partsAtOnce = 3
	abortTime   = 10 * time.Second
)

func newMultipart(c *s3.Client) multipart {
	return multipart{client: c, manager: manager.NewUploader(c, func(u *manager.Uploader) {
		u.Concurrency = partsAtOnce
		u.LeavePartsOnError = true // put aborts, with a context that has not ended
		u.RequestChecksumCalculation = c.Options().RequestChecksumCalculation
	})}
}

func (m multipart) put(ctx context.Context, in *s3.PutObjectInput, partSize int64, options []func(*s3.Options)) (*manager.UploadOutput, error) {
	out, err := m.manager.Upload(ctx, in, manager.WithUploaderRequestOptions(options...), func(u *manager.Uploader) {
		u.PartSize = partSize
	})
	var failure manager.MultiUploadFailure
	if !errors.As(err, &failure) || failure.UploadID() == "" {
		return out, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	id := failure.UploadID()
	_, abortErr := m.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: &id,
	}, options...)
	return nil, errors.Join(err, abortErr)
}
