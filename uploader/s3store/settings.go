package s3store

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/internal/trouble"
)

// Settings configure a Store. Empty fields leave the decision to S3 or to the SDK.
type Settings struct {
	Bucket      string
	Address     Address
	Credentials Credentials
	Objects     Objects
	SignPayload Signing
	// PartSize is in bytes. Larger objects are uploaded in parts of that size, or in larger parts
	// if those would be too many.
	PartSize      int64
	MinThroughput int64        // bytes per second: a slower resumable object fails; 0 is any
	Log           *slog.Logger // nil is none
	// Trouble is told of failures that fail no request. The caller calls its Sweep. Nil: they go to
	// Log.
	Trouble *trouble.Reporter
}

// An Address says where a bucket is, and how it is reached.
type Address struct {
	Region      string
	Endpoint    string // of a store other than Amazon's, as a URL
	PathStyle   *bool  // default: on with an endpoint
	Connections int    // kept open
}

// Credentials sign requests. Without an access key, they come from the SDK's chain: environment,
// profile, role.
type Credentials struct {
	AccessKey, SecretKey string
	ReadSecretKey        func() (string, error) // reads the secret again if it is in a file; nil: it is in none
}

// Objects has what each object is stored with.
type Objects struct {
	ACL                  string
	StorageClass         string
	ServerSideEncryption string
	KMSKeyID             string
	Host                 string // the name of this host, noted with the object; "" is not noted
}

// load reads the settings, the environment and the profile as they are now. Its clients, which get
// credentials, try again themselves.
func load(ctx context.Context, t Settings, d *dialer, log *slog.Logger) (aws.Config, error) {
	var container limitedClient
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithLogger(sdkLog{log}),
		// A plain http.Client would make a certificate bundle from the environment fail.
		awsconfig.WithHTTPClient(baseClient(d)),
		awsconfig.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = &container }),
		// keys renews them in time, and must know when they really expire.
		awsconfig.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 0 }),
	}
	if t.Address.Region != "" {
		options = append(options, awsconfig.WithRegion(t.Address.Region))
	}
	if t.Credentials.AccessKey != "" {
		secret := t.Credentials.SecretKey
		if secret == "" && t.Credentials.ReadSecretKey != nil {
			var err error
			if secret, err = t.Credentials.ReadSecretKey(); err != nil {
				return aws.Config{}, err
			}
		}
		options = append(options, awsconfig.WithCredentialsProvider(
			credentials.StaticCredentialsProvider{Value: aws.Credentials{
				AccessKeyID: t.Credentials.AccessKey, SecretAccessKey: secret, Source: "the config file",
			}}))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	container.HTTPClient = cfg.HTTPClient
	return cfg, err
}

// askedChecksums returns what the environment or the profile says of the SDK's checksums.
func askedChecksums(cfg aws.Config) aws.RequestChecksumCalculation {
	for _, source := range cfg.ConfigSources {
		set := aws.RequestChecksumCalculationUnset
		switch c := source.(type) {
		case awsconfig.EnvConfig:
			set = c.RequestChecksumCalculation
		case awsconfig.SharedConfig:
			set = c.RequestChecksumCalculation
		}
		if set != aws.RequestChecksumCalculationUnset {
			return set
		}
	}
	return aws.RequestChecksumCalculationUnset
}

// firstTerms returns how content is sent at first. Amazon's directory buckets accept no MD5. What is
// asked for is not tried.
func firstTerms(bucket string, asked aws.RequestChecksumCalculation) terms {
	isDirectory := strings.HasSuffix(bucket, directoryBucket)
	switch {
	case isDirectory || asked == aws.RequestChecksumCalculationWhenSupported:
		return terms{whole: byCRC32, parts: byCRC32}
	case asked == aws.RequestChecksumCalculationWhenRequired:
		return terms{whole: byMD5, parts: byMD5}
	}
	return terms{whole: onTrial, parts: onTrial}
}

// directoryBucket ends the names of Amazon's directory buckets.
const directoryBucket = "--x-s3"

// isPrivate reports whether requests cannot be changed on their way to the store: they use TLS, or do
// not leave the host.
func isPrivate(o s3.Options) bool {
	if o.BaseEndpoint == nil {
		return !o.EndpointOptions.DisableHTTPS
	}
	u, err := url.Parse(*o.BaseEndpoint)
	if err != nil {
		return false // the SDK refuses it
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// reread returns t without the secret if load can read it from a file.
func (t Settings) reread() Settings {
	if t.Credentials.ReadSecretKey != nil {
		t.Credentials.SecretKey = ""
	}
	return t
}

// A limitedClient gets the credentials of a container. The SDK's own client for them would ignore
// the environment.
type limitedClient struct{ aws.HTTPClient }

// Do implements endpointcreds.HTTPClient.
func (c *limitedClient) Do(r *http.Request) (*http.Response, error) {
	response, err := c.HTTPClient.Do(r)
	if err == nil {
		if response.StatusCode >= http.StatusBadRequest {
			response.Header.Del("Content-Type") // the SDK forgets the status of an answer that claims to be JSON and is not
		}
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxKeysAnswer), response.Body}
	}
	return response, err
}
