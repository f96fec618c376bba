package admin

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve serves the state of a daemon that is fine, and returns where.
func serve(t *testing.T, s Settings) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, s, fakeState{alive: true}, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// certify writes a certificate for a name, and returns its files.
func certify(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestPagesOfOthersLearnNothing(t *testing.T) {
	for name, c := range map[string]struct {
		host    string
		headers http.Header
		want    int
	}{
		"an address":                     {"127.0.0.1:4001", nil, 200},
		"an address without the port":    {"192.0.2.7", nil, 200},
		"an address of IPv6":             {"[::1]:4001", nil, 200},
		"localhost":                      {"localhost:4001", nil, 200},
		"LOCALHOST.":                     {"LOCALHOST.:4001", nil, 200},
		"the host's name":                {"EMS1:4001", nil, 200},
		"HTTP 1.0 without a host":        {"", nil, 200},
		"a name that was rebound":        {"evil.example:4001", nil, 421},
		"one that begins like localhost": {"localhost.evil.example", nil, 421},
		"one that ends like localhost":   {"evil.localhost.example", nil, 421},
		"one that looks like an address": {"127.0.0.1.evil.example:4001", nil, 421},
		"one with an address for a user": {"127.0.0.1@evil.example", nil, 421},
		"a page of another origin":       {"127.0.0.1:4001", http.Header{"Origin": {"http://evil.example"}}, 403},
		"another port of this host":      {"127.0.0.1:4001", http.Header{"Origin": {"http://127.0.0.1:8080"}}, 403},
		"a page without an origin":       {"127.0.0.1:4001", http.Header{"Origin": {"null"}}, 403},
		"an empty origin":                {"127.0.0.1:4001", http.Header{"Origin": {""}}, 403},
		"two origins":                    {"127.0.0.1:4001", http.Header{"Origin": {"http://127.0.0.1:4001", "http://evil.example"}}, 403},
		"its own page":                   {"127.0.0.1:4001", http.Header{"Origin": {"http://127.0.0.1:4001"}}, 200},
		"a picture in another page":      {"127.0.0.1:4001", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"a page of a sister site":        {"127.0.0.1:4001", http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		"the address bar":                {"127.0.0.1:4001", http.Header{"Sec-Fetch-Site": {"none"}}, 200},
	} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = c.host
			for k, v := range c.headers {
				r.Header[k] = v
			}
			w := httptest.NewRecorder()
			guarded(Settings{Names: []string{"", "ems1"}}, Handler(fakeState{alive: true})).ServeHTTP(w, r)
			if w.Code != c.want || c.want != 200 && strings.Contains(w.Body.String(), "ok\n") {
				t.Errorf("%s: %s: %d %s", name, path, w.Code, w.Body)
			}
		}
	}
}

// The page asks for the token. Its files are the same for everyone.
func TestThePageIsServedWithoutTheToken(t *testing.T) {
	address := serve(t, Settings{Token: "s3cret=="})
	for path, want := range map[string]int{"/": 200, "/page/main.js": 200, "/page/../api/v1/version": 401, "/page/none": 404} {
		r, _ := http.NewRequest("GET", "http://"+address+"/", nil)
		r.URL.Path = path
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// What changes something is for those who have the token only: without one, also a page of this
// origin may not.
func TestNothingIsChangedWithoutAToken(t *testing.T) {
	for token, want := range map[string]int{"": 403, "s3cret==": 200} {
		address := serve(t, Settings{Token: token})
		r, _ := http.NewRequest("POST", "http://"+address+"/api/v1/streams/hls%2Fa/end", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("token %q: %d %s, want %d", token, resp.StatusCode, body, want)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestTheTokenIsAskedForEachRequest(t *testing.T) {
	address := serve(t, Settings{Token: "s3cret=="})
	for header, want := range map[string]int{
		"Bearer s3cret==": 200, "bearer  s3cret==": 200, "": 401, "Bearer": 401, "Bearer ": 401, "Bearer s3cret=": 401, "Basic s3cret==": 401,
		"s3cret==": 401, "Bearer s3cret== x": 401,
	} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/v1/version", "/api/v1/streams", "/api/v1/changes", "/elsewhere"} {
			if want == http.StatusOK && path != "/healthz" && path != "/readyz" && path != "/metrics" {
				continue
			}
			r, _ := http.NewRequest("GET", "http://"+address+path, nil)
			r.Host = "ems.example.com" // who has the token is no page that was rebound
			r.Header.Set("Authorization", header)
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != want || strings.Contains(string(body), "s3cret") {
				t.Errorf("%q of %s: %d %s", header, path, resp.StatusCode, body)
			}
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestTheCertificateIsReadAgainWhenItIsReplaced(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certify(t, dir, "one.example")
	var log bytes.Buffer
	certificate, err := LoadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || certificate.Expires().Before(time.Now()) {
		t.Fatal(err)
	}
	address := serve(t, Settings{TLS: certificate})
	// ask returns the name in the certificate, and the answer when the request has that name.
	ask := func() string {
		var name string
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true,
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
				leaf, err := x509.ParseCertificate(raw[0])
				if err == nil {
					name = leaf.DNSNames[0]
				}
				return err
			},
		}}}
		r, _ := http.NewRequest("GET", "https://"+address+"/healthz", nil)
		r.Host = "one.example:4001"
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return fmt.Sprint(name, " ", resp.StatusCode)
	}
	later := func(by time.Duration) {
		for _, file := range []string{certFile, keyFile} {
			if err := os.Chtimes(file, time.Time{}, time.Now().Add(by)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := ask(); got != "one.example 200" {
		t.Error(got)
	}
	if err := os.WriteFile(certFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	later(time.Minute)
	if got := ask() + ask(); got != "one.example 200one.example 200" || strings.Count(log.String(), "cannot be used") != 1 {
		t.Error(got, log.String())
	}
	certify(t, dir, "two.example")
	later(2 * time.Minute)
	if got := ask(); got != "two.example 421" {
		t.Error(got)
	}
	if _, err := LoadCertificate(keyFile, certFile, slog.Default()); err == nil {
		t.Error("a key is no certificate")
	}
}

func TestWhoMayConnectToTheAdminListener(t *testing.T) {
	address := serve(t, Settings{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	for from, want := range map[string]bool{"127.0.0.1": false, "127.0.0.2": true} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := dialer.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		if want {
			io.WriteString(c, "GET /healthz HTTP/1.0\r\n\r\n")
		}
		if answer, err := io.ReadAll(c); err != nil || want != strings.HasPrefix(string(answer), "HTTP/1.0 200 ") {
			t.Errorf("%s: %q, %v", from, answer, err)
		}
		c.Close()
	}
}

// A connection that says nothing, or a little now and then, is closed by the server.
func TestIdleConnectionsAreClosed(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a timeout")
	}
	address := serve(t, Settings{})
	for name, begin := range map[string]string{"nothing": "", "half a header": "GET /healthz HTTP/1.1\r\nX-Y: "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			io.WriteString(c, begin)
			if _, err := io.ReadAll(c); err != nil {
				t.Error(err) // the deadline
			}
		})
	}
}

func TestConnectionsToTheAdminListenerAreFew(t *testing.T) {
	address := serve(t, Settings{})
	var open []net.Conn
	for range maxLocal {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(3 * time.Second)) // before the others are closed
	if answer, err := io.ReadAll(c); err != nil || len(answer) > 0 {
		t.Errorf("%q, %v", answer, err)
	}
	for _, o := range append(open, c) {
		o.Close()
	}
}
