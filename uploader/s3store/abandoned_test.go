package s3store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
)

// setTime makes the server believe that an upload began, or its part came in, so long ago.
func setTime(t *testing.T, server *s3test.Server, key, part string, ago time.Duration) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(server.Dir, ".sgwtmp", "multipart", fmt.Sprintf("%x", sha256.Sum256([]byte(key))), "*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%s has the uploads %v, %v", key, dirs, err)
	}
	when := time.Now().Add(-ago)
	if err := os.Chtimes(filepath.Join(dirs[0], part), when, when); err != nil {
		t.Fatal(err)
	}
}

func TestAbortUploadsAbortsOnlyIdleOnesThatAreNotKept(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	other := open(t, server.Endpoint)
	for _, u := range []struct {
		key         string
		began, last time.Duration // last: when its part came in, 0 for no part
	}{
		{"live/active.mp4", 3 * time.Hour, time.Hour},
		{"live/empty.mp4", 3 * time.Hour, 0},
		{"live/idle.mp4", 4 * time.Hour, 3 * time.Hour},
		{"live/kept.mp4", 3 * time.Hour, 3 * time.Hour},
		{"live/new.mp4", time.Hour, 0},
		{"other/idle.mp4", 3 * time.Hour, 0},
	} {
		if u.last == 0 {
			leave(t, other, resumable(u.key, clip))
		} else {
			leave(t, other, resumable(u.key, clip), 1)
			setTime(t, server, u.key, "1", u.last)
		}
		setTime(t, server, u.key, "", u.began)
	}
	pageUploads(g)
	s := open(t, g.endpoint)
	var asked []string
	n, err := s.AbortUploads(t.Context(), "live/", 2*time.Hour, func(key string) bool {
		asked = append(asked, key)
		return key == "live/kept.mp4"
	})
	if n != 2 || err != nil {
		t.Errorf("%d were aborted, %v", n, err)
	}
	if got := strings.Join(asked, " "); got != "live/active.mp4 live/empty.mp4 live/idle.mp4 live/kept.mp4" {
		t.Errorf("keep was asked for %s", got)
	}
	if parts, pages := len(g.of("ListParts")), len(g.of("ListUploads")); parts != 3 || pages != 5 {
		t.Errorf("%d lists of parts and %d pages of uploads were asked for, want 3 and 5", parts, pages)
	}
	wantUnfinished(t, other, "live/active.mp4", "live/kept.mp4", "live/new.mp4", "other/idle.mp4")
}

// Ages are those of the store's clock, which the server takes from this host: the gate has one of
// its own.
func TestAbortUploadsByTheStoresClock(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	now := time.Now()
	for name, c := range map[string]struct {
		clock time.Time
		n     int
		err   error
	}{
		"none":             {time.Time{}, 0, errNoClock},
		"this host's":      {now, 0, nil},
		"three hours fast": {now.Add(3 * time.Hour), 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, server)
			g.onCall(func(call *call, w http.ResponseWriter, _ *http.Request) bool {
				w.Header()["Date"] = nil // not sent
				if !c.clock.IsZero() {
					w.Header().Set("Date", c.clock.UTC().Format(http.TimeFormat))
				}
				switch call.op {
				case "ListUploads":
					io.WriteString(w, "<ListMultipartUploadsResult><Upload><Key>a.mp4</Key><UploadId>1</UploadId><Initiated>"+now.UTC().Format(time.RFC3339)+"</Initiated></Upload></ListMultipartUploadsResult>")
				case "ListParts":
					io.WriteString(w, "<ListPartsResult><Part><PartNumber>1</PartNumber><LastModified>"+now.UTC().Format(time.RFC3339)+"</LastModified></Part></ListPartsResult>")
				case "Abort":
					w.WriteHeader(http.StatusNoContent)
				}
				return false
			})
			n, err := open(t, g.endpoint).AbortUploads(t.Context(), "", 2*time.Hour, keepNone)
			if n != c.n || len(g.of("Abort")) != c.n || !errors.Is(err, c.err) {
				t.Errorf("%d were aborted, %v", n, err)
			}
		})
	}
}

func TestAbortUploadsGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	other := open(t, server.Endpoint)
	for _, key := range []string{"a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"} {
		leave(t, other, resumable(key, clip))
	}
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		switch c.op + " " + c.key {
		case "Abort a.mp4":
			refuse(w, r, 403, "AccessDenied")
		case "ListParts b.mp4":
			refuse(w, r, 503, "SlowDown")
		case "ListParts c.mp4", "Abort d.mp4": // completed meanwhile
			refuse(w, r, 404, noSuchUpload)
		default:
			return true
		}
		return false
	})
	_, err := open(t, g.endpoint).AbortUploads(t.Context(), "", 0, keepNone)
	if err == nil || !strings.Contains(err.Error(), "a.mp4") || !strings.Contains(err.Error(), "b.mp4") || strings.Contains(err.Error(), "c.mp4") ||
		strings.Contains(err.Error(), "d.mp4") || !strings.Contains(err.Error(), "allow s3:AbortMultipartUpload on arn:aws:s3:::live/*") {
		t.Errorf("got %v", err)
	}
	wantUnfinished(t, other, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
}

// What this Store is sending is never aborted, and what it remembers is forgotten with its parts.
func TestAbortUploadsSparesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	s := open(t, g.endpoint)
	leave(t, s, resumable("failed.mp4", clip), 1)
	var aborted int
	var abortErr error
	g.onCall(func(c *call, _ http.ResponseWriter, _ *http.Request) bool {
		if c.op == "UploadPart" && c.part == 2 {
			aborted, abortErr = s.AbortUploads(t.Context(), "", 0, keepNone)
		}
		return true
	})
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil || aborted != 1 || abortErr != nil {
		t.Errorf("%v; %d were aborted, %v", err, aborted, abortErr)
	}
	wantObject(t, server, "a.mp4", clip)
	g.onCall(nil)
	g.forget()
	if err := s.Put(t.Context(), resumable("failed.mp4", clip)); err != nil || len(g.of("UploadPart")) != 2 {
		t.Errorf("%d parts were sent, %v", len(g.of("UploadPart")), err)
	}
}
