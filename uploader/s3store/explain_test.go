package s3store

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"ems-sidecar/uploader"
)

// listen returns the address of a server that does with each connection what serve does, and closes
// it.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// quiet keeps a server's log of clients that give up out of the test's output.
func quiet(s *httptest.Server) { s.Config.ErrorLog = log.New(io.Discard, "", 0) }

func tlsServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(confirm))
	quiet(s)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// An error says what happened, and what is known to help. It never says that there was no answer
// after one.
func TestErrorsSayWhatIsWrongOnTheWayToTheStore(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(confirm))
	defer plain.Close()
	https := tlsServer(t)
	bundle := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		endpoint string
		bundle   string
		says     []string
	}{
		"an unknown authority": {https.URL, "", []string{"certificate signed by unknown authority", "AWS_CA_BUNDLE"}},
		"plain HTTP where there is TLS": {"http://" + https.Listener.Addr().String(), "",
			[]string{"400, and not a store's answer: text", "speaks TLS: write https:// in endpoint"}},
		"plain HTTP where another server has TLS": {"http://" + listen(t, func(c net.Conn) {
			c.Read(make([]byte, 10_000))
			c.Write([]byte("\x15\x03\x01\x00\x02\x02\x46"))
		}), "", []string{"an alert of TLS", "write https:// in endpoint"}},
		"TLS where there is none": {"https://" + plain.Listener.Addr().String(), "", []string{"does not look like a TLS handshake", "write http:// in endpoint"}},
		"TLS where something else is": {"https://" + listen(t, func(c net.Conn) { c.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n")) }), "",
			[]string{"does not look like a TLS handshake", "speaks no TLS"}},
		"no one": {"http://" + func() string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			return l.Addr().String()
		}(), "", []string{"connection refused", "no connection to http://127.0.0.1:"}},
		"cut before the answer": {"http://" + listen(t, func(c net.Conn) { c.Read(make([]byte, 100)) }), "",
			[]string{" while "}},
		"cut in the answer": {"http://" + listen(t, func(c net.Conn) {
			c.Read(make([]byte, 10_000))
			c.Write([]byte("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 100\r\n\r\n<ListBucketResult>"))
		}), "", []string{" while reading the answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_CA_BUNDLE", c.bundle)
			// A request without a body: a server that cuts the connection does not meet one that is
			// still being sent.
			err := open(t, c.endpoint).List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil })
			wantAdvice(t, err, strings.Contains(err.Error(), ": 400, and"), c.says...)
		})
	}
}

// wantAdvice fails the test unless err says all of it and is for good, or not.
func wantAdvice(t *testing.T, err error, permanent bool, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if errors.Is(err, uploader.ErrPermanent) != permanent {
		t.Errorf("%v: permanent %v", err, !permanent)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	for _, never := range []string{"does not answer", "XML syntax", "https response error", "operation error"} {
		if strings.Contains(err.Error(), never) {
			t.Errorf("%q says %q", err, never)
		}
	}
}

// What the standard library says of certificates and names, as it comes from a request.
func TestErrorsSayWhatIsWrongWithCertificatesAndNames(t *testing.T) {
	certificate := tlsServer(t).Certificate() // of example.com
	for name, c := range map[string]struct {
		err    error
		change func(*Settings)
		says   []string
	}{
		"another name": {x509.HostnameError{Certificate: certificate, Host: "s3.example.org"}, nil,
			[]string{"valid for example.com", "not for that name: correct endpoint"}},
		"a bucket with dots": {x509.HostnameError{Certificate: certificate, Host: "my.bucket.s3.amazonaws.com"},
			func(t *Settings) { t.Bucket = "my.bucket" }, []string{"path_style = on"}},
		"expired": {x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired}, nil, []string{"expired", "renew it, or set the clock"}},
		"no such region": {&net.DNSError{Err: "no such host", Name: "s3.eu-cental-1.amazonaws.com", IsNotFound: true},
			func(t *Settings) { t.Address.Endpoint, t.Address.Region = "", "eu-cental-1" },
			[]string{"no name server knows s3.eu-cental-1.amazonaws.com", "is region = eu-cental-1 right?"}},
		"no such host": {&net.DNSError{Err: "no such host", Name: "minio.lan", IsNotFound: true}, nil,
			[]string{"no name server knows minio.lan", "is endpoint right?"}},
		"no name server": {&net.DNSError{Err: "i/o timeout", Name: "minio.lan", Server: "127.0.0.1:53", IsTimeout: true}, nil,
			[]string{"could not be looked up", "/etc/resolv.conf"}},
		"a proxy that refuses": {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("connection refused")}, nil, []string{"HTTPS_PROXY"}},
		"no way":               {&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}, nil, []string{"is the endpoint right, and the network up?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ENDPOINT_URL", "")
			s := open(t, "http://127.0.0.1:1", func(t *Settings) {
				if c.change != nil {
					c.change(t)
				}
			})
			cause := c.err
			if e := (x509.HostnameError{}); errors.As(cause, &e) {
				cause = &tls.CertificateVerificationError{Err: cause}
			}
			err := s.explain(putPermission, &UnansweredError{Connecting, "x:443", &url.Error{Op: "Put", URL: "https://x/?secret", Err: cause}})
			wantAdvice(t, err, false, c.says...)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the URL is in %v", err)
			}
		})
	}
}

// Pages of servers in front of the store, as these send them.
func TestErrorsTellServersInFrontFromTheStore(t *testing.T) {
	t.Parallel()
	nginx := func(title string) string {
		return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
	}
	for name, c := range map[string]struct {
		status    int
		server    string
		body      string
		permanent bool
		says      []string
	}{
		"413 of nginx": {413, "nginx/1.22.1", nginx("413 Request Entity Too Large"), true,
			[]string{`413, and not a store's answer: a page of HTML "413 Request Entity Too Large", from a server that calls itself nginx/1.22.1`,
				"refuses bodies of 3.0 MiB", "client_max_body_size"}},
		"413 without a page":    {413, "", "", true, []string{"refuses bodies of 3.0 MiB"}},
		"413 of a JSON gateway": {413, "kong/3.4", `{"message":"Request size limit exceeded"}`, true, []string{"JSON", "refuses bodies"}},
		"502 of nginx":          {502, "nginx", nginx("502 Bad Gateway"), false, []string{"502", `"502 Bad Gateway"`, "look whether the store runs"}},
		"502 without a page":    {502, "", "", false, []string{"502", "look whether the store runs"}},
		"503 of HAProxy":        {503, "", "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n", false, []string{"503", "look whether the store runs"}},
		"504 of nginx":          {504, "nginx", nginx("504 Gateway Time-out"), false, []string{"504", "no answer from it in time"}},
		"400 of nginx with TLS": {400, "nginx", nginx("400 The plain HTTP request was sent to HTTPS port"), false, []string{"write https:// in endpoint"}},
		"400 of Apache with TLS": {400, "Apache", "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head><title>400 Bad Request</title></head><body>" +
			"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br /></body></html>", false, []string{"write https:// in endpoint"}},
		"404 of an ingress":   {404, "", "default backend - 404", false, []string{`text "default backend - 404"`, "is it the address of the store's S3 API"}},
		"403 of a firewall":   {403, "cloudflare", "<html><title>Attention Required! | Cloudflare</title></html>", false, []string{"Attention Required! | Cloudflare"}},
		"405 of a web server": {405, "Apache", "<html><head><title>405 Method Not Allowed</title></head></html>", false, []string{"405 Method Not Allowed"}},
		"407 of a proxy":      {407, "squid", "<html><title>ERROR: Cache Access Denied</title></html>", false, []string{"a proxy asks for a password"}},
		"500 that is garbage": {500, "", "<<<<\x00\xff garbage & not xml", false, []string{"500, and not a store's answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.server != "" {
					w.Header().Set("Server", c.server)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			const size = 3 << 20
			err := s.Put(t.Context(), object("k", strings.NewReader(strings.Repeat("x", size)), size))
			wantAdvice(t, err, c.permanent, c.says...)
		})
	}
}

// Each kind of denial that Amazon words.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func TestErrorsOfDenialsNameWhatToAllow(t *testing.T) {
	t.Parallel()
	const who = "User: arn:aws:iam::123456789012:user/ems is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::live/k\" "
	for message, says := range map[string]string{
		"Access Denied": "allow s3:PutObject and s3:PutObjectAcl, for acl, on arn:aws:s3:::live/*",
		who + "because no identity-based policy allows the s3:PutObject action":  "allow s3:PutObject",
		who + "with an explicit deny in a resource-based policy":                 "a policy forbids it, whatever others allow",
		who + "because public ACLs are prevented by the BlockPublicAcls setting": "remove acl",
		"Access Denied because object protected by object lock.":                 "delete = keep",
		"Request has expired": "let NTP set this host's clock",
	} {
		t.Run(message, func(t *testing.T) {
			fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>"+message+"</Message></Error>")
			}))
			defer fake.Close()
			s := open(t, fake.URL, func(t *Settings) { t.Objects.ACL = "public-read" })
			wantAdvice(t, s.Put(t.Context(), object("k", strings.NewReader("x"), 1)), true, says)
		})
	}
}

func TestErrorsTellByHowMuchClocksDiffer(t *testing.T) {
	t.Parallel()
	s := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		refuse(w, r, http.StatusForbidden, "RequestTimeTooSkewed")
	})
	err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1))
	wantAdvice(t, err, false, "this host's clock and the store's differ by 1h0m", "NTP")
}

// A region or a bucket of which there can be no URL.
func TestSettingsThatMakeNoURLArePermanentErrors(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "")
	for _, change := range []func(*Settings){
		func(t *Settings) { t.Address.Region = "eu_central_1!" },
		func(t *Settings) { t.Address.Region, t.Bucket = "eu-central-1", "arn:aws:s3:::live" },
	} {
		s := open(t, "", change)
		err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1))
		if !errors.Is(err, uploader.ErrBucket) {
			t.Errorf("%v is not of the bucket", err)
		}
		wantAdvice(t, err, true, "correct region, default_bucket or endpoint")
	}
}

// A request that takes too long says how far it came.
func TestTimeoutsTellHowFarTheRequestCame(t *testing.T) {
	t.Parallel()
	never := func(c net.Conn) { io.Copy(io.Discard, c) } // until the client gives up
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	stops := func(c net.Conn) { c.Read(make([]byte, 1)); <-over }
	for name, c := range map[string]struct {
		endpoint string
		size     int
		says     string
	}{
		"TLS":     {"https://" + listen(t, never), 1, "timeout while agreeing on TLS with 127.0.0.1:"},
		"waiting": {"http://" + listen(t, never), 1, "timeout while waiting for the answer of 127.0.0.1:"},
		"sending": {"http://" + listen(t, stops), 24 << 20, "timeout while sending to 127.0.0.1:"},
		"reading": {"http://" + listen(t, func(c net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body) // the SDK closes a body when its answer comes
			io.WriteString(c, "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 10\r\n\r\nabc")
			never(c)
		}), 1, "timeout while reading the answer of 127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, c.endpoint, func(t *Settings) { t.PartSize = 1 << 30 })
			s.habits.noExpect.Store(true)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := s.Put(ctx, object("k", strings.NewReader(strings.Repeat("x", c.size)), int64(c.size)))
			wantAdvice(t, err, false, c.says)
		})
	}
}
