package s3store

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"ems-sidecar/uploader"
)

// The store checks the signature of what intermediaries have changed.
func TestIntermediariesMayChangeWhatTheStoreNeedNotBelieve(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	for name, change := range map[string]func(h http.Header){
		"Google's front end":      func(h http.Header) { h.Set("Accept-Encoding", h.Get("Accept-Encoding")+",gzip(gfe)") },
		"a proxy that compresses": func(h http.Header) { h.Set("Accept-Encoding", "br, gzip") },
		"a proxy that drops what it does not know": func(h http.Header) {
			h.Del("Amz-Sdk-Invocation-Id")
			h.Del("Amz-Sdk-Request")
		},
		"a proxy that hides the client": func(h http.Header) { h.Set("User-Agent", "proxy") },
		"a proxy that says its name": func(h http.Header) {
			h.Set("Via", "1.1 proxy")
			h.Set("X-Forwarded-For", "127.0.0.1")
			h.Set("Amz-Sdk-Request", "attempt=7")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g.onCall(func(_ *call, _ http.ResponseWriter, r *http.Request) bool { change(r.Header); return true })
			ctx := t.Context()
			if err := s.Put(ctx, object("a/k.ts", strings.NewReader("content"), 7)); err != nil {
				t.Errorf("Put: %v", err)
			}
			large := object("a/large.mp4", bytes.NewReader(make([]byte, 6<<20)), 6<<20)
			large.Resumable = true
			if err := s.Put(ctx, large); err != nil {
				t.Errorf("Put in parts: %v", err)
			}
			if _, found, err := s.Stat(ctx, "a/k.ts"); !found || err != nil {
				t.Errorf("Stat: %v, %v", found, err)
			}
			if b, err := s.Get(ctx, "a/k.ts"); string(b) != "content" {
				t.Errorf("Get: %q, %v", b, err)
			}
			listed := 0
			if err := s.List(ctx, "a/", "", func(string, uploader.ObjectInfo) error { listed++; return nil }); err != nil || listed != 2 {
				t.Errorf("List: %d, %v", listed, err)
			}
			if _, err := s.AbortUploads(ctx, "a/", time.Hour, func(string) bool { return false }); err != nil {
				t.Errorf("AbortUploads: %v", err)
			}
			if err := s.Delete(ctx, []string{"a/k.ts", "a/large.mp4"}); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
	}
}

// What becomes part of the object, or decides where it goes, is signed.
func TestSignatureCoversWhatTheStoreDoes(t *testing.T) {
	t.Parallel()
	g := newGate(t, servers.Server(t))
	s := open(t, g.endpoint)
	for _, header := range []string{"Content-Type", "Cache-Control", "X-Amz-Meta-Mtime", "X-Amz-Date", "X-Amz-Content-Sha256"} {
		g.onCall(func(_ *call, _ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get(header) == "" {
				t.Errorf("%s is not sent", header)
			}
			r.Header.Set(header, r.Header.Get(header)+"0")
			return true
		})
		if err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1)); err == nil || !errors.Is(err, uploader.ErrPermanent) {
			t.Errorf("%s was changed on its way: %v", header, err)
		}
	}
}

func TestOtherSignatureNamesAllItsCauses(t *testing.T) {
	t.Parallel()
	g := newGate(t, servers.Server(t))
	g.onCall(func(_ *call, w http.ResponseWriter, r *http.Request) bool {
		refuse(w, r, http.StatusForbidden, "SignatureDoesNotMatch")
		return false
	})
	err := open(t, g.endpoint).Put(t.Context(), object("k", strings.NewReader("x"), 1))
	for _, cause := range []string{"aws_secret_key", "a proxy", "another name", g.endpoint} {
		if err == nil || !strings.Contains(err.Error(), cause) {
			t.Errorf("%v does not name %s", err, cause)
		}
	}
}
