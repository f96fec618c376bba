package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"ems-sidecar/uploader"
)

// An Error is a failed request in words for an operator. It wraps what the SDK said and, where trying
// again is of no use, uploader.ErrPermanent and uploader.ErrBucket.
type Error struct {
	Status  int    // of the HTTP response, 0 if there was none
	Code    string // S3's, such as AccessDenied
	Message string
	Advice  string // what to do, or ""
	causes  []error
}

func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Status != 0 && e.Code != "":
		fmt.Fprintf(&b, "%d %s", e.Status, e.Code)
		if e.Message != "" && e.Message != e.Code {
			fmt.Fprintf(&b, ": %s", e.Message)
		}
	default:
		b.WriteString(e.Message)
	}
	if e.Advice != "" {
		fmt.Fprintf(&b, " (%s)", e.Advice)
	}
	return b.String()
}

func (e *Error) Unwrap() []error { return e.causes }

// bucketCodes are the refusals that meet every key alike.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var bucketCodes = map[string]bool{
	"NoSuchBucket": true, "InvalidBucketName": true, "PermanentRedirect": true, "MovedPermanently": true,
	"AuthorizationHeaderMalformed": true, "IllegalLocationConstraintException": true,
	"InvalidAccessKeyId": true, "SignatureDoesNotMatch": true, "ExpiredToken": true, "InvalidToken": true,
	"TokenRefreshRequired": true, "RequestExpired": true,
	"AccountProblem": true, "AllAccessDisabled": true, "NotSignedUp": true, "InvalidPayer": true,
	"AccessControlListNotSupported": true, "KMS.NotFoundException": true, "KMS.DisabledException": true,
	"InvalidStorageClass": true, "XAdminUserNotFound": true, // the latter is versitygw's InvalidAccessKeyId
}

// transientCodes are answers with a status of 4xx that are worth another attempt. The last two are about an upload that
// the next attempt does not meet again. From a request that was signed by a wrong clock, the SDK learns how wrong it is.
var transientCodes = map[string]bool{
	"RequestTimeout": true, "RequestTimeTooSkewed": true, "BadDigest": true, "IncompleteBody": true, "XAmzContentSHA256Mismatch": true,
	noSuchUpload: true, "InvalidPart": true,
}

// What requests need that are made in more than one place.
const (
	putPermission         = "s3:PutObject"
	listUploadsPermission = "s3:ListBucketMultipartUploads"
	listPartsPermission   = "s3:ListMultipartUploadParts"
)

// explain turns an error of the SDK into one for people. permission is what the request needs.
func (s *Store) explain(permission string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Status: statusOf(err), Message: err.Error(), causes: []error{err}}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
	}
	var request *url.Error
	switch {
	case e.Status == 0 && isCredentials(err) && isNetwork(err):
		e.Message = lastCause(err)
		e.Advice = "the service that gives credentials does not answer"
	case e.Status == 0 && isCredentials(err):
		e.Message = lastCause(err)
		e.Advice = "no credentials: set aws_access_key and aws_secret_key in the config file, or give the host a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
		e.causes = append(e.causes, uploader.ErrPermanent, uploader.ErrBucket)
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = "timeout"
	case e.Status == 0 && errors.As(err, &request):
		e.Message = request.Err.Error() // without the URL, which the key in the log line tells
		e.Advice = fmt.Sprintf("%s does not answer: is the endpoint right, and the network up?", s.Endpoint())
	case e.Status == 0:
		e.Message = lastCause(err)
	case bucketCodes[e.Code], redirection(err) != "":
		e.causes = append(e.causes, uploader.ErrPermanent, uploader.ErrBucket)
	case isPermanent(e.Status, e.Code):
		e.causes = append(e.causes, uploader.ErrPermanent)
	}
	if e.Advice == "" {
		e.Advice = s.advice(permission, e, err)
	}
	return e
}

func isPermanent(status int, code string) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusConflict:
		return false
	case http.StatusNotImplemented:
		return true
	}
	return status >= 300 && status < 500 && !transientCodes[code] && code != "SlowDown"
}

// expectedRegion is in S3's message to a request that was signed for another region.
var expectedRegion = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)

func (s *Store) advice(permission string, e *Error, err error) string {
	bucket, region := s.settings.Bucket, s.client.Options().Region
	if right := bucketRegion(err, e.Message); right != "" && right != region {
		return fmt.Sprintf("bucket %s is in the region %s, not %s: set region = %s", bucket, right, region, right)
	}
	if to := redirection(err); to != "" {
		return fmt.Sprintf("the store redirects to %s, which is not followed: if that is the store, set endpoint = %s", to, to)
	}
	switch e.Code {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s at %s: create it, or correct default_bucket", bucket, s.Endpoint())
	case "AccessDenied", "Forbidden", "AllAccessDisabled":
		if permission == "" {
			return ""
		}
		return "the credentials lack a permission: allow " + allowing(permission, e.Message, bucket)
	case "InvalidAccessKeyId", "XAdminUserNotFound":
		return "the store does not know this access key: correct aws_access_key"
	case "SignatureDoesNotMatch":
		return fmt.Sprintf("the store computes another signature than this host: correct aws_secret_key if it is not that of the access key; "+
			"if it is, look for a proxy that changes requests, or for another name by which the store knows itself than %s", s.Endpoint())
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return "the temporary credentials have expired: renew them"
	case "RequestTimeTooSkewed", "RequestExpired":
		return "this host's clock is wrong: let NTP set it (timedatectl set-ntp true)"
	case "PermanentRedirect", "MovedPermanently", "AuthorizationHeaderMalformed":
		return "the region is wrong: set region to the bucket's"
	case "AccessControlListNotSupported":
		return fmt.Sprintf("bucket %s has ACLs disabled (object ownership is enforced): remove acl and use a bucket policy", bucket)
	}
	return ""
}

// allowing names what the request needs, and with it what the next one does.
func allowing(permission, message, bucket string) string {
	switch permission {
	case listUploadsPermission, listPartsPermission:
		return fmt.Sprintf("%s on arn:aws:s3:::%s and %s on arn:aws:s3:::%s/*",
			listUploadsPermission, bucket, listPartsPermission, bucket)
	case listPermission:
		return fmt.Sprintf("%s on arn:aws:s3:::%s", permission, bucket)
	case putPermission:
		// With SSE-KMS, to put parts together takes both.
		if strings.Contains(message, "kms:") {
			return "kms:GenerateDataKey and kms:Decrypt on the KMS key"
		}
	}
	return fmt.Sprintf("%s on arn:aws:s3:::%s/*", permission, bucket)
}

// codeOf returns S3's code of an error that was explained, or "".
func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// bucketRegion returns the region that S3's answer names, or "".
func bucketRegion(err error, message string) string {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		if r := response.Response.Header.Get("X-Amz-Bucket-Region"); r != "" {
			return r
		}
	}
	if m := expectedRegion.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

func statusOf(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.HTTPStatusCode()
	}
	return 0
}

// isCredentials reports whether err came from the SDK's chain of credentials, which has no type for it.
func isCredentials(err error) bool {
	return strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "refresh cached credentials")
}

// isNetwork reports whether err says that somebody did not answer.
func isNetwork(err error) bool {
	var request *url.Error
	return errors.As(err, &request) || errors.Is(err, context.DeadlineExceeded)
}

// lastCause returns the innermost message of a chain that repeats itself at each level.
func lastCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
