package s3store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// roots are the root elements of answers, by operation. Other operations have no body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
var roots = map[string]string{
	"CreateSession":           "CreateSessionResult", // at directory buckets
	"ListBuckets":             "ListAllMyBucketsResult",
	"ListObjectsV2":           "ListBucketResult",
	"ListMultipartUploads":    "ListMultipartUploadsResult",
	"ListParts":               "ListPartsResult",
	"DeleteObjects":           "DeleteResult",
	"CreateMultipartUpload":   "InitiateMultipartUploadResult",
	"CompleteMultipartUpload": "CompleteMultipartUploadResult",
}

// isList reports whether the answer to an operation may be a long list.
func isList(operation string) bool {
	return strings.HasPrefix(operation, "List") || operation == "DeleteObjects"
}

// addExaminer has each answer examined before the SDK reads it. The SDK counts every answer with
// the status 200 as a success, even a page of a proxy or a captive portal.
func addExaminer(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Examiner", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, metadata, err
		}
		var sent int64
		if q, ok := in.Request.(*smithyhttp.Request); ok {
			sent = q.ContentLength
		}
		a := answer{response.Response, middleware.GetOperationName(ctx), sent, progressOf(ctx)}
		if err = a.examine(); err != nil {
			a.Body.Close()
			a.Body = http.NoBody // the SDK would read all of it
		}
		return out, metadata, err
	}), middleware.After)
}

// An answer is the response to a request.
type answer struct {
	*http.Response
	operation string
	sent      int64 // bytes of the request's body
	progress  *progress
}

// examine returns an error if the answer is not a store's, and limits what is read of its body.
func (a answer) examine() error {
	switch {
	case a.StatusCode < 200 || a.StatusCode > 299:
		return a.examineFailure()
	case a.operation == "GetObject", a.operation == "HeadObject": // the caller reads the body
		return a.demand(a.describesObject(), nil)
	case isList(a.operation):
		return a.examinePage()
	}
	return a.examineShort()
}

// examinePage is examine for a page of a list.
func (a answer) examinePage() error {
	page := &pageBody{body: a.Body, progress: a.progress}
	beginning, err := page.peek()
	if err != nil {
		return err
	}
	a.Body = page
	return a.demand(a.StatusCode == http.StatusOK && rootOf(beginning) == roots[a.operation], beginning)
}

// examineShort is examine for an answer whose body is short, or empty.
func (a answer) examineShort() error {
	text, tooLong, err := a.readBody()
	switch root := roots[a.operation]; {
	case err != nil:
		return err
	case tooLong:
		return a.foreign(text)
	case root != "":
		// S3 also sends errors with the status 200. The SDK recognizes them.
		name := rootOf(text)
		return a.demand(a.StatusCode == http.StatusOK && (name == root || name == "Error"), text)
	case a.operation == "PutObject" || a.operation == "UploadPart":
		return a.demand(a.confirms(text), text)
	}
	// Amazon answers deletions with 204, some stores with 200.
	return a.demand(a.StatusCode == http.StatusNoContent || a.StatusCode == http.StatusOK && hasMark(a.Header), text)
}

// demand returns an error if the answer is not a store's.
func (a answer) demand(isStores bool, text []byte) error {
	if isStores {
		return nil
	}
	return a.foreign(text)
}

// confirms reports whether the answer tells which content the store has now. A web server sends a
// page, or a weak ETag.
func (a answer) confirms(text []byte) bool {
	switch a.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		etag, kind := a.Header.Get("Etag"), kindOf(a.Header, text)
		return strings.Trim(etag, `" `) != "" && !strings.HasPrefix(etag, "W/") &&
			(hasMark(a.Header) || kind == "" || kind == jsonText && len(text) == 0)
	}
	return false
}

// describesObject reports whether the headers may be those of an object.
func (a answer) describesObject() bool {
	// For one part, or a range, the status is 206.
	ok := a.StatusCode == http.StatusOK || a.StatusCode == http.StatusPartialContent &&
		(a.Request.URL.Query().Has("partNumber") || a.Request.Header.Get("Range") != "")
	return ok && strings.Trim(a.Header.Get("Etag"), `" `) != "" && a.ContentLength >= 0 &&
		(hasMark(a.Header) || a.Header.Get("Last-Modified") != "" && kindOf(a.Header, nil) == "")
}

// examineFailure is examine for a status other than 2xx.
func (a answer) examineFailure() error {
	if a.operation == "HeadObject" {
		return a.demand(a.isStoresFailure(), nil)
	}
	text, tooLong, err := a.readBody()
	// With some text, that suffices: a server that does not read the request resets the connection.
	if err != nil && len(text) == 0 {
		return err
	}
	switch name := rootOf(text); {
	case name == "Error" || name == "ErrorResponse":
		if tooLong {
			a.Body = io.NopCloser(bytes.NewReader(shortened(text)))
		}
		return nil
	case len(bytes.TrimSpace(text)) == 0:
		return a.demand(hasMark(a.Header) || a.StatusCode/100 != 3 && !inFront[a.StatusCode], nil)
	}
	return a.foreign(text)
}

// inFront are failures that a server in front of the store sends without a body. A store would send
// a body.
var inFront = map[int]bool{
	http.StatusProxyAuthRequired: true, http.StatusRequestEntityTooLarge: true, http.StatusExpectationFailed: true,
	http.StatusBadGateway: true, http.StatusGatewayTimeout: true,
}

// isStoresFailure judges the headers of a HEAD that failed. It has no body, and every web server
// answers 404 to unknown paths.
func (a answer) isStoresFailure() bool {
	kind := a.Header.Get("Content-Type")
	switch {
	case hasMark(a.Header):
		return true
	case a.StatusCode/100 == 3:
		return false
	case a.StatusCode == http.StatusNotFound:
		return kind == "" || strings.Contains(kind, "xml")
	}
	return kindOf(a.Header, nil) != htmlPage
}

// marks begin headers that only stores send.
var marks = []string{"X-Amz", "X-Goog-", "X-Guploader-"}

// hasMark reports whether a header shows that the answer is a store's.
func hasMark(h http.Header) bool {
	for name := range h {
		if slices.ContainsFunc(marks, func(mark string) bool { return strings.HasPrefix(name, mark) }) {
			return true
		}
	}
	return false
}

// isForeign reports whether err is about an answer that is not a store's.
func isForeign(err error) bool { return errors.As(err, new(*foreignAnswer)) }
