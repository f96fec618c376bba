package s3store

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

// One part that gets no answer ends at its own deadline and not at the object's.
func TestSilentPartEndsAtItsOwnDeadline(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	s := open(t, g.endpoint, func(t *Settings) { t.MinThroughput = mib })
	s.partTime = 200 * time.Millisecond
	g.onCall(func(c *call, _ http.ResponseWriter, r *http.Request) bool {
		if c.part == 2 {
			swallow(r)
		}
		return c.part != 2
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := s.Put(ctx, resumable("a.mp4", clip))
	if err == nil || !strings.Contains(err.Error(), "part 2 of 2: no answer within 224ms") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, uploader.ErrPermanent) || ctx.Err() != nil {
		t.Errorf("it is taken for another error: %v", err)
	}
	g.onCall(nil)
	s.partTime = time.Minute
	g.forget()
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil || len(g.of("Create")) != 0 {
		t.Errorf("after that, %d uploads were begun, %v", len(g.of("Create")), err)
	}
	wantObject(t, server, "a.mp4", clip)
}

func TestLimitsGrowWithTheSize(t *testing.T) {
	for _, c := range []struct {
		rate, size int64
		number     int
		want       time.Duration
	}{
		{0, 27 * mib, 1, 0},
		{mib, 27 * mib, 1, 17 * time.Second}, // three parts share the rate
		{mib, 27 * mib, 6, 8 * time.Second},
		{mib, 10 * mib, 2, 12 * time.Second},
	} {
		s := &Store{settings: Settings{MinThroughput: c.rate, PartSize: 5 * mib}, partTime: partTime}
		if got := s.partLimit(s.plan(c.size), c.number); got != c.want {
			t.Errorf("at %d bytes per second, part %d of %d bytes may take %v, want %v", c.rate, c.number, c.size, got, c.want)
		}
	}
	if got := completeLimit(8 << 30); got != time.Minute+256*time.Second {
		t.Errorf("to complete 8 GiB may take %v", got)
	}
}

// A deadlineReader notes how long the shortest request of each kind may take.
type deadlineReader struct {
	s3.HTTPClient
	mu     sync.Mutex
	limits map[string]time.Duration
}

func (d *deadlineReader) Do(r *http.Request) (*http.Response, error) {
	end, _ := r.Context().Deadline()
	op, limit := operation(r.Method, r.URL.Query()), time.Until(end)
	d.mu.Lock()
	if shortest, ok := d.limits[op]; !ok || limit < shortest {
		d.limits[op] = limit
	}
	d.mu.Unlock()
	return d.HTTPClient.Do(r)
}

func TestEachRequestHasADeadline(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	clip := content(1, clipSize)
	leave(t, open(t, server.Endpoint), resumable("a.mp4", content(2, clipSize)), 1)
	s := open(t, server.Endpoint, func(t *Settings) { t.MinThroughput = mib })
	if s.partTime != partTime {
		t.Errorf("a part has %v", s.partTime)
	}
	s.partTime = time.Minute
	d := &deadlineReader{HTTPClient: s.client.Options().HTTPClient, limits: map[string]time.Duration{}}
	s.client = s3.New(s.client.Options(), func(o *s3.Options) { o.HTTPClient = d })
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil {
		t.Fatal(err)
	}
	if same, err := s.Same(t.Context(), "a.mp4", bytes.NewReader(clip), clipSize, modTime); !same || err != nil {
		t.Fatalf("Same = %v, %v", same, err)
	}
	if err := s.List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), []string{"a.mp4", "\x01"}); err != nil {
		t.Fatal(err)
	}
	for op, most := range map[string]time.Duration{
		"ListUploads": requestTime, "ListParts": requestTime, "Abort": abortTime, "Create": requestTime,
		"UploadPart": time.Minute + 24*time.Millisecond, "Complete": completeLimit(clipSize), "HEAD": requestTime,
		"ListObjects": requestTime, "DeleteObjects": requestTime, "DELETE": requestTime,
	} {
		if got := d.limits[op]; got <= most-2*time.Second || got > most {
			t.Errorf("%s may take %v, want %v", op, got, most)
		}
	}
}
