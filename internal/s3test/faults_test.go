package s3test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Each fault as a client sees it, what the server has of the request then, and that it is over when
// it is mended.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault   Fault
		status  int     // that the client sees
		errs    []error // one of which the client gets; none is any, if there is no status
		applied bool
	}{
		{fault: Refuse(), errs: []error{syscall.ECONNREFUSED}},
		// A client that still writes meets a connection that is broken, or that it has closed
		// itself.
		{fault: Reset(), errs: []error{syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed}},
		{fault: Stall()},
		{fault: Answer(503, "SlowDown"), status: 503},
		{fault: Page(), status: 200},
		{fault: CutRequest()},
		{fault: CutAnswer(), errs: []error{io.ErrUnexpectedEOF}, applied: true},
		{fault: Late(time.Millisecond), applied: true},
	} {
		t.Run(c.fault.Name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			has := map[string]string{} // as PUTs bring it
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				mu.Lock()
				has[r.URL.Path] = string(b)
				mu.Unlock()
			}))
			defer store.Close()
			p := NewProxy(t, &Server{Endpoint: store.URL, Bucket: "live"})
			client := &http.Client{Timeout: 2 * time.Second} // room for a busy machine
			put := func(key, body string) (int, error) {
				q, err := http.NewRequest(http.MethodPut, p.Endpoint+"/live/"+key, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r, err := client.Do(q)
				if err != nil {
					return 0, err
				}
				r.Body.Close()
				return r.StatusCode, nil
			}
			body := strings.Repeat("chunk", 1000)
			p.Befall(c.fault)
			status, err := put("a", body)
			expected := func(e error) bool { return errors.Is(err, e) }
			if status != c.status || len(c.errs) > 0 && !slices.ContainsFunc(c.errs, expected) {
				t.Errorf("the client gets status %d and %v, want %d and one of %v", status, err, c.status, c.errs)
			}
			p.Mend()
			p.Settle()
			mu.Lock()
			if (has["/live/a"] == body) != c.applied || (has["/live/a"] == "") == c.applied {
				t.Errorf("the server has %d bytes", len(has["/live/a"]))
			}
			mu.Unlock()
			if status, err := put("b", body); status != http.StatusOK {
				t.Errorf("when it is over: status %d, %v", status, err)
			}
		})
	}
}
