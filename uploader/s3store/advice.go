package s3store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/dustin/go-humanize"
)

// Advice says what to do about an error. What is not certain is a question.

// expectedRegion is in S3's message to a request that was signed for another region.
var expectedRegion = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)

// advice says what to do about an answer of the store.
func (s *Store) advice(permission string, e *Error, err error) string {
	bucket, region := s.settings.Bucket, s.client.Options().Region
	if right := bucketRegion(err, e.Message); right != "" && right != region {
		return fmt.Sprintf("bucket %s is in the region %s, not %s: set region = "+
			"%s", bucket, right, region, right)
	}
	if to := redirection(err); to != "" {
		return adviceOnRedirect(to)
	}
	switch e.Code {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s at %s: create it, or correct "+
			"default_bucket", bucket, s.Endpoint())
	case "AccessDenied", "Forbidden":
		return s.adviceOnDenial(permission, e.Message)
	case "AllAccessDisabled":
		return "the store has closed this bucket: ask its provider"
	case "InvalidAccessKeyId", "XAdminUserNotFound":
		return "the store does not know this access key: correct aws_access_key"
	case "SignatureDoesNotMatch":
		return fmt.Sprintf("the store computes another signature than this host: correct "+
			"aws_secret_key if it is not that of the access key; "+
			"if it is, look for a proxy that changes requests, or for another name by which the "+
			"store knows itself than %s", s.Endpoint())
	case "ExpiredToken", "TokenRefreshRequired":
		return "the temporary credentials have expired: renew them"
	case "InvalidToken":
		return "the store does not accept the session token: renew the temporary credentials, " +
			"and take all three parts of them from one place"
	case "RequestTimeTooSkewed", "RequestExpired":
		return adviceOnClock(err, time.Now())
	case "PermanentRedirect", "MovedPermanently", "AuthorizationHeaderMalformed":
		return "the bucket is not in the region " + region + ": set region to the bucket's"
	case "AccessControlListNotSupported":
		return fmt.Sprintf("bucket %s has ACLs disabled (object ownership is enforced): remove "+
			"acl and use a bucket policy", bucket)
	}
	return ""
}

func (s *Store) adviceOnDenial(permission, message string) string {
	switch {
	case strings.Contains(message, "Request has expired"):
		return adviceOnClock(nil, time.Time{})
	case strings.Contains(message, "explicit deny"):
		return "a policy forbids it, whatever others allow: change that one"
	case strings.Contains(message, "BlockPublicAcls"), strings.Contains(message, "Block Public Access"):
		return "the bucket takes no public ACLs: remove acl and use a bucket policy"
	case strings.Contains(message, "object lock"), strings.Contains(message, "Object Lock"):
		return "the bucket protects its objects from deletion for a time: use delete = keep"
	case permission == "":
		return ""
	}
	return "the store forbids it to these credentials: allow " + s.allowing(permission, message)
}

// allowing names the permissions that the request needs, and those of the requests that follow.
func (s *Store) allowing(permission, message string) string {
	bucket := s.settings.Bucket
	switch permission {
	case listUploadsPermission, listPartsPermission:
		return fmt.Sprintf("%s on arn:aws:s3:::%s and %s on arn:aws:s3:::%s/*",
			listUploadsPermission, bucket, listPartsPermission, bucket)
	case listPermission:
		return fmt.Sprintf("%s on arn:aws:s3:::%s", permission, bucket)
	case putPermission:
		// With SSE-KMS, completing an upload needs both.
		if strings.Contains(message, "kms:") {
			return "kms:GenerateDataKey and kms:Decrypt on the KMS key"
		}
		if s.settings.Objects.ACL != "" {
			return fmt.Sprintf("%s and s3:PutObjectAcl, for acl, on arn:aws:s3:::%s/*", permission, bucket)
		}
	}
	return fmt.Sprintf("%s on arn:aws:s3:::%s/*", permission, bucket)
}

// adviceOnClock says by how much this host's clock and the store's differ, if the answer has a
// Date.
func adviceOnClock(err error, now time.Time) string {
	const next = "let NTP set this host's clock (timedatectl set-ntp true)"
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		if stores, err := http.ParseTime(response.Response.Header.Get("Date")); err == nil {
			return fmt.Sprintf("this host's clock and the store's differ by %v: "+
				"%s", now.Sub(stores).Abs().Round(time.Second), next)
		}
	}
	return "this host's clock and the store's differ: " + next
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

func adviceOnRedirect(to string) string {
	return fmt.Sprintf("a redirect to %s is not followed: if that is the store, set endpoint = %s", to, to)
}

// adviceOnForeign says what to do about an answer that is not a store's.
func (s *Store) adviceOnForeign(f *foreignAnswer) string {
	switch {
	case f.location != "":
		return adviceOnRedirect(f.location)
	case f.wantsTLS:
		return fmt.Sprintf("the port of %s speaks TLS: write https:// in endpoint", s.Endpoint())
	case f.status == http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("a server in front of the store refuses bodies of %s: raise its "+
			"limit (in nginx client_max_body_size)",
			humanize.IBytes(uint64(max(0, f.sent))))
	case f.status == http.StatusExpectationFailed:
		return "a server in front of the store does not know Expect: 100-continue"
	case f.status == http.StatusBadGateway, f.status == http.StatusServiceUnavailable:
		return "a server in front of the store answers in its place: look whether the store runs"
	case f.status == http.StatusGatewayTimeout:
		return "a server in front of the store had no answer from it in time"
	case f.status == http.StatusProxyAuthRequired:
		return "a proxy asks for a password: set it in HTTPS_PROXY, or name the store's host in NO_PROXY"
	}
	return fmt.Sprintf("something else answers at %s: is it the address of the store's S3 API, "+
		"and does a proxy or a login page stand before it?", s.Endpoint())
}

// stays reports whether the same request will get the same answer. Lists and deletions of many
// objects have alternatives, and this store may not support them.
func (f *foreignAnswer) stays() bool {
	return f.status == http.StatusRequestEntityTooLarge || isList(f.operation) && isPermanent(f.status, "")
}

// tlsAlert is in the error if the server answers a request without TLS with an alert of TLS.
const tlsAlert = `malformed HTTP response "\x15\x03`

// onUnanswered says what happened to a request without a whole answer.
func (s *Store) onUnanswered(u *UnansweredError) (message, advice string) {
	cause := u.err
	var request *url.Error
	if errors.As(cause, &request) {
		cause = request.Err // without the URL: the log line has the key
	}
	var name *net.DNSError
	var dial *net.OpError
	var timeout net.Error
	if errors.As(cause, &name) {
		return name.Error(), s.adviceOnName(name)
	}
	if message, advice = s.onTLS(cause); advice != "" {
		return message, advice
	}
	switch {
	case errors.As(cause, &timeout) && timeout.Timeout():
		return during("timeout", u.doing()), s.adviceOnTimeout(u.Phase)
	case errors.As(cause, &dial) && dial.Op == "proxyconnect":
		return cause.Error(), "the proxy that HTTPS_PROXY names gives no connection to the " +
			"store: correct it, or name the store's host in NO_PROXY"
	case errors.As(cause, &dial) && dial.Op == "dial":
		return cause.Error(), s.adviceOnDial(cause)
	}
	return during(cause.Error(), u.doing()), ""
}

// onTLS says what is wrong with TLS. The advice is empty if it is something else.
func (s *Store) onTLS(cause error) (message, advice string) {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(cause, &authority):
		return cause.Error(), "this host does not know who signed the certificate: if that is " +
			"right, name the file with the authority's in AWS_CA_BUNDLE"
	case errors.As(cause, &host):
		advice = "the certificate is not for that name: correct endpoint, which is without the bucket"
		if strings.Contains(s.settings.Bucket, ".") {
			advice += "; for a bucket with dots in its name, set path_style = on"
		}
		return cause.Error(), advice
	case errors.As(cause, &invalid) && invalid.Reason == x509.Expired:
		return cause.Error(), "the certificate is not valid at this host's time: renew it, or set the clock"
	case errors.Is(cause, http.ErrSchemeMismatch), errors.As(cause, new(tls.RecordHeaderError)):
		return cause.Error(), fmt.Sprintf("the port of %s speaks no TLS: write http:// in "+
			"endpoint, or its port for TLS", s.Endpoint())
	case strings.Contains(cause.Error(), tlsAlert):
		return "the answer is not HTTP, but an alert of TLS", fmt.Sprintf("the port of %s "+
			"speaks TLS: write https:// in endpoint", s.Endpoint())
	}
	return "", ""
}

// adviceOnDial says what to do if no connection can be made.
func (s *Store) adviceOnDial(cause error) string {
	if errors.Is(cause, syscall.ECONNREFUSED) {
		return fmt.Sprintf("no connection to %s: is the endpoint right, and does the store run?", s.Endpoint())
	}
	return fmt.Sprintf("no connection to %s: is the endpoint right, and the network up?", s.Endpoint())
}

// adviceOnTimeout says what to do about a request that took too long: nothing if it was sent.
func (s *Store) adviceOnTimeout(phase Phase) string {
	switch phase {
	case Resolving:
		return "the name servers do not answer: is the network up, and are those in /etc/resolv.conf right?"
	case Connecting:
		return fmt.Sprintf("no connection to %s: is the endpoint right, and does a firewall let "+
			"it through?", s.Endpoint())
	}
	return ""
}

func (s *Store) adviceOnName(e *net.DNSError) string {
	switch o := s.client.Options(); {
	case !e.IsNotFound:
		return "the name could not be looked up: is the network up, and are the name servers in " +
			"/etc/resolv.conf right?"
	case o.BaseEndpoint == nil:
		return fmt.Sprintf("no name server knows %s: is region = %s right?", e.Name, o.Region)
	}
	return fmt.Sprintf("no name server knows %s: is endpoint right?", e.Name)
}

func during(what, doing string) string {
	if doing == "" {
		return what
	}
	return what + " while " + doing
}
