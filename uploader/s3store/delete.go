package s3store

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ems-sidecar/uploader"
)

const (
	// deleteBatch is how many objects S3 deletes by one request.
	deleteBatch      = 1000
	deletePermission = "s3:DeleteObject"
)

// Delete implements uploader.Store. Google Cloud Storage has no request for many objects, and
// refuses it in more than one way. If the request is refused, Delete makes one request for each
// object. If those succeed, it does so from then on.
func (s *Store) Delete(ctx context.Context, keys []string) error {
	failed := make(map[string]error)
	for batch := range slices.Chunk(keys, deleteBatch) {
		f, err := s.deleteBatch(ctx, batch)
		if err != nil {
			return err
		}
		maps.Copy(failed, f)
	}
	if len(failed) > 0 {
		return &uploader.DeleteError{Failed: failed}
	}
	return nil
}

// deleteBatch deletes the objects. It returns why the store kept some, and an error if the request
// failed as a whole.
func (s *Store) deleteBatch(ctx context.Context, keys []string) (failed map[string]error, err error) {
	if s.habits.deletesOne.Load() {
		return s.deleteEach(ctx, keys)
	}
	var odd []string
	in := &s3.DeleteObjectsInput{Bucket: &s.settings.Bucket, Delete: &types.Delete{Quiet: aws.Bool(true)}}
	for _, key := range keys {
		if fitsXML(key) {
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: &key})
		} else {
			odd = append(odd, key)
		}
	}
	if len(in.Delete.Objects) > 0 {
		out, err := within(ctx, requestTime, func(ctx context.Context) (*s3.DeleteObjectsOutput, error) {
			return s.client.DeleteObjects(ctx, in, s.withMD5)
		})
		if err != nil {
			err = s.explain(deletePermission, err)
			if !knowsNoBatches(err) {
				return nil, err
			}
			failed, eachErr := s.deleteEach(ctx, keys)
			if eachErr == nil && len(failed) < len(keys) {
				s.habits.deletesOne.Store(true)
			}
			return failed, eachErr
		}
		failed = make(map[string]error)
		for _, e := range out.Errors {
			if code := aws.ToString(e.Code); code != "NoSuchKey" {
				failed[aws.ToString(e.Key)] = s.explainKey(code, aws.ToString(e.Message))
			}
		}
	}
	failedOdd, err := s.deleteEach(ctx, odd)
	maps.Copy(failedOdd, failed)
	return failedOdd, err
}

// deleteEach is deleteBatch with one request for each object. A refusal of one key does not stop
// the others.
func (s *Store) deleteEach(ctx context.Context, keys []string) (failed map[string]error, err error) {
	failed = make(map[string]error)
	for _, key := range keys {
		_, err := within(ctx, requestTime, func(ctx context.Context) (*s3.DeleteObjectOutput, error) {
			return s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.settings.Bucket, Key: &key})
		})
		err = s.explain(deletePermission, err)
		switch {
		case err == nil, codeOf(err) == "NoSuchKey", codeOf(err) == "NotFound":
		case errors.Is(err, uploader.ErrPermanent) && !errors.Is(err, uploader.ErrBucket):
			failed[key] = err
		default:
			return failed, err
		}
	}
	return failed, nil
}

// withMD5 adds an MD5, which every store knows, to the CRC32 of the SDK. Older stores refuse the
// request without it. Amazon needs one of the two.
func (s *Store) withMD5(o *s3.Options) {
	if o.RequestChecksumCalculation == aws.RequestChecksumCalculationWhenRequired {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)
	}
}

// knowsNoBatches reports whether a refusal may mean that the store does not know the request.
// Others are about the bucket or the right to delete.
func knowsNoBatches(err error) bool {
	if isForeign(err) {
		return true // some stores answer with a page
	}
	var e *Error
	return errors.As(err, &e) && errors.Is(err, uploader.ErrPermanent) && !errors.Is(err, uploader.ErrBucket) &&
		e.Status != http.StatusForbidden && e.Status != http.StatusUnauthorized
}

// fitsXML reports whether XML can hold key (XML 1.0, section 2.2). The SDK replaces characters that
// it cannot hold, and so would name another object.
func fitsXML(key string) bool {
	return utf8.ValidString(key) && !strings.ContainsFunc(key, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

// explainKey is explain for the failure of one key in an answer with the status 200.
func (s *Store) explainKey(code, message string) error {
	code = cleaned(code, maxCode)
	e := &Error{Code: code, Message: cleaned(withoutSignature(code+": "+message), maxMessage)}
	if !transientKeyCodes[code] {
		e.causes = append(e.causes, uploader.ErrPermanent)
	}
	e.Advice = s.advice(deletePermission, e, nil)
	return e
}

// transientKeyCodes mean that S3 could not delete a key for now.
var transientKeyCodes = map[string]bool{
	"InternalError": true, "SlowDown": true, "ServiceUnavailable": true, "RequestTimeout": true, "OperationAborted": true,
}
