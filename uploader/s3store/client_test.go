package s3store

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ems-sidecar/uploader"
)

// isolate keeps what the environment of this host says about AWS out of a test.
func isolate(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// etagged answers each request as a store does that takes all.
func etagged(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	if r.Method == http.MethodHead {
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", "7")
	}
	w.Header().Set("ETag", `"`+etagOfContent+`"`)
}

// A private CA that the environment or the profile names serves first connections and fresh ones,
// whatever asks for them.
func TestPrivateCAServesEveryConnection(t *testing.T) {
	store := httptest.NewTLSServer(http.HandlerFunc(etagged))
	defer store.Close()
	bundle := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: store.Certificate().Raw}))
	for name, configure := range map[string]func(t *testing.T, dir string){
		"AWS_CA_BUNDLE": func(t *testing.T, dir string) { t.Setenv("AWS_CA_BUNDLE", filepath.Join(dir, "ca.pem")) },
		"ca_bundle of the default profile": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\nca_bundle = "+filepath.Join(dir, "ca.pem")+"\n")
		},
		"ca_bundle of another profile": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[profile live]\nca_bundle = "+filepath.Join(dir, "ca.pem")+"\n")
			t.Setenv("AWS_PROFILE", "live")
		},
		"ca_bundle and a defaults mode": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\ndefaults_mode = in-region\nca_bundle = "+filepath.Join(dir, "ca.pem")+"\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := isolate(t)
			write(t, filepath.Join(dir, "ca.pem"), bundle)
			configure(t, dir)
			s := open(t, store.URL)
			for _, fresh := range []bool{false, true, false, true} {
				o := object("k", strings.NewReader("content"), 7)
				o.FreshConnection = fresh
				if err := s.Put(t.Context(), o); err != nil {
					t.Errorf("PUT, fresh connection %v: %v", fresh, err)
				}
			}
			if _, found, err := s.Stat(t.Context(), "k"); !found || err != nil {
				t.Errorf("HEAD: %v, %v", found, err)
			}
		})
	}
	isolate(t)
	if err := open(t, store.URL).Put(t.Context(), object("k", strings.NewReader("x"), 1)); err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("without the CA: %v", err)
	}
}

// A proxy of the environment serves first connections and fresh ones. Go reads that environment
// once in a process, so that this test runs itself in another one.
func TestProxyServesEveryConnection(t *testing.T) {
	t.Parallel()
	const endpoint = "http://store.test"
	if os.Getenv("S3STORE_TEST_PROXIED") != "" {
		s := open(t, endpoint)
		for _, fresh := range []bool{false, true} {
			o := object("k", strings.NewReader("content"), 7)
			o.FreshConnection = fresh
			if err := s.Put(t.Context(), o); err != nil {
				t.Errorf("fresh connection %v: %v", fresh, err)
			}
		}
		return
	}
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "store.test" { // only a proxy is told it
			proxied.Add(1)
		}
		etagged(w, r)
	}))
	defer proxy.Close()
	c := exec.Command(os.Args[0], "-test.run=^TestProxyServesEveryConnection$")
	c.Env = append(os.Environ(), "S3STORE_TEST_PROXIED=1", "HTTP_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
	if out, err := c.CombinedOutput(); err != nil || proxied.Load() != 2 {
		t.Errorf("%d requests went through the proxy, want 2; %v\n%s", proxied.Load(), err, out)
	}
}

// What the profile says of the endpoint holds for fresh connections, too.
func TestEndpointOfTheProfileServesEveryConnection(t *testing.T) {
	dir := isolate(t)
	var requests atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		etagged(w, r)
	}))
	defer store.Close()
	write(t, filepath.Join(dir, "config"), "[default]\nregion = eu-west-3\nendpoint_url = "+store.URL+"\n")
	s := open(t, "")
	for _, fresh := range []bool{false, true} {
		o := object("k", strings.NewReader("content"), 7)
		o.FreshConnection = fresh
		if err := s.Put(t.Context(), o); err != nil {
			t.Error(err)
		}
	}
	if requests.Load() != 2 {
		t.Errorf("the endpoint got %d requests, want 2", requests.Load())
	}
}

// FIPS and dual-stack endpoints are asked for by the environment, and are used by all requests.
func TestEnvironmentChoosesTheEndpointOfAmazon(t *testing.T) {
	for name, c := range map[string]struct{ variable, host string }{
		"FIPS":       {"AWS_USE_FIPS_ENDPOINT", "live.s3-fips.us-east-1.amazonaws.com:443"},
		"dual stack": {"AWS_USE_DUALSTACK_ENDPOINT", "live.s3.dualstack.us-east-1.amazonaws.com:443"},
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			t.Setenv(c.variable, "true")
			s := open(t, "", func(t *Settings) { t.Address.Region = "us-east-1" })
			n := &network{}
			s.client.Options().HTTPClient.(*client).dialer.lookup = n.lookup // knows no name
			for _, fresh := range []bool{false, true} {
				o := object("k", strings.NewReader("content"), 7)
				o.FreshConnection = fresh
				var u *UnansweredError
				if err := s.Put(t.Context(), o); !errors.As(err, &u) || u.Address+":443" != c.host {
					t.Errorf("fresh connection %v: %v", fresh, err)
				}
			}
		})
	}
}

// The request, its signature and the content go nowhere else than where the config says.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var led atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		led.Add(1)
		etagged(w, r)
	}))
	defer elsewhere.Close()
	u, err := url.Parse(elsewhere.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{elsewhere.URL + "/live/k", "http://localhost:" + u.Port() + "/live/k", "//" + u.Host + "/k", "::no URL", ""} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				if location != "" {
					w.Header().Set("Location", location)
				}
				w.WriteHeader(status)
			}))
			s := open(t, store.URL)
			for name, request := range map[string]func() error{
				"PUT":          func() error { return s.Put(t.Context(), object("k", strings.NewReader("x"), 1)) },
				"PUT of none":  func() error { return s.Put(t.Context(), object("k", strings.NewReader(""), 0)) },
				"PUT in parts": func() error { return s.Put(t.Context(), object("k", bytes.NewReader(make([]byte, 6<<20)), 6<<20)) },
				"HEAD":         func() error { _, _, err := s.Stat(t.Context(), "k"); return err },
				"GET":          func() error { _, err := s.Get(t.Context(), "k"); return err },
				"DELETE":       func() error { return s.Delete(t.Context(), []string{"k"}) },
				"list": func() error {
					return s.List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil })
				},
			} {
				err := request()
				if err == nil {
					t.Errorf("%s, %d to %q: %v", name, status, location, err)
					continue
				}
				if location == elsewhere.URL+"/live/k" && name == "PUT" && !strings.Contains(err.Error(), elsewhere.URL) {
					t.Errorf("%v does not say where the store redirects to", err)
				}
			}
			store.Close()
		}
	}
	if n := led.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

var _ aws.HTTPClient = (*client)(nil)

// A body that the SDK closes when all of it was sent breaks no connection off: net/http reads no
// further.
func TestBodyEndsWithoutAnotherRead(t *testing.T) {
	t.Parallel()
	closed := errors.New("read of a closed body")
	inner := io.MultiReader(strings.NewReader("content"), iotest.ErrReader(closed))
	b := &exactBody{ReadCloser: io.NopCloser(inner), left: 7}
	if got, err := io.ReadAll(b); string(got) != "content" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	b = &exactBody{ReadCloser: io.NopCloser(inner), left: 7}
	if _, err := io.ReadAll(b); !errors.Is(err, closed) {
		t.Errorf("a body that is too short: %v", err)
	}
}
