package s3store

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

// contents are objects that go to the store in each way in which content does.
func contents() map[string]uploader.Object {
	large := bytes.Repeat([]byte("0123456789abcdef"), 6<<16)
	resumable := object("resumable.mp4", bytes.NewReader(large), int64(len(large)))
	resumable.Resumable = true
	return map[string]uploader.Object{
		"whole":                    object("whole.ts", strings.NewReader("content"), 7),
		"empty":                    object("empty.ts", strings.NewReader(""), 0),
		"in parts":                 object("parts.ts", bytes.NewReader(large), int64(len(large))),
		"in parts that outlive it": resumable,
	}
}

// A PUT of content carries a checksum of it, at a store that checks it and has no more to go by.
func TestEachPUTHasAChecksum(t *testing.T) {
	const md5Header, crc32Header = "Content-Md5", "X-Amz-Checksum-Crc32"
	for name, c := range map[string]struct {
		configure   func(t *testing.T, dir string)
		whole, part string // headers
	}{
		"by default": {func(*testing.T, string) {}, crc32Header, crc32Header},
		"when required": {func(t *testing.T, _ string) { t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required") },
			md5Header, md5Header},
		"when supported": {func(t *testing.T, _ string) { t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported") },
			crc32Header, crc32Header},
		"by the profile": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\nrequest_checksum_calculation = when_supported\n")
		}, crc32Header, crc32Header},
		"the environment wins": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\nrequest_checksum_calculation = when_supported\n")
			t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
		}, md5Header, md5Header},
	} {
		t.Run(name, func(t *testing.T) {
			c.configure(t, isolate(t))
			g := newGate(t, servers.Server(t))
			var mu sync.Mutex
			checked := 0
			g.onCall(func(c2 *call, _ http.ResponseWriter, r *http.Request) bool {
				if c2.op != "PUT" && c2.op != "UploadPart" {
					return true
				}
				header := c.whole
				if c2.op == "UploadPart" {
					header = c.part
				}
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(b))
				sum := md5.Sum(b)
				want := sum[:]
				if header == crc32Header {
					crc := crc32.NewIEEE()
					crc.Write(b)
					want = crc.Sum(nil)
				}
				if got := r.Header.Get(header); got != base64.StdEncoding.EncodeToString(want) {
					t.Errorf("%s of %s has %s = %q", c2.op, c2.key, header, got)
				}
				mu.Lock()
				defer mu.Unlock()
				checked++
				return true
			})
			s := open(t, g.endpoint)
			for name, o := range contents() {
				if err := s.Put(t.Context(), o); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if checked != 6 {
				t.Errorf("%d requests with content, want 6", checked)
			}
		})
	}
}

// Amazon's own S3 gets the CRC32 that the SDK would send, unless that is not wanted. What is asked
// for is not tried.
func TestFirstTermsFollowTheStoreAndTheEnvironment(t *testing.T) {
	for calculation, want := range map[string]struct{ amazon, directory, other terms }{
		"": {
			terms{whole: onTrial, parts: onTrial}, terms{whole: byCRC32, parts: byCRC32},
			terms{whole: onTrial, parts: onTrial, signed: true},
		},
		"when_supported": {
			terms{whole: byCRC32, parts: byCRC32}, terms{whole: byCRC32, parts: byCRC32},
			terms{whole: byCRC32, parts: byCRC32, signed: true},
		},
		"when_required": {
			terms{whole: byMD5, parts: byMD5}, terms{whole: byCRC32, parts: byCRC32},
			terms{whole: byMD5, parts: byMD5, signed: true},
		},
	} {
		isolate(t)
		t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", calculation)
		region := func(t *Settings) { t.Address.Region = "us-east-1" }
		directory := func(t *Settings) { t.Bucket = "live--use1-az1" + directoryBucket }
		for s, want := range map[*Store]terms{
			open(t, "", region): want.amazon, open(t, "", region, directory): want.directory,
			open(t, "http://192.0.2.1"): want.other,
		} {
			if got, _ := s.terms.now(); got != want {
				t.Errorf("%q: %s in %s has %+v, want %+v", calculation, s.settings.Bucket, s.Endpoint(), got, want)
			}
		}
	}
}

// A store that takes content in some terms only.
func particular(t *testing.T, tls bool, refusal func(r *http.Request) (status int, code, message string)) (endpoint string, requests func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, r.Header.Get("X-Amz-Content-Sha256"))
		mu.Unlock()
		if status, code, message := refusal(r); status != 0 {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
			return
		}
		sum := md5.Sum(b)
		w.Header().Set("ETag", fmt.Sprintf("\"%x\"", sum))
	})
	server := httptest.NewUnstartedServer(h)
	isolate(t)
	if tls {
		server.StartTLS()
		ca := filepath.Join(t.TempDir(), "ca.pem")
		write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
		t.Setenv("AWS_CA_BUNDLE", ca)
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

const unsigned = "UNSIGNED-PAYLOAD"

func has(header string) func(r *http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get(header) != "" }
}

// What the store does not take, it gets in other terms, at once and from then on.
func TestStoreGetsContentInTermsThatItTakes(t *testing.T) {
	isUnsigned := func(r *http.Request) bool { return r.Header.Get("X-Amz-Content-Sha256") == unsigned }
	md5, crc := has("Content-Md5"), has("X-Amz-Checksum-Crc32")
	neither := func(r *http.Request) bool { return !md5(r) && !crc(r) }
	for name, c := range map[string]struct {
		refuses       func(r *http.Request) bool
		status        int
		code, message string
		environment   string
		signing       Signing
		requests      []int // of each PUT
		fails         bool
	}{
		"takes all":                            {func(*http.Request) bool { return false }, 0, "", "", "", "", []int{1, 1}, false},
		"no unsigned content":                  {isUnsigned, 400, "InvalidRequest", "UNSIGNED-PAYLOAD PUT is not allowed", "", "", []int{2, 1}, false},
		"no unsigned content, by its header":   {isUnsigned, 400, "InvalidArgument", "x-amz-content-sha256 must be a valid sha256 value", "", "", []int{2, 1}, false},
		"no unsigned content, by a policy":     {isUnsigned, 403, "AccessDenied", "Access Denied", "", "", []int{2, 1}, false},
		"does not implement it":                {isUnsigned, 501, "NotImplemented", "A header you provided implies functionality that is not implemented", "", "", []int{2, 1}, false},
		"no unsigned content, and it is to be": {isUnsigned, 400, "InvalidRequest", "UNSIGNED-PAYLOAD PUT is not allowed", "", SignOff, []int{1, 1}, true},
		"all is to be signed":                  {isUnsigned, 400, "InvalidRequest", "UNSIGNED-PAYLOAD PUT is not allowed", "", SignOn, []int{1, 1}, false},
		"object lock":                          {neither, 400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required", "", "", []int{1, 1}, false},
		"no MD5":                               {md5, 400, "InvalidRequest", "Content-MD5 is not supported: use x-amz-checksum-", "", "", []int{1, 2, 1}, false},
		"no newer checksum":                    {crc, 501, "NotImplemented", "x-amz-checksum-crc32 is not implemented", "when_supported", "", []int{2, 1}, false},
		"neither MD5 nor unsigned": {func(r *http.Request) bool { return md5(r) || isUnsigned(r) }, 400, "InvalidRequest",
			"neither UNSIGNED-PAYLOAD nor Content-MD5 is allowed", "", "", []int{2, 2, 1}, false},
		"denies all":            {func(*http.Request) bool { return true }, 403, "AccessDenied", "Access Denied", "", "", []int{2, 2}, true},
		"does not know the key": {func(*http.Request) bool { return true }, 403, "InvalidAccessKeyId", "m", "", "", []int{1, 1}, true},
		"is broken":             {func(*http.Request) bool { return true }, 500, "InternalError", "checksum unsigned", "", "", []int{1, 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint, requests := particular(t, true, func(r *http.Request) (int, string, string) {
				if c.refuses(r) {
					return c.status, c.code, c.message
				}
				return 0, "", ""
			})
			t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", c.environment)
			s := open(t, endpoint, func(t *Settings) { t.SignPayload = c.signing })
			before := 0
			for i, want := range c.requests {
				err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7))
				if n := len(requests()) - before; (err != nil) != c.fails || n != want {
					t.Errorf("PUT %d took %d requests, %v", i+1, n, err)
				}
				before = len(requests())
			}
		})
	}
}

// Once a store took unsigned content, a refusal that says nothing of it is one of something else.
func TestTermsThatWereAcceptedAreKept(t *testing.T) {
	denied := false
	endpoint, requests := particular(t, true, func(*http.Request) (int, string, string) {
		if denied {
			return 403, "AccessDenied", "Access Denied"
		}
		return 0, "", ""
	})
	s := open(t, endpoint)
	if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); err != nil {
		t.Fatal(err)
	}
	denied = true
	if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); !errors.Is(err, uploader.ErrPermanent) || len(requests()) != 2 {
		t.Errorf("%d requests, %v", len(requests()), err)
	}
}

// The signature covers content that could be changed on its way, unless the config says otherwise.
func TestContentIsSignedWhereItCanBeChangedOnTheWay(t *testing.T) {
	for endpoint, private := range map[string]bool{
		"http://store.example:9000": false, "https://store.example": true, "HTTPS://store.example": true,
		"http://192.0.2.1": false, "http://127.0.0.1:9000": true, "http://127.9.9.9": true, "http://[::1]:9000": true,
		"http://localhost:9000": true, "http://localhost.example": false, "http://127.0.0.1.example": false,
		"http://0.0.0.0:9000": false, "http://[fe80::1]": false, "": true,
	} {
		var o s3.Options
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if got := isPrivate(o); got != private {
			t.Errorf("%s: private is %v", endpoint, got)
		}
		for signing, signed := range map[Signing]bool{"": !private, SignAuto: !private, SignOn: true, SignOff: false} {
			if got, _ := newAgreement(signing, terms{}, private).now(); got.signed != signed {
				t.Errorf("%s, sign_payload %q: signed is %v", endpoint, signing, got.signed)
			}
		}
	}
}

// The config decides whether the signature covers the content.
func TestContentIsSignedAsTheConfigSays(t *testing.T) {
	for _, c := range []struct {
		tls     bool
		signing Signing
		signed  bool
	}{
		{false, "", false}, {false, SignOn, true}, {true, SignAuto, false}, {false, SignOff, false},
		{true, SignOn, true},
	} {
		endpoint, requests := particular(t, c.tls, func(*http.Request) (int, string, string) { return 0, "", "" })
		s := open(t, endpoint, func(t *Settings) { t.SignPayload = c.signing })
		if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); err != nil {
			t.Fatal(err)
		}
		if got := requests()[0]; (got != unsigned) != c.signed {
			t.Errorf("TLS %v, sign_payload %q: the signature says %q", c.tls, c.signing, got)
		}
	}
}

// A changing is a file that is written after it was summed up, while it is sent.
type changing struct {
	*bytes.Reader
	reads atomic.Int32
	after int32
}

func (c *changing) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	if off == 0 {
		c.reads.Add(1)
	}
	if c.reads.Load() > c.after && off == 0 && n > 0 {
		p[0] = '!'
	}
	return n, err
}

// A file that changes between its sum and its sending does not become an object, and is tried
// again, whatever proves what was sent.
func TestFileThatChangesWhileItIsSentLeavesNoObject(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	s := open(t, server.Endpoint)
	if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); err != nil {
		t.Fatal(err)
	}
	for _, signing := range []Signing{SignOn, SignOff} {
		for _, p := range []proof{byMD5, byCRC32, onTrial, byEcho} {
			s := open(t, server.Endpoint, func(t *Settings) { t.SignPayload = signing })
			s.terms.present.whole = p
			err := s.Put(t.Context(), object("k", &changing{Reader: bytes.NewReader([]byte("another")), after: 1}, 7))
			if err == nil || errors.Is(err, uploader.ErrPermanent) {
				t.Errorf("sign_payload = %s, %d: %v", signing, p, err)
			}
			if b, err := server.Object("k"); err != nil || string(b) != "content" {
				t.Errorf("sign_payload = %s, %d: the store has %q, %v", signing, p, b, err)
			}
		}
	}
}
