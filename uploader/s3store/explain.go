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

// An Error explains a failed request to an operator. It wraps the SDK's error and, if the same
// request will fail again, uploader.ErrPermanent and uploader.ErrBucket.
type Error struct {
	Status  int    // of the HTTP response, 0 if there was none
	Code    string // S3's, such as AccessDenied
	Message string
	Advice  string // what to do; may be empty
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

// bucketCodes are refusals that every key will meet.
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

// transientCodes are answers with a status of 4xx after which another attempt may succeed. The last
// two are about an upload, and the next attempt begins another one. RequestTimeTooSkewed teaches
// the SDK by how much this host's clock is wrong.
var transientCodes = map[string]bool{
	"RequestTimeout": true, "RequestTimeTooSkewed": true, "BadDigest": true, "IncompleteBody": true,
	"XAmzContentSHA256Mismatch": true,
	noSuchUpload:                true, "InvalidPart": true,
}

// Permissions for requests that are made in more than one place.
const (
	putPermission         = "s3:PutObject"
	listUploadsPermission = "s3:ListBucketMultipartUploads"
	listPartsPermission   = "s3:ListMultipartUploadParts"
)

// How much is shown of a text that a store chose, in characters.
const (
	maxCode    = 60
	maxMessage = 500
)

// explain turns an error of the SDK into an Error. permission is what the request needs.
func (s *Store) explain(permission string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Status: statusOf(err), Message: err.Error(), causes: []error{err}}
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		e.Code, e.Message = cleaned(api.ErrorCode(), maxCode), api.ErrorMessage()
	case e.Status != 0:
		e.Message = fmt.Sprintf("%d, with an answer that cannot be read: %s", e.Status, lastCause(err))
	}
	if !s.explainNoRefusal(e, err) {
		e.judgeRefusal(err)
	}
	if e.Advice == "" {
		e.Advice = s.advice(permission, e, err)
	}
	e.Message = cleaned(withoutSignature(e.Message), maxMessage)
	return e
}

// explainNoRefusal explains err in e if it is not a refusal by the store. It returns false if it is
// one.
func (s *Store) explainNoRefusal(e *Error, err error) bool {
	var noKeys *keysError
	var list *listError
	var foreign *foreignAnswer
	var unanswered *UnansweredError
	switch {
	case errors.As(err, &noKeys):
		noKeys.explain(e)
	case errors.As(err, &list):
		e.Code, e.Message = "", list.Error()
	case errors.As(err, &foreign):
		e.Code, e.Message, e.Advice = "", foreign.Error(), s.adviceOnForeign(foreign)
		if foreign.stays() {
			e.causes = append(e.causes, uploader.ErrPermanent)
		}
	case isUnaddressable(err):
		e.Message, e.Advice = lastCause(err), "correct region, default_bucket or endpoint"
		e.causes = append(e.causes, uploader.ErrPermanent, uploader.ErrBucket)
	case errors.As(err, &unanswered):
		e.Code = ""
		e.Message, e.Advice = s.onUnanswered(unanswered)
	case errors.Is(err, context.DeadlineExceeded):
		if e.Status == 0 || e.Code != "" { // else that the answer cannot be read tells more
			e.Message = "timeout"
		}
	case e.Status == 0:
		e.Message = lastCause(err)
	default:
		return false
	}
	return true
}

// judgeRefusal notes whether the store will refuse the same request again, or all requests.
func (e *Error) judgeRefusal(err error) {
	if e.Code == "SlowDown" || e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable {
		e.causes = append(e.causes, uploader.ErrThrottled)
	}
	switch {
	case bucketCodes[e.Code], redirection(err) != "":
		e.causes = append(e.causes, uploader.ErrPermanent, uploader.ErrBucket)
	case isPermanent(e.Status, e.Code):
		e.causes = append(e.causes, uploader.ErrPermanent)
	}
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

// signature matches what a store may repeat of a request and others could misuse. A shorter word is
// none: S3 itself says "the request signature we calculated".
var signature = regexp.MustCompile(`(?i)(signature|security-token)(["':= ]+)[^\s,;&<>"']{16,}`)

// withoutSignature masks signatures in a text that others chose.
func withoutSignature(text string) string { return signature.ReplaceAllString(text, "$1$2***") }

// isUnaddressable reports whether the SDK cannot make a URL of the settings. It has no type for
// that.
func isUnaddressable(err error) bool {
	return strings.Contains(err.Error(), "endpoint rule error") || strings.Contains(err.Error(), "invalid input region")
}

// codeOf returns the code of an Error, or "".
func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func statusOf(err error) int {
	if errors.As(err, new(*keysError)) { // its status is that of another service
		return 0
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.HTTPStatusCode()
	}
	return 0
}

// isNetwork reports whether err means that a service did not answer.
func isNetwork(err error) bool {
	var request *url.Error
	return errors.As(err, &request) || errors.Is(err, context.DeadlineExceeded)
}

// lastCause returns the innermost message of err. The others repeat it.
func lastCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
