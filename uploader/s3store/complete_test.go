package s3store

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"ems-sidecar/uploader"
)

// The store has completed the upload, but its answer was lost. S3 then knows no such upload.
func TestUploadWhoseLastAnswerIsLostIsNotSentAgain(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	clip := content(1, clipSize)
	for name, c := range map[string]struct {
		stored  []byte // what the bucket has at the second attempt
		created int
	}{
		"object is there":        {clip, 0},
		"another object is it":   {content(2, clipSize), 1},
		"a shorter object is it": {clip[:5*mib], 1},
		"there is no object":     {nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, server)
			s := open(t, g.endpoint)
			g.onAnswer(func(c *call, _ *http.Response) error {
				if c.op == "Complete" {
					return errors.New("lost")
				}
				return nil
			})
			if err := s.Put(t.Context(), resumable(name, clip)); err == nil {
				t.Fatal("no answer, and no error")
			}
			g.onAnswer(nil)
			if c.stored == nil {
				if err := s.Delete(t.Context(), []string{name}); err != nil {
					t.Fatal(err)
				}
			} else if err := open(t, server.Endpoint).Put(t.Context(), object(name, bytes.NewReader(c.stored), int64(len(c.stored)))); err != nil {
				t.Fatal(err)
			}
			g.forget()
			g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
				gone := c.op == "Complete" && len(g.of("Create")) == 0
				if gone {
					refuse(w, r, 404, noSuchUpload) // versitygw says that all is well if there is any object
				}
				return !gone
			})
			if err := s.Put(t.Context(), resumable(name, clip)); err != nil {
				t.Fatal(err)
			}
			if n := len(g.of("Create")); n != c.created {
				t.Errorf("%d uploads were begun, want %d", n, c.created)
			}
			wantObject(t, server, name, clip)
		})
	}
}

// If the store cannot be asked whether it has the object, nothing is sent again: it is asked again
// later.
func TestUploadWhoseLastAnswerIsLostWaitsForTheStore(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	s := open(t, g.endpoint)
	leave(t, s, resumable("a.mp4", clip), 1, 2)
	g.forget()
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		switch c.op {
		case "Complete":
			refuse(w, r, 404, noSuchUpload)
		case "HEAD":
			w.WriteHeader(503)
		default:
			return true
		}
		return false
	})
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err == nil || len(g.of("Create")) != 0 {
		t.Errorf("%d uploads were begun, error %v", len(g.of("Create")), err)
	}
	g.onCall(nil)
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil || len(g.of("Create")) != 0 {
		t.Errorf("%d uploads were begun, error %v", len(g.of("Create")), err)
	}
	wantObject(t, server, "a.mp4", clip)
}

// What the store says of the whole object must be right before the upload counts as done.
func TestAnswerToCompleteDecidesWhatIsKept(t *testing.T) {
	t.Parallel()
	clip := content(1, clipSize)
	for name, c := range map[string]struct {
		status  int
		body    string
		says    string
		created int // uploads, at the next attempt
	}{
		"an error with status 200": {200, "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>", "InternalError", 0},
		"nothing":                  {200, "", "an empty answer", 0},
		"half of it":               {200, "<CompleteMultipartUploadResult><Key>a", "unexpected EOF", 0},
		"another ETag": {200, "<CompleteMultipartUploadResult><ETag>\"00112233445566778899aabbccddeeff-2\"</ETag></CompleteMultipartUploadResult>",
			"other content than was sent", 0},
		"a part is wrong": {400, "<Error><Code>InvalidPart</Code><Message>m</Message></Error>", "InvalidPart", 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Server(t)
			g := newGate(t, server)
			s := open(t, g.endpoint)
			g.onCall(func(call *call, w http.ResponseWriter, r *http.Request) bool {
				if call.op == "Complete" {
					io.Copy(io.Discard, r.Body)
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				}
				return call.op != "Complete"
			})
			err := s.Put(t.Context(), resumable("a.mp4", clip))
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, uploader.ErrPermanent) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			g.onCall(nil)
			g.forget()
			if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil {
				t.Fatal(err)
			}
			if parts, _ := g.sent(); len(parts) != 2*c.created || len(g.of("Create")) != c.created {
				t.Errorf("%d uploads were begun after that, and parts %v sent", len(g.of("Create")), parts)
			}
			wantObject(t, server, "a.mp4", clip)
			wantUnfinished(t, s)
		})
	}
}
