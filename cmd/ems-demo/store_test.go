package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func newTestStore(t *testing.T) (*store, *httptest.Server) {
	t.Helper()
	s, err := newStore(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server
}

func newTestClient(endpoint, accessKey, secretKey string) *s3.Client {
	return s3.New(s3.Options{
		Region:                     "us-east-1",
		BaseEndpoint:               aws.String(endpoint),
		UsePathStyle:               true,
		Credentials:                credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		RetryMaxAttempts:           1,
	})
}

func TestStoreGivesAnyoneWhatASignedRequestPut(t *testing.T) {
	s, server := newTestStore(t)
	content := []byte("0123456789")

	_, err := newTestClient(server.URL, s.AccessKey, s.SecretKey).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucketName), Key: aws.String("demo/live1/a b+c.ts"), Body: bytes.NewReader(content),
		ContentType: aws.String("video/mp2t"), CacheControl: aws.String("public, max-age=60"),
	})
	if err != nil {
		t.Fatal(err)
	}

	for name, request := range map[string]struct {
		method, query, rangeHeader string
		status                     int
		body                       string
	}{
		"GET":              {method: "GET", status: 200, body: "0123456789"},
		"HEAD":             {method: "HEAD", status: 200},
		"GET of a range":   {method: "GET", rangeHeader: "bytes=2-4", status: 206, body: "234"},
		"GET past the end": {method: "GET", rangeHeader: "bytes=50-", status: 416},
		"GET with a query": {method: "GET", query: "?acl", status: 200, body: "0123456789"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(request.method, server.URL+"/"+bucketName+"/demo/live1/a%20b+c.ts"+request.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", "http://player.example")
			if request.rangeHeader != "" {
				r.Header.Set("Range", request.rangeHeader)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}

			if response.StatusCode != request.status {
				t.Fatalf("status %d, want %d: %s", response.StatusCode, request.status, body)
			}
			if got := response.Header.Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("Access-Control-Allow-Origin is %q", got)
			}
			if request.status >= 400 {
				return
			}
			if string(body) != request.body {
				t.Errorf("body %q, want %q", body, request.body)
			}
			if got := response.Header.Get("Content-Type"); got != "video/mp2t" {
				t.Errorf("Content-Type is %q", got)
			}
			if got := response.Header.Get("Cache-Control"); got != "public, max-age=60" {
				t.Errorf("Cache-Control is %q", got)
			}
		})
	}
}

func TestStoreRefusesWhatIsNotSigned(t *testing.T) {
	s, server := newTestStore(t)
	put(t, s, "demo/x.ts", "x")

	for _, request := range []struct{ method, path string }{
		{"PUT", "/demo/y.ts"}, {"POST", "/demo/y.ts?uploads"}, {"DELETE", "/demo/x.ts"},
		{"POST", "?delete"}, {"GET", ""}, {"GET", "?list-type=2"}, {"DELETE", ""},
	} {
		r, err := http.NewRequest(request.method, server.URL+"/"+bucketName+request.path, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s %q: status %d, want 403", request.method, request.path, response.StatusCode)
		}
	}

	if !holds(t, s, "demo/x.ts") || holds(t, s, "demo/y.ts") {
		t.Error("an unsigned request changed the bucket")
	}
}

func TestStoreRefusesAWrongSecret(t *testing.T) {
	s, server := newTestStore(t)

	_, err := newTestClient(server.URL, s.AccessKey, "not the secret").PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucketName), Key: aws.String("x"), Body: strings.NewReader("x"),
	})

	var refused *awshttp.ResponseError
	if !errors.As(err, &refused) || refused.HTTPStatusCode() != http.StatusForbidden {
		t.Fatalf("error %v, want status 403", err)
	}
}

func TestStoreAnswersABrowsersPreflight(t *testing.T) {
	_, server := newTestStore(t)
	r, err := http.NewRequest("OPTIONS", server.URL+"/"+bucketName+"/demo/live1/x.ts", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "http://player.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	r.Header.Set("Access-Control-Request-Headers", "range")

	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()

	if response.StatusCode != http.StatusNoContent || response.Header.Get("Access-Control-Allow-Origin") != "*" ||
		response.Header.Get("Access-Control-Allow-Headers") != "*" {
		t.Errorf("status %d, headers %v", response.StatusCode, response.Header)
	}
}

// put stores an object, behind the server's back.
func put(t *testing.T, s *store, key, content string) {
	t.Helper()
	if _, err := s.backend.PutObject(t.Context(), bucketName, key, nil, strings.NewReader(content), int64(len(content))); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, s *store, key string) bool {
	t.Helper()
	_, ok := s.size(t.Context(), key)
	return ok
}
