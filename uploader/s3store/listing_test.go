package s3store

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

func TestOlderUploadsOfTheKeyAreAborted(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	for _, key := range []string{"a.mp4", "a.mp4.2", "b/a.mp4", "a.mp4"} {
		leave(t, open(t, g.endpoint), resumable(key, clip))
	}
	leave(t, open(t, g.endpoint), resumable("a.mp4", clip), 1)
	g.forget()
	pageUploads(g)
	s := open(t, g.endpoint)
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil {
		t.Fatal(err)
	}
	if parts, _ := g.sent(); !slices.Equal(parts, []int{2}) {
		t.Errorf("parts %v were sent, want those that the newest has not", parts)
	}
	if n := len(g.of("ListUploads")); n != 4 {
		t.Errorf("%d pages were asked for, want 4", n)
	}
	g.onCall(nil)
	g.onAnswer(nil)
	wantUnfinished(t, s, "a.mp4.2", "b/a.mp4")
	wantObject(t, server, "a.mp4", clip)
}

func TestPartsOfAllPagesAreFound(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	whole := content(1, 15*mib+1)
	leave(t, open(t, g.endpoint), resumable("a.mp4", whole), 1, 2, 3)
	g.forget()
	s := open(t, g.endpoint)
	s.client = s3.New(s.client.Options(), onePartAPage)
	if err := s.Put(t.Context(), resumable("a.mp4", whole)); err != nil {
		t.Fatal(err)
	}
	if parts, _ := g.sent(); !slices.Equal(parts, []int{4}) || len(g.of("ListParts")) != 3 {
		t.Errorf("after %d pages, parts %v were sent", len(g.of("ListParts")), parts)
	}
}

// A store that gives the same page for ever is one that cannot list.
func TestListThatRepeatsItsPageIsAnError(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	for op, list := range map[string]string{
		"ListUploads": "<ListMultipartUploadsResult><Upload><Key>x</Key><UploadId>1</UploadId></Upload><IsTruncated>true</IsTruncated><NextKeyMarker>a.mp4</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker></ListMultipartUploadsResult>",
		"ListParts":   "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>",
	} {
		g := newGate(t, server)
		leave(t, open(t, g.endpoint), resumable("a.mp4", content(1, clipSize)))
		g.onCall(func(c *call, w http.ResponseWriter, _ *http.Request) bool {
			if c.op == op {
				io.WriteString(w, list)
			}
			return c.op != op
		})
		var lines bytes.Buffer
		s := open(t, g.endpoint, func(t *Settings) { t.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
		if err := s.Put(t.Context(), resumable("a.mp4", content(1, clipSize))); err != nil || !strings.Contains(lines.String(), errEndless.Error()) {
			t.Errorf("%s: %v, and the log is\n%s", op, err, lines.String())
		}
		if op == "ListParts" { // Put has aborted the upload
			leave(t, open(t, g.endpoint), resumable("b.mp4", content(1, clipSize)))
		}
		if n, err := s.AbortUploads(t.Context(), "", 0, keepNone); n != 0 || !errors.Is(err, errEndless) {
			t.Errorf("%s: %d were aborted, %v", op, n, err)
		}
	}
}

func TestUploadsBeginAgainWhereListingIsRefused(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	clip := content(1, clipSize)
	for name, c := range map[string]struct {
		op, code string
		status   int
	}{
		"uploads, no permission":  {"ListUploads", "AccessDenied", 403},
		"uploads, not known":      {"ListUploads", "NotImplemented", 501},
		"uploads, not allowed":    {"ListUploads", "MethodNotAllowed", 405},
		"uploads, not found":      {"ListUploads", "NoSuchKey", 404},
		"parts, no permission":    {"ListParts", "AccessDenied", 403},
		"parts, not known as 400": {"ListParts", "NotImplemented", 400},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, server)
			var lines bytes.Buffer
			leave(t, open(t, g.endpoint), resumable("a.mp4", clip))
			leave(t, open(t, g.endpoint), resumable("b.mp4", clip))
			g.onCall(func(call *call, w http.ResponseWriter, r *http.Request) bool {
				if call.op == c.op {
					refuse(w, r, c.status, c.code)
				}
				return call.op != c.op
			})
			s := open(t, g.endpoint, func(t *Settings) { t.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
			for _, key := range []string{"a.mp4", "b.mp4"} {
				if err := s.Put(t.Context(), resumable(key, clip)); err != nil {
					t.Fatal(err)
				}
				wantObject(t, server, key, clip)
			}
			text := lines.String()
			if strings.Count(text, "\n") != 1 || !strings.Contains(text, "uploads that a restart interrupts begin again") {
				t.Errorf("the log is\n%s", text)
			}
			if c.status == 403 && (!strings.Contains(text, "s3:ListBucketMultipartUploads on arn:aws:s3:::live ") ||
				!strings.Contains(text, "s3:ListMultipartUploadParts on arn:aws:s3:::live/*")) {
				t.Errorf("the log does not say which permissions:\n%s", text)
			}
			g.onCall(nil)
			if c.op == "ListParts" {
				wantUnfinished(t, s) // of no use to any later attempt either
			} else if _, err := s.AbortUploads(t.Context(), "", 0, keepNone); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A store that is out of order is asked again before anything is sent again.
func TestListingThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	for _, op := range []string{"ListUploads", "ListParts"} {
		for code, status := range map[string]int{"SlowDown": 503, "InvalidAccessKeyId": 403} {
			g := newGate(t, server)
			leave(t, open(t, server.Endpoint), resumable("a.mp4", content(1, clipSize)))
			g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
				if c.op == op {
					refuse(w, r, status, code)
				}
				return c.op != op
			})
			err := open(t, g.endpoint).Put(t.Context(), resumable("a.mp4", content(1, clipSize)))
			if err == nil || errors.Is(err, uploader.ErrBucket) != (status == 403) || len(g.of("Create")) != 0 {
				t.Errorf("%s %s: %d uploads were begun, error %v", op, code, len(g.of("Create")), err)
			}
		}
	}
}

// An upload that ends between being listed and being looked at is none.
func TestListedUploadThatVanishesIsNotContinued(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	leave(t, open(t, server.Endpoint), resumable("a.mp4", clip), 1)
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		if c.op == "ListParts" {
			refuse(w, r, 404, noSuchUpload)
		}
		return c.op != "ListParts"
	})
	if err := open(t, g.endpoint).Put(t.Context(), resumable("a.mp4", clip)); err != nil || len(g.of("Create")) != 1 {
		t.Errorf("%d uploads were begun, %v", len(g.of("Create")), err)
	}
	wantObject(t, server, "a.mp4", clip)
}

// Other uploads that cannot be aborted are no reason to fail.
func TestUploadSucceedsIfOlderOnesCannotBeAborted(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	for range 2 {
		leave(t, open(t, server.Endpoint), resumable("a.mp4", clip))
	}
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		if c.op == "Abort" {
			refuse(w, r, 403, "AccessDenied")
		}
		return c.op != "Abort"
	})
	var lines bytes.Buffer
	s := open(t, g.endpoint, func(t *Settings) { t.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil {
		t.Fatal(err)
	}
	wantObject(t, server, "a.mp4", clip)
	if text := lines.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "allow s3:AbortMultipartUpload on arn:aws:s3:::live/*") {
		t.Errorf("the log is\n%s", text)
	}
}
