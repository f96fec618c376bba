package page

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(path string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	Register(mux, "")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestPageIsSmallAndAsksNoOtherHost(t *testing.T) {
	const limit = 150_000 // bytes, without the player
	outside := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}|\bon[a-z]+="|style="|<style|javascript:`)
	size := 0
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "hls.") {
			return err
		}
		text, err := fs.ReadFile(files, name)
		size += len(text)
		for _, found := range outside.FindAllString(string(text), -1) {
			if !strings.HasPrefix(found, "http://www.w3.org") { // names of XML, which are not loaded
				t.Errorf("%s has %s", name, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", size)
	if size > limit || size == 0 {
		t.Errorf("the page has %d bytes, want %d at most", size, limit)
	}
}

func TestEachFileOfThePageIsServedUnderAStrictPolicy(t *testing.T) {
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"/"}
	for _, e := range entries {
		paths = append(paths, "/page/"+e.Name())
	}
	types := map[string]string{"js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
		"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
	for _, path := range paths {
		w := get(path)
		if w.Code == http.StatusMovedPermanently && path == "/page/index.html" {
			continue // to the directory: the page is at /
		}
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: %d", path, w.Code)
		}
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		if want := types[path[strings.LastIndex(path, ".")+1:]]; want != "" && w.Header().Get("Content-Type") != want {
			t.Errorf("%s is of type %q", path, w.Header().Get("Content-Type"))
		}
	}
	for _, path := range []string{"/page/", "/page/nothing.js", "/page/../page.go", "/page/..%2fpage.go", "/static/main.js"} {
		if w := get(path); w.Code == http.StatusOK {
			t.Errorf("%s is served", path)
		}
	}
}
