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
	// renewAhead is how long before their end credentials are renewed, but not in the first three
	// quarters of their life.
	renewAhead = 5 * time.Minute
	// renewPause is the pause after a failure to renew credentials that are still good.
	renewPause = 5 * time.Second
	// renewPatience is how long a request waits for new ones while the old ones are good. The SDK
	// goes on asking after that.
	renewPatience = 300 * time.Millisecond
	// refusedPatience is how long a request waits for new ones after a refusal.
	refusedPatience = time.Second
	// changeTime is how long after a change a refused request may have been signed before it.
	changeTime = 10 * time.Second
)

// keys has the credentials that sign requests. It keeps the last ones as long as they are good,
// because the service that gives them may fail. It is safe for concurrent use.
type keys struct {
	// load returns their source. It reads the config's files and the profile as they are now.
	load func(ctx context.Context) (aws.CredentialsProvider, error)
	log  *slog.Logger

	trouble *trouble.Reporter

	renewing singleflight.Group

	mu      sync.Mutex
	source  aws.CredentialsProvider
	last    aws.Credentials
	got     time.Time // when last came
	refused bool      // the store said that last has expired
	askAt   time.Time // while last is good, the source is not asked before
	loadAt  time.Time // the files are not read again before
	changed time.Time // when other credentials were read after a refusal
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

// retrieve asks for other credentials than last, which the SDK's cache returns until they expire.
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

// due reports whether to ask the source now, and whether the last credentials are still good. While
// they are, one request at a time asks.
func (k *keys) due(now time.Time) (source aws.CredentialsProvider, last aws.Credentials, good, ask bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// Those of Amazon's instances are good for longer than the SDK says, which asks each hour.
	lasting := !k.last.CanExpire || k.last.Source == ec2rolecreds.ProviderName
	good = k.last.HasKeys() && !k.refused && (lasting || now.Before(k.last.Expires))
	switch {
	case !good:
		return k.source, k.last, false, true
	case !k.last.CanExpire, now.Before(k.askAt), now.Before(k.last.Expires.Add(-min(renewAhead,
		k.last.Expires.Sub(k.got)/4))):
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
	k.trouble.Begin(keysNotRenewed, trouble.At{}, "access_key", last.AccessKeyID, "expires", last.Expires.UTC(),
		"err", err,
		"next", "they are used until they expire; the service is asked again", "retry_in", renewPause)
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

// tokenCodes mean that the same credentials will be refused again.
var tokenCodes = map[string]bool{"ExpiredToken": true, "TokenRefreshRequired": true}

// renew reads the files and asks the source again after the store refused a request. It reports
// whether the credentials have changed.
func (k *keys) renew(status int, code string) bool {
	// Any refusal can be about the secret: the answer to a HEAD has no code. A service is asked
	// again only if the code is about credentials.
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

// reload is renew for all requests that were refused at the same time.
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
		k.log.Info("other credentials are used now", "access_key", c.AccessKeyID,
			"reason", "the store refused the previous ones")
	}
	return changed
}

// A retryer makes a request again at once if it was refused and the credentials have changed
// meanwhile. The uploader decides about any other attempt.
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
