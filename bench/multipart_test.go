package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What comes in parts is the object of these, with the sum that S3 would give it.
func TestFloorPutsLargeFilesInParts(t *testing.T) {
	t.Parallel()
	s, content := newStore(newAccount()), bytes.Repeat([]byte("0123456789"), (2*partSize+100)/10)
	server := httptest.NewServer(s)
	defer server.Close()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.ts"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	s.account.closing(chunk{key: "a.ts", size: int64(len(content)), content: sumOfParts(content[:5], content[5:])})
	f := &floor{root: root, url: server.URL + "/" + bucket, client: server.Client()}
	if err := f.put("a.ts"); err != nil {
		t.Fatal(err)
	}
	o, ok := s.objects.get("a.ts")
	if !ok || o.size != int64(len(content)) || !strings.HasSuffix(o.etag(), `-3"`) || len(s.uploads) > 0 {
		t.Errorf("%+v, %d uploads are left", o, len(s.uploads))
	}
	if _, _, partial := s.account.violations(); partial > 0 || s.account.visibleAt("a.ts").IsZero() {
		t.Error("the account does not know the content")
	}
}

// A completion that names a part that is not there, or another one, makes no object.
func TestStoreCompletesOnlyWhatItHas(t *testing.T) {
	t.Parallel()
	s := newStore(newAccount())
	do := func(method, target, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/live/a.ts?"+target, strings.NewReader(body)))
		return w
	}
	do(http.MethodPost, "uploads", "")
	etag := do(http.MethodPut, "partNumber=1&uploadId=upload-1", "content").Header().Get("Etag")
	for _, part := range []string{"<PartNumber>2</PartNumber><ETag>" + etag + "</ETag>", "<PartNumber>1</PartNumber><ETag>x</ETag>"} {
		w := do(http.MethodPost, "uploadId=upload-1", "<CompleteMultipartUpload><Part>"+part+"</Part></CompleteMultipartUpload>")
		if _, ok := s.objects.get("a.ts"); w.Code != http.StatusBadRequest || ok {
			t.Errorf("%s: %d", part, w.Code)
		}
	}
	if w := do(http.MethodPut, "partNumber=1&uploadId=upload-2", ""); w.Code != http.StatusNotFound {
		t.Errorf("an upload that was never begun: %d", w.Code)
	}
}

// A list has pages, as that of S3, and what comes below a delimiter is in it once.
func TestListHasPages(t *testing.T) {
	t.Parallel()
	s := newStore(newAccount())
	for i := range 1500 {
		s.objects.set(fmt.Sprintf("g/s%d/%04d.ts", i%2, i), object{})
	}
	ask := func(query string) string {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/live?list-type=2&"+query, nil))
		return w.Body.String()
	}
	if all := ask("prefix=g/&delimiter=/"); strings.Count(all, "<CommonPrefixes>") != 2 || strings.Contains(all, "<Key>") {
		t.Errorf("with a delimiter: %s", all)
	}
	first := ask("prefix=g/")
	if !strings.Contains(first, "<IsTruncated>true") || strings.Count(first, "<Key>") != maxKeys {
		t.Errorf("the first page has %d keys", strings.Count(first, "<Key>"))
	}
	_, token, _ := strings.Cut(first, "<NextContinuationToken>")
	token, _, _ = strings.Cut(token, "<")
	if second := ask("prefix=g/&continuation-token=" + token); strings.Count(second, "<Key>") != 500 ||
		strings.Contains(second, "<IsTruncated>true") || strings.Contains(second, "<Key>"+token+"<") {
		t.Errorf("the second page has %d keys", strings.Count(second, "<Key>"))
	}
}

// A line carries what it is to carry, however many requests share it.
func TestLineHasItsRate(t *testing.T) {
	t.Parallel()
	l, begin := &line{rate: 1e6}, time.Now()
	done := make(chan struct{})
	for range 2 {
		go func() {
			for range 10 {
				l.carry(10_000)
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	if took := time.Since(begin); took < 200*time.Millisecond-lineQueue {
		t.Errorf("200 kB took %v", took)
	}
}

// What an outage cost is not flattered by what never came.
func TestRecoveryKnowsWhatNeverCame(t *testing.T) {
	t.Parallel()
	a := newAccount()
	list := func(names string) { a.stored("s/live.m3u8", 0, sum{}, []byte(names)) }
	a.closing(chunk{key: "s/1.ts"})
	a.closing(chunk{key: "t/1.ts", stream: 1})
	end := time.Now()
	o := &outage{end: end}
	var r result
	if r.recovered(a, o, 1); r.Current != never || r.Gone != never {
		t.Errorf("with nothing in the bucket: %+v", r)
	}
	a.stored("s/1.ts", 0, sum{}, nil)
	a.stored("t/1.ts", 0, sum{}, nil)
	a.closing(chunk{key: "s/2.ts"})
	list("2.ts") // the newest may name another one than was the newest when the outage ended
	a.stored("t/live.m3u8", 0, sum{}, []byte("1.ts"))
	r = result{}
	if r.recovered(a, o, 1); r.Current == never || r.Gone == never || r.Current <= 0 {
		t.Errorf("with all in the bucket: %+v", r)
	}
}

func TestPresetsAreCommandLines(t *testing.T) {
	t.Parallel()
	for _, p := range presets {
		if _, err := plannedSeries([]string{"-preset", p.name}); err != nil {
			t.Error(err)
		}
	}
	s, err := plannedSeries([]string{"-preset", "scale", "-rounds", "9", "-warm", "1s"})
	if err != nil || s[0].rounds != 9 || s[0].cases[0].options.plan.warm != time.Second {
		t.Errorf("other flags do not win: %+v, %v", s, err)
	}
}
