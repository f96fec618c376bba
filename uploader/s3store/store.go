// Package s3store is the uploader's Store on Amazon S3, and on stores that speak its protocol. It
// makes one attempt at each request: the uploader decides when to try again.
package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
)

// A Store puts objects into one bucket. It is safe for concurrent use.
type Store struct {
	settings   Settings
	client     *s3.Client
	direct     *direct // sends whole objects; nil: the SDK does
	multipart  multipart
	terms      *agreement
	config     aws.Config
	fresh      func(*s3.Options) // gives a request a connection of its own
	close      func()
	partTime   time.Duration // the constant of that name, for tests to change
	unfinished unfinished
	trouble    *trouble.Reporter
	pages      chan struct{} // has an item for each page in memory
	maxPages   int           // manyPages, for tests to change
	habits     habits
}

// habits are what the store was found to do.
type habits struct {
	noExpect    atomic.Bool // Expect was refused
	noCondition atomic.Bool // If-None-Match was refused, and a PUT without accepted
	deletesOne  atomic.Bool // one object is deleted by a request, and not many
	heeding     heeding
}

// fallbackRegion signs for stores that have no regions.
const fallbackRegion = "us-east-1"

// New returns a Store. It asks the SDK's chain for settings, and makes no request to the bucket.
func New(ctx context.Context, t Settings) (*Store, error) {
	log := t.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	reporter := t.Trouble
	if reporter == nil {
		reporter = trouble.New(log, time.Now)
	}
	reporter = reporter.With("bucket", t.Bucket)
	d := newDialer()
	cfg, err := load(ctx, t, d, log)
	if err != nil {
		return nil, fmt.Errorf("settings for S3: %w", err)
	}
	k := &keys{
		source: cfg.Credentials, log: log, trouble: reporter,
		load: func(ctx context.Context) (aws.CredentialsProvider, error) {
			now, err := load(ctx, t.reread(), d, log)
			return now.Credentials, err
		},
	}
	cfg.Credentials = k
	storeTime, asked := &clock{}, askedChecksums(cfg)
	var inner s3.HTTPSignerV4
	c := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.Retryer, o.RetryMaxAttempts = retryer{keys: k}, 0
		o.HTTPClient = newClient(cfg.HTTPClient, d, storeTime, max(1, t.Address.Connections))
		o.APIOptions = append(o.APIOptions, tellPhase, addExaminer)
		inner = o.HTTPSignerV4
		o.HTTPSignerV4 = signer{inner}
		if t.Address.Endpoint != "" {
			o.BaseEndpoint = &t.Address.Endpoint
		}
		if o.BaseEndpoint != nil {
			o.UsePathStyle = true
			if o.Region == "" {
				o.Region = fallbackRegion
			}
			if asked != aws.RequestChecksumCalculationWhenSupported { // many stores do not support the SDK's default
				o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			}
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
		if t.Address.PathStyle != nil {
			o.UsePathStyle = *t.Address.PathStyle
		}
	})
	if c.Options().Region == "" {
		return nil, errors.New("no region: set region in [S3], or AWS_REGION in the environment")
	}
	fresh := newClient(cfg.HTTPClient, d, storeTime, 0)
	shared := c.Options().HTTPClient.(*client)
	return &Store{
		close: func() {
			d.Close()
			shared.transport.CloseIdleConnections()
		},
		settings: t, client: c, direct: newDirect(ctx, c.Options(), t.Bucket, inner, shared, fresh),
		multipart: newMultipart(), config: cfg, partTime: partTime,
		terms:   newAgreement(t.SignPayload, firstTerms(t.Bucket, asked), isPrivate(c.Options())),
		fresh:   func(o *s3.Options) { o.HTTPClient = fresh },
		trouble: reporter, pages: make(chan struct{}, pagesAtOnce), maxPages: manyPages,
	}, nil
}

// Close ends lookups of names that are still in flight, waits for them, and closes idle
// connections. Call it when no request is in flight. The Store is of no use after that.
func (s *Store) Close() { s.close() }

// Connect gets credentials, looks up the store's name and opens a connection, so that the first
// request does not wait for that. What fails is told by the first request, which is tried again.
func (s *Store) Connect(ctx context.Context) {
	// A request that is refused connects, too.
	_, _ = s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.settings.Bucket})
}

// Stat implements uploader.Store.
func (s *Store) Stat(ctx context.Context, key string) (i uploader.ObjectInfo, found bool, err error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.settings.Bucket, Key: &key})
	switch status := statusOf(err); {
	case isForeign(err):
	case status == http.StatusNotFound:
		return i, false, nil
	case status == http.StatusForbidden:
		// S3 answers so for an absent key without the right to list, and for any key without the
		// right to read.
		s.trouble.Begin(untold, trouble.At{}, "key", key, "err", s.explain("s3:GetObject and s3:ListBucket", err),
			"next", "after a restart such objects are uploaded again; what a late request overwrites is not repaired")
		return uploader.ObjectInfo{Untold: true}, false, nil
	}
	if err != nil {
		return i, false, s.explain("s3:GetObject", err)
	}
	return infoOf(out), true, nil
}

// Get returns the object's content.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.settings.Bucket, Key: &key})
	if err != nil {
		return nil, s.explain("s3:GetObject", err)
	}
	defer out.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(out.Body, maxContent+1)); err != nil {
		return nil, fmt.Errorf("read the object: %w", s.explain("", &UnansweredError{Reading, "", err}))
	}
	if b.Len() > maxContent {
		return nil, fmt.Errorf("the object has more than %d bytes", maxContent)
	}
	return b.Bytes(), nil
}

// Identity says who signs requests, without any secret: the access key, where it comes from, and on
// Amazon's S3 its ARN.
func (s *Store) Identity(ctx context.Context) (string, error) {
	c, err := s.client.Options().Credentials.Retrieve(ctx)
	if err != nil {
		return "", s.explain("", err)
	}
	who := fmt.Sprintf("access key %s from %s", c.AccessKeyID, sourceName(c.Source))
	if s.client.Options().BaseEndpoint != nil {
		return who, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	service := sts.NewFromConfig(s.config, func(o *sts.Options) { o.HTTPClient = s.client.Options().HTTPClient })
	out, err := service.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return who, s.explain("", err)
	}
	return who + ", " + aws.ToString(out.Arn), nil
}

// sourceName says in words where the SDK has credentials from.
func sourceName(source string) string {
	if file, ok := strings.CutPrefix(source, "SharedConfigCredentials: "); ok {
		return file
	}
	switch source {
	case awsconfig.CredentialsSourceName:
		return "the environment"
	case ec2rolecreds.ProviderName:
		return "the role of this machine"
	}
	return source
}

// Endpoint names where requests go, for messages.
func (s *Store) Endpoint() string {
	o := s.client.Options()
	if o.BaseEndpoint != nil {
		return *o.BaseEndpoint
	}
	return "Amazon S3 in " + o.Region
}

// EndpointIsOfBucket reports whether the endpoint is that of a bucket. Such an endpoint lists
// objects where that of a store lists buckets. false may mean that the store does not tell.
func (s *Store) EndpointIsOfBucket(ctx context.Context) (bool, error) {
	_, err := s.client.ListBuckets(ctx, &s3.ListBucketsInput{})
	var foreign *foreignAnswer
	switch {
	case errors.As(err, &foreign):
		return foreign.root == roots["ListObjectsV2"], nil
	case errors.As(err, new(*UnansweredError)):
		return false, s.explain("", err)
	}
	return false, nil
}

// IsAbsent reports whether err is the answer that the object or the bucket does not exist.
func IsAbsent(err error) bool { return isNotFound(err) }
