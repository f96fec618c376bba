package s3store

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader"
)

// open returns a new Store, which remembers nothing of others.
func open(t *testing.T, endpoint string, changes ...func(*Settings)) *Store {
	t.Helper()
	settings := Settings{
		Bucket: "live", Address: Address{Endpoint: endpoint}, PartSize: 5 << 20,
		Credentials: Credentials{AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey},
	}
	for _, change := range changes {
		change(&settings)
	}
	s, err := New(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// modTime has an odd number of nanoseconds, to see that all of them come back.
var modTime = time.Unix(1795334975, 123456789)

func object(key string, body uploader.Body, size int64) uploader.Object {
	return uploader.Object{Key: key, Body: body, Size: size, ModTime: modTime, ContentType: "video/mp2t", CacheControl: "max-age=7"}
}

// confirm answers as a store that has the whole body.
func confirm(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	w.Header().Set("ETag", fmt.Sprintf("\"%x\"", md5.Sum(body)))
}

// etagOfContent is the MD5 of "content".
const etagOfContent = "9a0364b9e99bb480dd25e1f0284c8555"

func TestWhatIsPutCanBeReadAndDeleted(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	s := open(t, server.Endpoint)
	ctx := t.Context()
	for _, key := range []string{"plain.ts", "g/a b+c%20d#e?f=ü.ts"} {
		if err := s.Put(ctx, object(key, strings.NewReader("content"), 7)); err != nil {
			t.Fatal(err)
		}
		if b, err := server.Object(key); err != nil || string(b) != "content" {
			t.Errorf("the server has %q for %s, %v", b, key, err)
		}
		if b, err := s.Get(ctx, key); err != nil || string(b) != "content" {
			t.Errorf("Get(%s) = %q, %v", key, b, err)
		}
		if i, ok, err := s.Stat(ctx, key); err != nil || !ok || i.Size != 7 || !i.ModTime.Equal(modTime) || time.Since(i.Stored) > time.Hour ||
			i.ETag != etagOfContent {
			t.Errorf("Stat(%s) = %+v, %v, %v", key, i, ok, err)
		}
		if err := s.Delete(ctx, []string{key}); err != nil {
			t.Error(err)
		}
		if _, ok, err := s.Stat(ctx, key); err != nil || ok {
			t.Errorf("after Delete, Stat(%s) = %v, %v", key, ok, err)
		}
	}
}

// A large file goes up in parts, from the file and not through memory.
func TestLargeFileIsNotCopiedIntoMemory(t *testing.T) {
	server := servers.Server(t)
	s := open(t, server.Endpoint)
	f, err := os.Create(filepath.Join(t.TempDir(), "large"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	const size = 32 << 20
	var block bytes.Buffer
	for n := range size / 16 {
		fmt.Fprintf(&block, "%016x", n)
		if block.Len() == 1<<20 {
			if _, err := block.WriteTo(io.MultiWriter(f, sum)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := s.Put(t.Context(), object("large.ts", io.NewSectionReader(f, 0, size), size)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > size/4 {
		t.Errorf("%d bytes were allocated for a file of %d", used, size)
	}
	b, err := server.Object("large.ts")
	if err != nil || !bytes.Equal(sum.Sum(nil), sum256(b)) {
		t.Errorf("the server has %d other bytes, %v", len(b), err)
	}
}

func sum256(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

func TestFailedPartsAreAborted(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	proxy := s3test.NewProxy(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.Once
	aborted := make(chan struct{}, 1)
	proxy.Before = func(r *s3test.Request, _ http.ResponseWriter) bool {
		if r.Method == http.MethodPut {
			parts.Do(cancel) // the daemon ends in the middle of the upload
		}
		return true
	}
	proxy.After = func(r *s3test.Request) {
		if r.Method == http.MethodDelete && r.Status == http.StatusNoContent {
			aborted <- struct{}{}
		}
	}
	err := open(t, proxy.Endpoint).Put(ctx, object("x.ts", bytes.NewReader(make([]byte, 12<<20)), 12<<20))
	if err == nil {
		t.Fatal("a cancelled upload succeeds")
	}
	select {
	case <-aborted:
	case <-time.After(10 * time.Second):
		t.Error("the parts are left in the bucket")
	}
}

func TestFreshConnectionIsNotOneOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	connections := map[string]int{}
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		confirm(w, r)
		mu.Lock()
		connections[r.RemoteAddr]++
		mu.Unlock()
	}))
	defer fake.Close()
	s := open(t, fake.URL)
	for range 3 {
		if err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("three requests in a row took %d connections", len(connections))
	}
	o := object("k", strings.NewReader("x"), 1)
	o.FreshConnection = true
	if err := s.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(connections) != 2 {
		t.Errorf("with a fresh one, there are %d connections, want 2", len(connections))
	}
}

// One failure is one request: trying again is the uploader's decision.
func TestFailureIsOneRequest(t *testing.T) {
	t.Parallel()
	requests := 0
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
	}))
	defer fake.Close()
	err := open(t, fake.URL).Put(t.Context(), object("k", strings.NewReader("x"), 1))
	if requests != 1 || errors.Is(err, uploader.ErrPermanent) || err.Error() != "503 SlowDown: Please reduce your request rate." {
		t.Errorf("%d requests, error %q", requests, err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status            int
		header            string // X-Amz-Bucket-Region
		body              string
		permanent, bucket bool
		says              string
	}{
		"no such bucket": {404, "", "<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>", true, true, "there is no bucket live"},
		"denied":         {403, "", "<Error><Code>AccessDenied</Code><Message>m</Message></Error>", true, false, "allow s3:PutObject on arn:aws:s3:::live/*"},
		"denied by KMS":  {403, "", "<Error><Code>AccessDenied</Code><Message>not authorized to perform: kms:GenerateDataKey</Message></Error>", true, false, "allow kms:GenerateDataKey and kms:Decrypt on the KMS key"},
		"unknown key":    {403, "", "<Error><Code>InvalidAccessKeyId</Code><Message>m</Message></Error>", true, true, "correct aws_access_key"},
		"wrong secret":   {403, "", "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message></Error>", true, true, "correct aws_secret_key"},
		"clock":          {403, "", "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>", false, false, "clock and the store's differ by "},
		"redirect":       {301, "eu-west-3", "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>", true, true, "set region = eu-west-3"},
		"wrong region":   {400, "", "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message></Error>", true, true, "set region = eu-west-1"},
		"ACL":            {400, "", "<Error><Code>AccessControlListNotSupported</Code><Message>m</Message></Error>", true, true, "remove acl"},
		"bad request":    {400, "", "<Error><Code>InvalidArgument</Code><Message>m</Message></Error>", true, false, "400 InvalidArgument: m"},
		"slow body":      {400, "", "<Error><Code>RequestTimeout</Code><Message>m</Message></Error>", false, false, "RequestTimeout"},
		"throttled":      {429, "", "<Error><Code>TooManyRequests</Code><Message>m</Message></Error>", false, false, "429"},
		"timeout":        {408, "", "", false, false, "408"},
		"broken":         {500, "", "<Error><Code>InternalError</Code><Message>m</Message></Error>", false, false, "InternalError"},
		"no XML":         {502, "", "<html>bad gateway</html>", false, false, "502"},
		"not supported":  {501, "", "<Error><Code>NotImplemented</Code><Message>m</Message></Error>", true, false, "NotImplemented"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				if c.header != "" {
					w.Header().Set("X-Amz-Bucket-Region", c.header)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}))
			defer fake.Close()
			err := open(t, fake.URL).Put(t.Context(), object("k", strings.NewReader("x"), 1))
			if err == nil {
				t.Fatal("no error")
			}
			if errors.Is(err, uploader.ErrPermanent) != c.permanent || errors.Is(err, uploader.ErrBucket) != c.bucket {
				t.Errorf("%v: permanent %v, bucket %v", err, errors.Is(err, uploader.ErrPermanent), errors.Is(err, uploader.ErrBucket))
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if strings.Contains(err.Error(), s3test.SecretKey) {
				t.Errorf("%q holds the secret", err)
			}
		})
	}
}

func TestErrorSaysThatNoOneAnswers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = open(t, "http://"+l.Addr().String()).Put(t.Context(), object("k", strings.NewReader("x"), 1))
	if err == nil || errors.Is(err, uploader.ErrPermanent) || !strings.Contains(err.Error(), "connection refused") ||
		!strings.Contains(err.Error(), "is the endpoint right") {
		t.Errorf("got %v", err)
	}
}

func TestSettingsWithoutARegionAreRefused(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	if _, err := New(t.Context(), Settings{Bucket: "live"}); err == nil || !strings.Contains(err.Error(), "set region in [S3]") {
		t.Errorf("without a region: %v", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
	s, err := New(t.Context(), Settings{Bucket: "live", Credentials: Credentials{AccessKey: "k", SecretKey: "s"}})
	if err != nil || s.Endpoint() != "http://127.0.0.1:1" || !s.client.Options().UsePathStyle {
		t.Errorf("an endpoint of the environment: %v", err)
	}
}

// An operator reads in words where the credentials are from, not the SDK's name for it.
func TestIdentityNamesTheSourceInWords(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: "http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if who, err := s.Identity(t.Context()); who != "access key k from the environment" || err != nil {
		t.Errorf("got %q, %v", who, err)
	}
}
