package s3store

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/encoding/httpbinding"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// expectFrom is the size, in bytes, from which on the SDK asks before it sends a body.
	expectFrom = 2 << 20
	// sigV4 names the scheme of signatures in what the SDK says of an endpoint.
	sigV4 = "sigv4"
	// directAgent is the User-Agent of requests that are not made by the SDK.
	directAgent = "ems-sidecar"
)

// A direct sends the PUT of a whole object over net/http. The SDK's middleware takes more processor
// time for a small object than all else. The endpoint, the credentials and the signer are the
// SDK's, and so is the judgement of every answer except a plain success.
type direct struct {
	endpoint        url.URL // of the bucket
	service, region string  // to sign for
	rawPath         bool    // the path is signed as it is sent
	signer          s3.HTTPSignerV4
	keys            aws.CredentialsProvider
	shared, fresh   *client
	clock           *clock
}

// newDirect returns nil where only the SDK knows how a request is made.
func newDirect(ctx context.Context, o s3.Options, bucket string, inner s3.HTTPSignerV4,
	shared, fresh *client) *direct {
	if isSpecial(o, bucket) {
		return nil
	}
	fips := o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled
	dual := o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled
	e, err := o.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: &bucket, Region: &o.Region, Endpoint: o.BaseEndpoint, ForcePathStyle: &o.UsePathStyle,
		UseFIPS: &fips, UseDualStack: &dual,
		Accelerate:                     &o.UseAccelerate,
		DisableMultiRegionAccessPoints: &o.DisableMultiRegionAccessPoints,
		UseArnRegion:                   &o.UseARNRegion,
	})
	schemes, _ := smithyauth.GetAuthOptions(&e.Properties)
	if err != nil || len(e.Headers) > 0 || len(schemes) == 0 || schemes[0].SchemeID != sigV4 ||
		e.URI.EscapedPath() != e.URI.Path { // the SDK escapes keys in another way then
		return nil // with an error, the SDK returns it for each request
	}
	d := &direct{endpoint: e.URI, signer: inner, keys: o.Credentials, shared: shared, fresh: fresh,
		clock: shared.clock}
	if o.DisableClockSkewCorrection {
		d.clock = &clock{} // which learns nothing
	}
	p := &schemes[0].SignerProperties
	d.service, _ = smithyhttp.GetSigV4SigningName(p)
	d.region, _ = smithyhttp.GetSigV4SigningRegion(p)
	d.rawPath, _ = smithyhttp.GetDisableDoubleEncoding(p)
	if d.service != "s3" || d.region == "" {
		return nil
	}
	return d
}

// isSpecial reports whether the environment or the bucket ask for a way of making requests that is
// not the common one.
func isSpecial(o s3.Options, bucket string) bool {
	return o.EndpointOptions.DisableHTTPS || o.UseAccelerate ||
		len(o.AuthSchemePreference) > 0 || strings.Contains(o.Region, "fips") ||
		strings.HasPrefix(bucket, "arn:") || strings.HasSuffix(bucket, directoryBucket)
}

// request returns the signed request that the SDK would make of in, without the headers by which
// the SDK tells of itself.
func (d *direct) request(ctx context.Context, in *s3.PutObjectInput, body io.ReadCloser,
	payload string, c aws.Credentials, at time.Time) (*http.Request, error) {
	u := d.endpoint
	key := "/" + *in.Key
	u.Path, u.RawPath = smithyhttp.JoinPath(u.Path, key), smithyhttp.JoinPath(u.Path,
		httpbinding.EscapePath(key, false))
	u.RawQuery = "x-id=PutObject"
	h := make(http.Header, 24)
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"Cache-Control", in.CacheControl}, {"Content-Type", in.ContentType},
		{"Content-Md5", in.ContentMD5}, {"If-Match", in.IfMatch}, {"If-None-Match", in.IfNoneMatch},
		{"X-Amz-Checksum-Crc32", in.ChecksumCRC32},
		{"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", in.SSEKMSKeyId},
		{"X-Amz-Acl", named(in.ACL)}, {"X-Amz-Storage-Class", named(in.StorageClass)},
		{"X-Amz-Server-Side-Encryption", named(in.ServerSideEncryption)},
		{"X-Amz-Content-Sha256", &payload},
	} {
		if field.value != nil {
			h[field.name] = []string{*field.value}
		}
	}
	for name, value := range in.Metadata {
		h.Set("X-Amz-Meta-"+name, value)
	}
	r := (&http.Request{Method: http.MethodPut, URL: &u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, ContentLength: aws.ToInt64(in.ContentLength)}).WithContext(ctx)
	if r.ContentLength > 0 {
		r.Body = body
	}
	err := d.signer.SignHTTP(ctx, c, r, payload, d.service, d.region, at, func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = d.rawPath
	})
	// What follows is not signed: see signer.
	h["User-Agent"], h["Accept-Encoding"] = []string{directAgent}, []string{"identity"}
	return r, err
}

// ask has the store asked before it gets a large body.
func (d *direct) ask(r *http.Request) {
	if r.ContentLength >= expectFrom {
		r.Header["Expect"] = []string{"100-continue"}
	}
}

// named returns an option of the request, or nil if it is not set.
func named[T ~string](value T) *string {
	if value == "" {
		return nil
	}
	return aws.String(string(value))
}

// putObject puts a whole object, with the payload hash for its signature. It asks before it sends a
// large body, except if the store refused that.
func (s *Store) putObject(ctx context.Context, in *s3.PutObjectInput, section *io.SectionReader,
	payload string, isFresh bool, options []func(*s3.Options)) (*s3.PutObjectOutput, error) {
	options = append(slices.Clip(options), summedUp(payload))
	d := s.direct
	if d == nil {
		return s.client.PutObject(ctx, in, options...)
	}
	progress := &progress{}
	ctx = context.WithValue(ctx, progressKey{}, progress)
	c, err := d.keys.Retrieve(ctx)
	if err != nil {
		return nil, progress.told(putError(err))
	}
	from := &fileSection{section: section}
	defer from.close()
	r, err := d.request(ctx, in, from.body(), payload, c, d.clock.now())
	if err != nil {
		return nil, putError(err)
	}
	if !s.habits.noExpect.Load() {
		d.ask(r)
	}
	sender := d.shared
	if isFresh {
		sender = d.fresh
	}
	response, err := sender.Do(r)
	if err != nil {
		return nil, progress.told(putError(unsent(ctx, err)))
	}
	if response.StatusCode == http.StatusOK && response.ContentLength == 0 {
		a := answer{response, "PutObject", r.ContentLength, progress}
		if a.examine() == nil {
			return outputOf(response.Header), nil
		}
	}
	defer response.Body.Close()
	// The SDK reads the answer, and makes the request again if the credentials have changed.
	return s.client.PutObject(ctx, in, append(options, func(o *s3.Options) {
		o.HTTPClient = &answeredClient{HTTPClient: sender, response: response}
	})...)
}

// putError adds to err what the SDK says of an operation.
func putError(err error) error {
	return &smithy.OperationError{ServiceID: s3.ServiceID, OperationName: "PutObject", Err: err}
}

// unsent returns what the SDK makes of an error of the transport.
func unsent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &aws.RequestCanceledError{Err: ctx.Err()}
	}
	return &smithyhttp.RequestSendError{Err: err}
}

// outputOf returns what the headers of a success tell.
func outputOf(h http.Header) *s3.PutObjectOutput {
	out := &s3.PutObjectOutput{
		ETag:                 aws.String(h.Get("Etag")),
		ServerSideEncryption: types.ServerSideEncryption(h.Get("X-Amz-Server-Side-Encryption")),
	}
	if sum := h.Get("X-Amz-Checksum-Crc32"); sum != "" {
		out.ChecksumCRC32 = &sum
	}
	if algorithm := h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm"); algorithm != "" {
		out.SSECustomerAlgorithm = &algorithm
	}
	return out
}

// An answeredClient answers its first request with a response that has come already.
type answeredClient struct {
	aws.HTTPClient
	response *http.Response
	used     bool
}

// Do implements aws.HTTPClient.
func (c *answeredClient) Do(r *http.Request) (*http.Response, error) {
	if c.used {
		return c.HTTPClient.Do(r)
	}
	c.used = true
	if r.Body != nil {
		r.Body.Close()
	}
	return c.response, nil
}
