package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A capture notes the SDK's request instead of sending it.
type capture struct {
	request *http.Request
	body    []byte
}

var errCaptured = errors.New("the request was captured")

func (c *capture) Do(r *http.Request) (*http.Response, error) {
	c.request = r
	if r.Body != nil {
		c.body, _ = io.ReadAll(r.Body)
	}
	return nil, errCaptured
}

// aboutTheSDK are headers by which the SDK tells of itself. They are not signed.
var aboutTheSDK = []string{"User-Agent", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request"}

// A request without the SDK's middleware is the one that the SDK makes, with the same signature.
func TestDirectRequestIsTheSDKs(t *testing.T) {
	pathStyle, hostStyle := true, false
	stores := map[string]struct {
		env     map[string]string
		bucket  string
		address Address
	}{
		"Amazon, Virginia":               {nil, "live", Address{Region: "us-east-1"}},
		"Amazon, Frankfurt":              {nil, "live", Address{Region: "eu-central-1"}},
		"Amazon, China":                  {nil, "live", Address{Region: "cn-north-1"}},
		"Amazon, a region of the future": {nil, "live", Address{Region: "xy-west-9"}},
		"Amazon, dots":                   {nil, "live.example.com", Address{Region: "eu-west-1"}},
		"Amazon, by path": {
			nil, "live", Address{Region: "eu-west-1", PathStyle: &pathStyle},
		},
		"Amazon, both protocols": {
			map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "live", Address{Region: "eu-west-1"},
		},
		"Amazon, FIPS": {
			map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "live", Address{Region: "us-east-1"},
		},
		"address": {nil, "live", Address{Endpoint: "http://127.0.0.1:9000"}},
		"address with a path": {
			nil, "live", Address{Endpoint: "http://127.0.0.1:9000/s3/a.b"},
		},
		"address with a slash": {
			nil, "live", Address{Endpoint: "https://127.0.0.1:9000/"},
		},
		"IPv6": {nil, "live", Address{Endpoint: "http://[::1]:9000"}},
		"name": {
			nil, "Live_1", Address{Endpoint: "https://store.example.com", Region: "here"},
		},
		"name, by host": {
			nil, "live", Address{Endpoint: "https://store.example.com:443", PathStyle: &hostStyle},
		},
		"name, by host, with a path": {
			nil, "live", Address{Endpoint: "https://store.example.com/base", PathStyle: &hostStyle},
		},
		"name from the environment": {
			map[string]string{"AWS_ENDPOINT_URL_S3": "https://env.example.com"}, "live", Address{},
		},
	}
	for name, of := range stores {
		t.Run(name, func(t *testing.T) {
			for k, v := range of.env {
				t.Setenv(k, v)
			}
			for _, objects := range []Objects{
				{},
				{ACL: "public-read", StorageClass: "STANDARD_IA", ServerSideEncryption: "aws:kms",
					KMSKeyID: "arn:aws:kms:eu-central-1:1:key/2", Host: "höst 1"},
			} {
				s := open(t, "", func(settings *Settings) {
					settings.Bucket, settings.Address, settings.Objects = of.bucket, of.address, objects
				})
				if s.direct == nil {
					t.Fatal("the SDK makes all requests")
				}
				for i, key := range []string{
					"k", "a/b/c.ts", "/a", "a//b", "a/", "a/./b/../c", "a b+c", "ä€😀/ü", "100%/%41", "a?b#c",
					"~!$&'()*,;=:@[]{}|^`\"<>\\", "with\ttab", strings.Repeat("long/", 200),
				} {
					// Each key has other options than the one before.
					size := []int64{0, 1, 5000, expectFrom - 1, expectFrom}[i%5]
					sameAsSDK(t, s, key, size, i%2 == 0, i%3 == 0, i%4 == 1)
				}
			}
		})
	}
}

// sameAsSDK compares the two requests for one object.
func sameAsSDK(t *testing.T, s *Store, key string, size int64, signed, crc32, token bool) {
	t.Helper()
	content := bytes.Repeat([]byte{7}, int(size))
	o := object(key, bytes.NewReader(content), size)
	o.IfAbsent = signed
	if crc32 {
		o.CacheControl, o.ModTime, o.Root, o.Sum = "", time.Time{}, "/var/lib/ ä", strings.Repeat("0a", 32)
	}
	section := io.NewSectionReader(o.Body, 0, size)
	sums, payload, err := newSummer(need{md5: true, crc32: true, payload: signed}).sum(t.Context(), section)
	if err != nil {
		t.Fatal(err)
	}
	in := s.putInput(o)
	in.Body, in.ContentLength = section, aws.Int64(size)
	in.ContentMD5, in.ChecksumCRC32 = sums.headers(crc32)
	payload = terms{signed: signed}.payload(payload)
	keys := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}
	if token {
		keys.SessionToken = "token/+="
	}
	sdk := &capture{}
	_, err = s.client.PutObject(t.Context(), in, summedUp(payload), func(o *s3.Options) {
		o.HTTPClient = sdk
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return keys, nil
		})
	})
	if !errors.Is(err, errCaptured) {
		t.Fatalf("%q: the SDK makes no request: %v", key, err)
	}
	at, err := time.Parse("20060102T150405Z", sdk.request.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	body := io.NopCloser(io.NewSectionReader(o.Body, 0, size))
	r, err := s.direct.request(t.Context(), in, body, payload, keys, at)
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	s.direct.ask(r)
	for what, pair := range map[string][2]string{
		"URL":    {sdk.request.URL.String(), r.URL.String()},
		"path":   {sdk.request.URL.RequestURI(), r.URL.RequestURI()},
		"host":   {sdk.request.URL.Host + " " + sdk.request.Host, r.URL.Host + " " + r.Host},
		"method": {sdk.request.Method, r.Method},
		"length": {fmt.Sprint(sdk.request.ContentLength), fmt.Sprint(r.ContentLength)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%q: %s: the SDK sends\n%s, not\n%s", key, what, pair[0], pair[1])
		}
	}
	theirs, ours := sdk.request.Header.Clone(), r.Header.Clone()
	for _, name := range aboutTheSDK {
		theirs.Del(name)
		ours.Del(name)
	}
	if !maps.EqualFunc(theirs, ours, slices.Equal[[]string]) {
		t.Errorf("%q: the SDK sends the headers\n%v, not\n%v", key, theirs, ours)
	}
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
	}
	if !bytes.Equal(sent, sdk.body) {
		t.Errorf("%q: the SDK sends %d bytes, not %d", key, len(sdk.body), len(sent))
	}
}

// Where requests are made in another way, the SDK makes them.
func TestSDKMakesSpecialRequests(t *testing.T) {
	for name, of := range map[string]struct {
		env     map[string]string
		bucket  string
		address Address
	}{
		"a directory bucket": {nil, "live--euc1-az1--x-s3", Address{Region: "eu-central-1"}},
		"an access point": {
			nil, "arn:aws:s3:eu-central-1:123456789012:accesspoint/live", Address{Region: "eu-central-1"},
		},
		"several regions": {
			nil, "arn:aws:s3::123456789012:accesspoint/live.mrap", Address{Region: "eu-central-1"},
		},
		"another way to sign": {
			map[string]string{"AWS_AUTH_SCHEME_PREFERENCE": "sigv4a"}, "live", Address{Region: "eu-central-1"},
		},
		"a region that cannot be":  {nil, "live", Address{Region: "eu central"}},
		"an endpoint that is none": {nil, "live", Address{Endpoint: "://"}},
		"a path that is escaped": {
			nil, "live", Address{Endpoint: "http://127.0.0.1:9000/s3/a%20b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range of.env {
				t.Setenv(k, v)
			}
			s := open(t, "", func(settings *Settings) {
				settings.Bucket, settings.Address = of.bucket, of.address
			})
			if s.direct != nil {
				t.Errorf("requests go to %v, for %s", &s.direct.endpoint, s.direct.region)
			}
		})
	}
}

// A plain success is the only answer that the SDK does not see.
func TestDirectPutNeedsNoSDK(t *testing.T) {
	t.Parallel()
	g := newGate(t, servers.Server(t))
	s := open(t, g.endpoint)
	if err := s.Put(t.Context(), object("k.ts", strings.NewReader("content"), 7)); err != nil {
		t.Fatal(err)
	}
	agents := func() (all []string) {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, c := range g.calls {
			all = append(all, c.op+" "+c.header.Get("User-Agent"))
		}
		return all
	}
	if got := agents(); !slices.Equal(got, []string{"PUT " + directAgent}) {
		t.Errorf("requests: %q", got)
	}
	if b, err := s.Get(t.Context(), "k.ts"); string(b) != "content" || err != nil {
		t.Errorf("the store has %q, %v", b, err)
	}
}

// The store's clock is learned from each answer, and requests are signed by it, unless the SDK is
// told to go by the clock of this host.
func TestDirectRequestIsSignedByTheStoresClock(t *testing.T) {
	for setting, want := range map[string]time.Duration{
		"":      4 * time.Minute, // the server accepts 15
		"false": 4 * time.Minute,
		"true":  0,
	} {
		t.Run("disabled: "+setting, func(t *testing.T) {
			t.Setenv("AWS_DISABLE_CLOCK_SKEW_CORRECTION", setting)
			g := newGate(t, servers.Server(t))
			s := open(t, g.endpoint)
			g.onAnswer(func(_ *call, r *http.Response) error {
				r.Header.Set("Date", time.Now().Add(4*time.Minute).UTC().Format(http.TimeFormat))
				return nil
			})
			for range 2 {
				err := s.Put(t.Context(), object("k.ts", strings.NewReader("content"), 7))
				if err != nil {
					t.Fatal(err)
				}
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			at, err := time.Parse("20060102T150405Z", g.calls[1].header.Get("X-Amz-Date"))
			if ahead := time.Until(at); err != nil || ahead < want-time.Minute || ahead > want+time.Second {
				t.Errorf("the second request is signed for a time %v from now, %v; want %v", ahead, err, want)
			}
		})
	}
}

// BenchmarkPut measures a PUT to a server in this process, with the server's part.
func BenchmarkPut(b *testing.B) {
	for _, by := range []string{"direct", "sdk"} {
		b.Run(by, func(b *testing.B) {
			s := benchStore(b)
			if by == "sdk" {
				s.direct = nil
			}
			content := make([]byte, 400)
			b.ReportAllocs()
			for b.Loop() {
				err := s.Put(b.Context(), object("group/live/chunk.ts", bytes.NewReader(content), 400))
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
