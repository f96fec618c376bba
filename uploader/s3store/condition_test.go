package s3store

import (
	"bytes"
	"errors"
	"net/http"
	"testing"

	"ems-sidecar/uploader"
)

func absent(key string, content []byte, inParts bool) uploader.Object {
	o := object(key, bytes.NewReader(content), int64(len(content)))
	o.Resumable, o.IfAbsent = inParts, true
	return o
}

// Also where both looked at the same time.
func TestPutIfAbsentReplacesNothing(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	for name, size := range map[string]int{"whole": 1000, "parts": clipSize} {
		g := newGate(t, server)
		s := open(t, g.endpoint)
		first, second := content(1, size), content(2, size)
		if err := s.Put(t.Context(), absent(name, first, true)); err != nil {
			t.Fatal(name, err)
		}
		if err := s.Put(t.Context(), absent(name, second, true)); !errors.Is(err, uploader.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
		wantObject(t, server, name, first)
		wantUnfinished(t, s)
		if err := s.Put(t.Context(), object(name, bytes.NewReader(second), int64(size))); err != nil {
			t.Errorf("%s, without a condition: %v", name, err)
		}
		wantObject(t, server, name, second)
	}
}

func TestStoreWithoutConditionsIsAskedFirst(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]struct {
		status int
		body   string
	}{
		"501":                 {http.StatusNotImplemented, "<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>"},
		"400 InvalidArgument": {http.StatusBadRequest, "<Error><Code>InvalidArgument</Code><Message>x</Message></Error>"},
		"400 InvalidRequest":  {http.StatusBadRequest, "<Error><Code>InvalidRequest</Code><Message>x</Message></Error>"},
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Server(t)
			g := newGate(t, server)
			refused := 0
			g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
				if c.header.Get("If-None-Match") == "" {
					return true
				}
				refused++
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(refusal.status)
				_, _ = w.Write([]byte(refusal.body))
				return false
			})
			s := open(t, g.endpoint)
			there := content(9, 100)
			if err := s.Put(t.Context(), object("there", bytes.NewReader(there), 100)); err != nil {
				t.Fatal(err)
			}
			if err := s.Put(t.Context(), absent("there", content(1, 200), true)); !errors.Is(err, uploader.ErrExists) {
				t.Errorf("%v", err)
			}
			wantObject(t, server, "there", there)
			for i, size := range []int{clipSize, 1000, clipSize} {
				key := string(rune('a' + i))
				if err := s.Put(t.Context(), absent(key, content(byte(i), size), true)); err != nil {
					t.Errorf("%s: %v", key, err)
				}
				wantObject(t, server, key, content(byte(i), size))
			}
			if refused != 2 {
				t.Errorf("conditions were sent %d times", refused)
			}
			wantUnfinished(t, s)
		})
	}
}

// Another refusal says nothing of conditions.
func TestOtherRefusalsSayNothingOfConditions(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return false
	})
	s := open(t, g.endpoint)
	if err := s.Put(t.Context(), absent("k", content(1, 100), true)); err == nil || errors.Is(err, uploader.ErrExists) {
		t.Errorf("%v", err)
	}
	if s.habits.noCondition.Load() {
		t.Error("the Store no longer uses conditions")
	}
}
