package s3store

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A signer signs only the headers that tell the store what to do. Servers in between may change the
// others: Google's front end appends to Accept-Encoding, and proxies drop unknown headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
type signer struct{ s3.HTTPSignerV4 }

// signedHeaders are signed besides Host, Content-Length and Amazon's own, which begin with X-Amz-.
var signedHeaders = map[string]bool{
	"Cache-Control": true, "Content-Disposition": true, "Content-Encoding": true, "Content-Language": true,
	"Content-Md5": true, "Content-Type": true, "Expires": true, "If-Match": true, "If-Modified-Since": true,
	"If-None-Match": true, "If-Unmodified-Since": true, "Range": true,
}

func isSigned(header string) bool {
	header = http.CanonicalHeaderKey(header)
	return signedHeaders[header] || strings.HasPrefix(header, "X-Amz-")
}

// SignHTTP implements s3.HTTPSignerV4.
func (s signer) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, payloadHash, service, region string,
	at time.Time,
	options ...func(*v4.SignerOptions)) error {
	unsigned := make(http.Header)
	for name, values := range r.Header {
		if !isSigned(name) && http.CanonicalHeaderKey(name) != "Authorization" { // which signing sets
			unsigned[name] = values
			delete(r.Header, name)
		}
	}
	err := s.HTTPSignerV4.SignHTTP(ctx, c, r, payloadHash, service, region, at, options...)
	maps.Copy(r.Header, unsigned)
	return err
}
