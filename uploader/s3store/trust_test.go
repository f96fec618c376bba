package s3store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/uploader"
)

// When this host's clock jumps by an hour, the store refuses what is signed by it; the attempt
// after that is right.
func TestAttemptAfterTheClockJumpsSucceeds(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64 // of the store's clock
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(time.Duration(ahead.Load()))
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || now.Sub(signed).Abs() > 15*time.Minute {
			refuse(w, r, http.StatusForbidden, "RequestTimeTooSkewed")
			return
		}
		confirm(w, r)
	}))
	defer fake.Close()
	s := open(t, fake.URL)
	put := func() error { return s.Put(t.Context(), object("k", strings.NewReader("x"), 1)) }
	if err := put(); err != nil {
		t.Fatal(err)
	}
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		ahead.Store(int64(jump))
		if err := put(); err == nil || errors.Is(err, uploader.ErrPermanent) {
			t.Errorf("the first attempt after a jump by %v: %v", jump, err)
		}
		if err := put(); err != nil {
			t.Errorf("the second attempt after a jump by %v: %v", jump, err)
		}
	}
}

// Credentials that expire are renewed where they came from.
func TestCredentialsThatExpireAreRenewed(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "credentials")
	// The n-th answer has the key KEYn, and is good for a moment.
	program := fmt.Sprintf(`#!/bin/sh
echo x >> %[1]s/calls
printf '{"Version":1,"AccessKeyId":"KEY%%d","SecretAccessKey":"secret","SessionToken":"t","Expiration":"%%s"}' \
	$(wc -l < %[1]s/calls) $(date -u -d '+2 seconds' +%%Y-%%m-%%dT%%H:%%M:%%SZ)
`, dir)
	if err := os.WriteFile(script, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
		"AWS_CONFIG_FILE": filepath.Join(dir, "config"),
	} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte("[default]\ncredential_process = "+script+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := make(chan string, 100)
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		confirm(w, r)
		_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ = strings.Cut(key, "/")
		keys <- key
	}))
	defer fake.Close()
	s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: fake.URL}, PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1)); err != nil {
			t.Fatal(err)
		}
		if key := <-keys; key == "KEY2" {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("after 20 s, requests are still signed by %s", key)
		}
	}
}

// An outage of the service that gives credentials is like any other. It says nothing about what
// they are worth.
func TestOutageOfTheCredentialServiceIsNotPermanent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	dir := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
		"AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://" + l.Addr().String() + "/",
	} {
		t.Setenv(name, value)
	}
	s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: "http://127.0.0.1:1"}, PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err = s.Put(ctx, object("k", strings.NewReader("x"), 1))
	if err == nil || errors.Is(err, uploader.ErrPermanent) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}
