package s3store

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/uploader"
)

func TestListGivesTheObjectsOfAllPages(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	const odd = "live/g/s/a b+c%20d#e?f=ü&<\".ts"
	for _, key := range []string{odd, "live/g/s/first.ts", "live/g/s/deeper/x.ts", "live/g/sister/x.ts"} {
		if err := s.Put(t.Context(), object(key, strings.NewReader("content"), 7)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]bool{odd: true, "live/g/s/first.ts": true}
	for n := range 2100 {
		key := fmt.Sprintf("live/g/s/segment_%d_%d.ts", 1795480155461+int64(n), n)
		if err := os.WriteFile(filepath.Join(server.Dir, key), []byte("xx"), 0o644); err != nil {
			t.Fatal(err)
		}
		want[key] = true
	}
	got := map[string]bool{}
	if err := s.List(t.Context(), "live/g/s/", "", func(key string, i uploader.ObjectInfo) error {
		if got[key] {
			t.Errorf("%s is listed twice", key)
		}
		got[key] = true
		size, etag := int64(2), i.ETag
		if !strings.Contains(key, "segment") {
			size, etag = 7, etagOfContent
		}
		if i.Size != size || i.ETag != etag || time.Since(i.Stored).Abs() > time.Hour {
			t.Errorf("%s is listed as %+v", key, i)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("%d objects are listed, want %d", len(got), len(want))
	}
	if n := len(g.of("ListObjects")); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	last := ""
	n := 0
	if err := s.List(t.Context(), "live/g/s/", "live/g/s/segment_1795480157459_1998.ts", func(key string, _ uploader.ObjectInfo) error {
		n, last = n+1, key
		return nil
	}); err != nil || n != 101 || last != "live/g/s/segment_1795480157560_2099.ts" {
		t.Errorf("after a key: %d objects, the last %s, %v", n, last, err)
	}
	var dirs []string
	if err := s.Directories(t.Context(), "live/g/", func(dir string) error {
		dirs = append(dirs, dir)
		return nil
	}); err != nil || !slices.Equal(dirs, []string{"live/g/s/", "live/g/sister/"}) {
		t.Errorf("the directories are %q, %v", dirs, err)
	}
	below := map[string]bool{}
	if err := s.ListBelow(t.Context(), "live/g/s/", func(key string, _ uploader.ObjectInfo) error {
		below[key] = true
		return nil
	}); err != nil || len(below) != len(want)+1 || !below["live/g/s/deeper/x.ts"] || below["live/g/sister/x.ts"] {
		t.Errorf("with the directories below, %d objects are listed, want %d, %v", len(below), len(want)+1, err)
	}
	stop := errors.New("enough")
	n = 0
	err := s.List(t.Context(), "live/g/s/", "", func(string, uploader.ObjectInfo) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("told to stop at the first, it ends with %v at number %d", err, n)
	}
}

// listing answers as a store that encodes keys, as Amazon's does, with one page after the other.
func listing(t *testing.T, pages ...string) *Store {
	t.Helper()
	n := 0
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Query().Get("encoding-type") != "url" {
			t.Errorf("the store is not asked to encode keys: %s", r.URL.RawQuery)
		}
		w.Header().Set("Content-Type", "application/xml")
		io.WriteString(w, "<ListBucketResult>"+pages[min(n, len(pages)-1)]+"</ListBucketResult>")
		n++
	}))
	t.Cleanup(fake.Close)
	return open(t, fake.URL)
}

func TestListDecodesKeys(t *testing.T) {
	s := listing(t,
		`<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>
		<Contents><Key>p/a%01b+c%2Bd%25.ts</Key><Size>1</Size></Contents>`,
		`<IsTruncated>false</IsTruncated><Contents><Key>p/a+b%20.ts</Key><Size>1</Size></Contents>`)
	var keys []string
	err := s.List(t.Context(), "p/", "", func(key string, _ uploader.ObjectInfo) error { keys = append(keys, key); return nil })
	if want := []string{"p/a\x01b c+d%.ts", "p/a+b%20.ts"}; err != nil || !slices.Equal(keys, want) {
		t.Errorf("keys %q, %v, want %q", keys, err, want)
	}
}

// A list that is not what was asked for is an error, as objects that are taken to be absent are
// uploaded again.
func TestListThatIsNotWhatWasAskedForIsAnError(t *testing.T) {
	for name, c := range map[string]struct{ page, says string }{
		"same page for ever": {`<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`, "does not end"},
		"no next page":       {`<IsTruncated>true</IsTruncated>`, "does not end"},
		"another prefix":     {`<Contents><Key>q/1.ts</Key></Contents>`, "of another directory"},
		"broken encoding":    {`<EncodingType>url</EncodingType><Contents><Key>p/%zz</Key></Contents>`, "encoding"},
	} {
		err := listing(t, c.page).List(t.Context(), "p/", "", func(string, uploader.ObjectInfo) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListThatIsRefusedNamesItsPermission(t *testing.T) {
	t.Parallel()
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { refuse(w, r, 403, "AccessDenied") }))
	defer fake.Close()
	err := open(t, fake.URL).List(t.Context(), "p/", "", func(string, uploader.ObjectInfo) error { return nil })
	if !errors.Is(err, uploader.ErrPermanent) || !strings.Contains(err.Error(), "allow s3:ListBucket on arn:aws:s3:::live)") {
		t.Errorf("got %v", err)
	}
}
