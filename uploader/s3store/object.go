package s3store

import (
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
)

// putInput returns the request that puts o at once, with its headers.
func (s *Store) putInput(o uploader.Object) *s3.PutObjectInput {
	in := &s3.PutObjectInput{
		Bucket:               &s.settings.Bucket,
		Key:                  &o.Key,
		Body:                 o.Body,
		ContentType:          &o.ContentType,
		CacheControl:         &o.CacheControl,
		ACL:                  types.ObjectCannedACL(s.settings.Objects.ACL),
		StorageClass:         types.StorageClass(s.settings.Objects.StorageClass),
		ServerSideEncryption: types.ServerSideEncryption(s.settings.Objects.ServerSideEncryption),
		Metadata:             s.metadata(o),
		IfNoneMatch:          s.condition(o),
		IfMatch:              replaced(o),
	}
	if s.settings.Objects.KMSKeyID != "" {
		in.SSEKMSKeyId = &s.settings.Objects.KMSKeyID
	}
	return in
}

// createInput returns the request that begins to put o in parts, with the same headers.
func (s *Store) createInput(o uploader.Object) *s3.CreateMultipartUploadInput {
	put := s.putInput(o)
	return &s3.CreateMultipartUploadInput{
		Bucket:               put.Bucket,
		Key:                  put.Key,
		ContentType:          put.ContentType,
		CacheControl:         put.CacheControl,
		ACL:                  put.ACL,
		StorageClass:         put.StorageClass,
		ServerSideEncryption: put.ServerSideEncryption,
		SSEKMSKeyId:          put.SSEKMSKeyId,
		Metadata:             put.Metadata,
	}
}

// requestOptions returns the options of all requests of a Put.
func (s *Store) requestOptions(o uploader.Object) (options []func(*s3.Options)) {
	if o.FreshConnection {
		options = append(options, s.fresh)
	}
	if s.habits.noExpect.Load() {
		options = append(options, func(o *s3.Options) { o.ContinueHeaderThresholdBytes = -1 })
	}
	return options
}
