package s3store

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/singleflight"

	"ems-sidecar/internal/trouble"
)

const (
	// Credentials are renewed so long before they expire, but not in the first three quarters of
	// their life.
	renewAhead = 5 * time.Minute
	// A service that does not renew them is asked again after so long, while they are still good.
	renewPause = 5 * time.Second
	// A request waits so long for new ones while it has others. The SDK goes on asking meanwhile.
	renewPatience = 300 * time.Millisecond
	// After a refusal, new ones are waited for so long.
	refusedPatience = time.Second
	// A request that is refused so soon after a change may have been signed before it.
	changeTime = 10 * time.Second
)

// keys hands out the credentials with which requests are signed, and keeps the last as long as they
// are good: a service that gives credentials may be away. It is safe for concurrent use.
type keys struct {
	// load returns where they come from, with the config's files and the profile as they are now.
	load func(ctx context.Context) (aws.CredentialsProvider, error)
	log  *slog.Logger

	trouble *trouble.Reporter

	renewing singleflight.Group

	mu      sync.Mutex
	source  aws.CredentialsProvider
	last    aws.Credentials
	got     time.Time // last
	refused bool      // the store says that last has expired
	askAt   time.Time // the source is not asked before, while last is good
	loadAt  time.Time // the files are not read before
	changed time.Time // when a refusal had led to other credentials
}

// Retrieve implements aws.CredentialsProvider. Its errors are of *keysError.
func (k *keys) Retrieve(ctx context.Context) (aws.Credentials, error) {
	progressOf(ctx).enter(Authorizing, "")
	source, last, good, ask := k.due(time.Now())
	if !ask {
		return last, nil
	}
	wait := ctx
	if good {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, renewPatience)
		defer cancel()
	}
	c, err := retrieve(wait, source, last)
	switch {
	case err == nil:
		k.keep(c)
		return c, nil
	case !good:
		return c, &keysError{err, origin(source), last.HasKeys()}
	}
	if wait.Err() == nil {
		k.cannotRenew(last, &keysError{err, origin(source), true})
	}
	return last, nil
}

// retrieve returns other credentials than last. The SDK's cache has last until it expires.
func retrieve(ctx context.Context, source aws.CredentialsProvider, last aws.Credentials) (aws.Credentials, error) {
	c, err := source.Retrieve(ctx)
	if cache, ok := source.(*aws.CredentialsCache); ok && err == nil && same(c, last) {
		cache.Invalidate()
		return source.Retrieve(ctx)
	}
	return c, err
}

func same(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey && a.SessionToken == b.SessionToken &&
		a.Expires.Equal(b.Expires)
}

// due reports whether the source is to be asked now, and whether the last credentials are good
// anyway. While they are, one request at a time asks.
func (k *keys) due(now time.Time) (source aws.CredentialsProvider, last aws.Credentials, good, ask bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// Amazon's instances have theirs for longer than the SDK says, which asks each hour.
	lasting := !k.last.CanExpire || k.last.Source == ec2rolecreds.ProviderName
	good = k.last.HasKeys() && !k.refused && (lasting || now.Before(k.last.Expires))
	switch {
	case !good:
		return k.source, k.last, false, true
	case !k.last.CanExpire, now.Before(k.askAt), now.Before(k.last.Expires.Add(-min(renewAhead, k.last.Expires.Sub(k.got)/4))):
		return k.source, k.last, true, false
	}
	k.askAt = now.Add(renewPause)
	return k.source, k.last, true, true
}

func (k *keys) keep(c aws.Credentials) {
	k.mu.Lock()
	if !same(c, k.last) {
		k.last, k.got = c, time.Now()
	}
	k.refused = false
	k.mu.Unlock()
	k.trouble.End(keysNotRenewed, trouble.At{}, "access_key", c.AccessKeyID)
}

func (k *keys) cannotRenew(last aws.Credentials, err *keysError) {
	k.trouble.Begin(keysNotRenewed, trouble.At{}, "access_key", last.AccessKeyID, "expires", last.Expires.UTC(), "err", err,
		"next", "they are used until they expire, and the service is asked again", "retry_in", renewPause)
}

// ProviderSources implements aws.CredentialProviderSource.
func (k *keys) ProviderSources() []aws.CredentialSource {
	k.mu.Lock()
	defer k.mu.Unlock()
	return origin(k.source)
}

func origin(source aws.CredentialsProvider) []aws.CredentialSource {
	if s, ok := source.(aws.CredentialProviderSource); ok {
		return s.ProviderSources()
	}
	return nil
}

// keyCodes are the refusals of a key, a secret or a token.
var keyCodes = map[string]bool{
	"InvalidAccessKeyId": true, "XAdminUserNotFound": true, "SignatureDoesNotMatch": true,
	"ExpiredToken": true, "InvalidToken": true, "TokenRefreshRequired": true,
}

// tokenCodes are those after which the same credentials are of no use any more.
var tokenCodes = map[string]bool{"ExpiredToken": true, "TokenRefreshRequired": true}

// renew reads the files and asks the source again after the store has refused a request. It reports
// whether there are other credentials now.
func (k *keys) renew(status int, code string) bool {
	// Any refusal can be one of a secret: the answer to a HEAD has no code. Services are asked for
	// a reason only.
	if !keyCodes[code] && (status != http.StatusForbidden && status != http.StatusUnauthorized || k.held().CanExpire) {
		return false
	}
	changed, _, _ := k.renewing.Do("", func() (any, error) { return k.reload(code), nil })
	return changed.(bool)
}

func (k *keys) held() aws.Credentials {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// reload is renew for all requests that are refused at the same time.
func (k *keys) reload(code string) (changed bool) {
	now := time.Now()
	k.mu.Lock()
	last, recent, early := k.last, now.Sub(k.changed) < changeTime, now.Before(k.loadAt)
	k.loadAt = now.Add(renewPause)
	k.mu.Unlock()
	if recent || early {
		return recent
	}
	ctx, cancel := context.WithTimeout(context.Background(), refusedPatience)
	defer cancel()
	source, err := k.load(ctx)
	var c aws.Credentials
	if err == nil {
		c, err = source.Retrieve(ctx)
	}
	k.mu.Lock()
	changed = err == nil && !same(c, last)
	if changed {
		k.source, k.last, k.got, k.changed, k.refused = source, c, now, now, false
	} else if err != nil {
		k.refused = tokenCodes[code]
	}
	k.mu.Unlock()
	switch {
	case err != nil:
		k.trouble.Report(keysNotRead, trouble.At{}, "access_key", last.AccessKeyID,
			"err", &keysError{err: err}, "retry_in", renewPause)
	case changed:
		k.log.Info("other credentials are used now", "access_key", c.AccessKeyID, "reason", "the store refused the previous ones")
	}
	return changed
}

// A retryer has a request made again at once if it was refused for credentials that were changed
// meanwhile. Any other attempt is the uploader's decision.
type retryer struct {
	aws.NopRetryer
	keys *keys
}

func (r retryer) MaxAttempts() int { return 2 }

func (r retryer) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

func (r retryer) IsErrorRetryable(err error) bool {
	var api smithy.APIError
	status := statusOf(err)
	return status != 0 && errors.As(err, &api) && r.keys.renew(status, api.ErrorCode())
}

func (r retryer) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}
