package s3store

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

func TestDeleteTakesAnyNumberOfKeys(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	if err := os.MkdirAll(filepath.Join(server.Dir, "g/s"), 0o755); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for n := range 1500 {
		key := fmt.Sprintf("g/s/%d.ts", n)
		if err := os.WriteFile(filepath.Join(server.Dir, key), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	for _, key := range []string{"g/s/a b+c%20d#e?f=ü&<\".ts", "g/s/\x01.ts", "g/s/stays.ts"} {
		if err := s.Put(t.Context(), object(key, strings.NewReader("x"), 1)); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	keys[len(keys)-1] = "g/s/absent.ts"
	g.forget()
	if err := s.Delete(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if left, err := server.Keys(); err != nil || !slices.Equal(left, []string{"g/s/stays.ts"}) {
		t.Errorf("%q are left, %v", left, err)
	}
	if n, single := len(g.of("DeleteObjects")), len(g.of("DELETE")); n != 2 || single != 1 {
		t.Errorf("%d requests for many objects and %d for one, want 2, and 1 for the key that XML cannot hold", n, single)
	}
}

// A deletion is what a deleting stand-in was asked.
type deletion struct {
	mu      sync.Mutex
	batches [][]string
	single  []string
}

// standIn is a store of which the answers are given; to a batch, with the status 200 if it is 0.
func standIn(t *testing.T, batch, one func(w http.ResponseWriter, r *http.Request)) (*Store, *deletion) {
	t.Helper()
	d := &deletion{}
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !r.URL.Query().Has("delete") {
			d.single = append(d.single, strings.TrimPrefix(r.URL.Path, "/live/"))
			one(w, r)
			return
		}
		b, _ := io.ReadAll(r.Body)
		var in struct {
			Quiet  bool
			Object []struct{ Key string }
		}
		if err := xml.Unmarshal(b, &in); err != nil || !in.Quiet {
			t.Errorf("asked for %q, %v", b, err)
		}
		sum := md5.Sum(b)
		if got := r.Header.Get("Content-Md5"); got != base64.StdEncoding.EncodeToString(sum[:]) {
			t.Errorf("Content-MD5 is %q", got)
		}
		if r.Header.Get("X-Amz-Checksum-Crc32") == "" || !strings.Contains(r.Header.Get("Authorization"), "content-md5") {
			t.Errorf("no signed checksum: %v", r.Header)
		}
		var keys []string
		for _, o := range in.Object {
			keys = append(keys, o.Key)
		}
		d.batches = append(d.batches, keys)
		batch(w, r)
	}))
	t.Cleanup(fake.Close)
	return open(t, fake.URL), d
}

func answering(status int, code string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if code != "" {
			refuse(w, r, status, code)
			return
		}
		w.WriteHeader(status)
	}
}

// Google Cloud Storage has said InvalidArgument, and says NotImplemented.
func TestStoreThatDeletesOneObjectAtATime(t *testing.T) {
	for status, code := range map[int]string{501: "NotImplemented", 405: "MethodNotAllowed", 400: "InvalidArgument"} {
		s, d := standIn(t, answering(status, code), answering(204, ""))
		for range 2 {
			if err := s.Delete(t.Context(), []string{"a.ts", "b.ts"}); err != nil {
				t.Error(err)
			}
		}
		if len(d.batches) != 1 || !slices.Equal(d.single, []string{"a.ts", "b.ts", "a.ts", "b.ts"}) {
			t.Errorf("%s: %d requests for many, and for one: %q", code, len(d.batches), d.single)
		}
	}
}

func TestDeleteThatFailsAsAWholeIsOneError(t *testing.T) {
	for name, c := range map[string]struct {
		batch, one        func(http.ResponseWriter, *http.Request)
		permanent, bucket bool
		single            int
		says              string
	}{
		"denied":         {answering(403, "AccessDenied"), answering(204, ""), true, false, 0, "allow s3:DeleteObject on arn:aws:s3:::live/*"},
		"no such bucket": {answering(404, "NoSuchBucket"), answering(204, ""), true, true, 0, "there is no bucket live"},
		"busy":           {answering(503, "SlowDown"), answering(204, ""), false, false, 0, "SlowDown"},
		"one is busy":    {answering(501, "NotImplemented"), answering(503, "SlowDown"), false, false, 1, "SlowDown"},
		"one is denied":  {answering(501, "NotImplemented"), answering(403, "AccessDenied"), true, false, 2, "delete a.ts: 403 AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := standIn(t, c.batch, c.one)
			err := s.Delete(t.Context(), []string{"a.ts", "b.ts"})
			if err == nil || errors.Is(err, uploader.ErrPermanent) != c.permanent || errors.Is(err, uploader.ErrBucket) != c.bucket ||
				!strings.Contains(err.Error(), c.says) || len(d.single) != c.single {
				t.Errorf("%d single requests, error %v", len(d.single), err)
			}
			if s.habits.deletesOne.Load() {
				t.Error("the Store deletes one object at a time from now on")
			}
		})
	}
}

// With the status 200, the store tells of keys that it has kept.
func TestDeleteNamesTheKeysThatStay(t *testing.T) {
	s, _ := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `<DeleteResult>
			<Error><Key>b.ts</Key><Code>AccessDenied</Code><Message>m</Message></Error>
			<Error><Key>c.ts</Key><Code>InternalError</Code><Message>m</Message></Error>
			<Error><Key>d.ts</Key><Code>NoSuchKey</Code><Message>m</Message></Error></DeleteResult>`)
	}, answering(204, ""))
	err := s.Delete(t.Context(), []string{"a.ts", "b.ts", "c.ts", "d.ts"})
	var failed *uploader.DeleteError
	if !errors.As(err, &failed) || len(failed.Failed) != 2 {
		t.Fatalf("got %v", err)
	}
	if b := failed.Failed["b.ts"]; !errors.Is(b, uploader.ErrPermanent) || !strings.Contains(b.Error(), "allow s3:DeleteObject") {
		t.Errorf("of b.ts: %v", b)
	}
	if c := failed.Failed["c.ts"]; c == nil || errors.Is(c, uploader.ErrPermanent) {
		t.Errorf("of c.ts: %v", c)
	}
	if !strings.HasPrefix(err.Error(), "delete b.ts: AccessDenied: m (") || !strings.HasSuffix(err.Error(), "(and 1 more)") {
		t.Errorf("%q", err)
	}
}

// Amazon's own buckets take the CRC32; some of them take no MD5.
func TestDeleteSendsTheChecksumThatTheStoreTakes(t *testing.T) {
	t.Parallel()
	var header http.Header
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		header = r.Header
		io.WriteString(w, "<DeleteResult/>")
	}))
	defer fake.Close()
	s := open(t, fake.URL)
	o := s.client.Options()
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	s.client = s3.New(o)
	if err := s.Delete(t.Context(), []string{"a.ts"}); err != nil {
		t.Fatal(err)
	}
	if header.Get("X-Amz-Checksum-Crc32") == "" || header.Get("Content-Md5") != "" {
		t.Errorf("sent with %v", header)
	}
}
