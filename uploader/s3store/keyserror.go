package s3store

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ems-sidecar/uploader"
)

// A keysError says why there are no credentials. It says nothing about the store.
type keysError struct {
	err    error
	origin []aws.CredentialSource
	before bool // there were credentials before
}

// maxKeysMessage is how much of a service's message is shown, in bytes.
const maxKeysMessage = 300

// Error returns the innermost message. Those around it may hold the output of a process, with a
// secret in it.
func (e *keysError) Error() string {
	m := strings.TrimSpace(lastCause(e.err))
	if m == ":" || m == "" { // the service gave no reason
		m = http.StatusText(e.status())
	}
	if len(m) > maxKeysMessage {
		m = m[:maxKeysMessage] + "…"
	}
	return m
}

func (e *keysError) Unwrap() error { return e.err }

// status returns that of the service's answer, or 0.
func (e *keysError) status() int {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(e.err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

func (e *keysError) from(sources ...aws.CredentialSource) bool {
	return slices.ContainsFunc(sources, func(s aws.CredentialSource) bool { return slices.Contains(e.origin, s) })
}

// none reports whether no source of credentials is configured. The SDK then asks the instance
// metadata of Amazon's hosts, which has no role, or does not answer.
func (e *keysError) none() bool {
	if errors.As(e.err, new(*credentials.StaticCredentialsEmptyError)) {
		return true
	}
	var request *smithy.OperationError
	if !errors.As(e.err, &request) || request.ServiceID != imds.ServiceID {
		return false
	}
	var answer *smithyhttp.ResponseError
	if errors.As(e.err, &answer) {
		switch answer.HTTPStatusCode() {
		case http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized:
			return true
		}
		return false
	}
	var dial *net.OpError
	absent := errors.As(e.err, &dial) && dial.Op == "dial" || !isNetwork(e.err) // the latter: it is switched off
	return absent && !e.before && slices.Equal(e.origin, []aws.CredentialSource{aws.CredentialSourceIMDS})
}

// explain says in e what to do. Only a missing configuration is permanent.
func (k *keysError) explain(e *Error) {
	e.Status, e.Code, e.Message = 0, "", k.Error()
	switch status := k.status(); {
	case k.none():
		e.Advice = "no credentials: set aws_access_key and aws_secret_key in the config file, or give the host " +
			"a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
		e.causes = append(e.causes, uploader.ErrPermanent, uploader.ErrBucket)
	case isNetwork(k.err):
		e.Advice = "the service that gives credentials does not answer"
	case status >= 500 || status == http.StatusTooManyRequests:
		e.Advice = "the service that gives credentials does not give them now"
	case k.from(aws.CredentialSourceSSO, aws.CredentialSourceSSOLegacy):
		e.Advice = "the SSO login of the daemon's user has expired, or there was none: run aws sso login as " +
			"that user, with the profile of the daemon"
	case k.from(aws.CredentialSourceLogin):
		e.Advice = "the login of the daemon's user has expired, or there was none: run aws login as that " +
			"user, with the profile of the daemon"
	case k.from(aws.CredentialSourceProcess):
		e.Advice = "the profile's credential_process gives no credentials: run it as the daemon's user"
	default:
		e.Advice = "the source of the credentials gives none: check the profile, its role, and what the role may do"
	}
}
