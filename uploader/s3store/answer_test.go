package s3store

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"ems-sidecar/uploader"
)

const (
	maintenance = "<!doctype html><title>Maintenance</title><p>We are back soon."
	otherMD5    = `"00000000000000000000000000000000"`
)

// imposters are answers of what is not a store, to any request.
var imposters = map[string]http.HandlerFunc{
	"a page of HTML": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, maintenance)
	},
	"a page from a file, with its ETag and time": func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("ETag", `"65a1b2c3-3d"`)
		h.Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		h.Set("Content-Length", strconv.Itoa(len(maintenance)))
		io.WriteString(w, maintenance)
	},
	"a page of HTML without a type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "\n"+maintenance)
	},
	"XHTML": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xhtml+xml")
		io.WriteString(w, `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head/></html>`)
	},
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"JSON with a weak ETag": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `W/"f-abc"`)
		io.WriteString(w, `{"status":"ok"}`)
	},
	"JSON with an ETag": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"f-abc"`)
		io.WriteString(w, `{"status":"ok"}`)
	},
	"a word": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK") },
	"a login page elsewhere": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://login.example.com/?token=hidden", http.StatusFound)
	},
	"a part of something": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"f-abc"`)
		w.WriteHeader(http.StatusPartialContent)
	},
	"it was accepted": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
	"the page of an ingress without a backend": func(w http.ResponseWriter, r *http.Request) {
		http.NotFound(w, r)
	},
	"a captive portal": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "<html><head><title>Log in</title></head></html>")
	},
	"other XML": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		io.WriteString(w, `<?xml version="1.0"?><feed><entry/></feed>`)
	},
	"hints before a page": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, maintenance)
	},
	"a page that never ends": func(w http.ResponseWriter, r *http.Request) { flood(w, r, "<p>") },
}

// What is not known to be a store has done nothing, and says nothing of any object. It may be a
// store again.
func TestOnlyAStoreSucceeds(t *testing.T) {
	t.Parallel()
	clip := content(1, clipSize)
	for name, answer := range imposters {
		for what, request := range map[string]func(s *Store) (done bool, err error){
			"put": func(s *Store) (bool, error) { return true, s.Put(t.Context(), object("k", strings.NewReader("x"), 1)) },
			"put parts": func(s *Store) (bool, error) {
				return true, s.Put(t.Context(), object("k", bytes.NewReader(clip), clipSize))
			},
			"resume": func(s *Store) (bool, error) { return true, s.Put(t.Context(), resumable("k", clip)) },
			"stat":   func(s *Store) (bool, error) { _, _, err := s.Stat(t.Context(), "k"); return true, err },
			"same":   func(s *Store) (bool, error) { _, err := sameAs(t, s, "k", clip, modTime); return true, err },
			"get":    func(s *Store) (bool, error) { _, err := s.Get(t.Context(), "k"); return true, err },
			"delete": func(s *Store) (bool, error) { return true, s.Delete(t.Context(), []string{"a", "b"}) },
			"delete one by one": func(s *Store) (bool, error) {
				s.habits.deletesOne.Store(true)
				return true, s.Delete(t.Context(), []string{"a"})
			},
			"list": func(s *Store) (bool, error) {
				return true, s.List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil })
			},
			"uploads": func(s *Store) (bool, error) {
				_, err := s.AbortUploads(t.Context(), "", 0, keepNone)
				return true, err
			},
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					answer(w, r)
				}))
				defer fake.Close()
				_, err := request(open(t, fake.URL))
				if err == nil {
					t.Fatal("it counts as done")
				}
				lists := what == "list" || what == "uploads" || what == "delete" || what == "resume" // which may be done without
				if errors.Is(err, uploader.ErrBucket) || errors.Is(err, uploader.ErrPermanent) && !lists {
					t.Errorf("%v is for good", err)
				}
				for _, never := range []string{"does not answer", "XML syntax", "hidden", "\n"} {
					if strings.Contains(err.Error(), never) {
						t.Errorf("%q is in %v", never, err)
					}
				}
			})
		}
	}
}

// Each of the answers of an upload in parts is needed: S3 itself answers the last with an error and
// the status 200.
func TestEachStepOfAnUploadIsProved(t *testing.T) {
	t.Parallel()
	clip := content(1, clipSize)
	server := servers.Server(t)
	for _, op := range []string{"Create", "UploadPart", "Complete"} {
		for _, name := range []string{"a page of HTML", "JSON with an ETag", "nothing"} {
			answer := imposters[name]
			for _, resumes := range []bool{false, true} {
				t.Run(fmt.Sprint(op, " ", name, " ", resumes), func(t *testing.T) {
					g := newGate(t, server)
					s := open(t, g.endpoint)
					g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
						if c.op == op {
							io.Copy(io.Discard, r.Body)
							answer(w, r)
						}
						return c.op != op
					})
					o := object("a.mp4", bytes.NewReader(clip), clipSize)
					o.Resumable = resumes
					if err := s.Put(t.Context(), o); err == nil || errors.Is(err, uploader.ErrPermanent) {
						t.Errorf("got %v", err)
					}
					g.onCall(nil)
					if err := s.Put(t.Context(), o); err != nil {
						t.Errorf("when it is over: %v", err)
					}
					wantObject(t, server, "a.mp4", clip)
				})
			}
		}
	}
}

// An ETag that is an MD5 must be that of the content. Amazon says of which objects it is one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
func TestETagProvesTheContent(t *testing.T) {
	t.Parallel()
	right := fmt.Sprintf(`"%x"`, md5.Sum([]byte("x")))
	for name, c := range map[string]struct {
		header http.Header
		right  bool
	}{
		"the content's MD5":            {http.Header{"Etag": {right}}, true},
		"in capitals, without quotes":  {http.Header{"Etag": {strings.ToUpper(strings.Trim(right, `"`))}}, true},
		"of other content":             {http.Header{"Etag": {otherMD5}}, false},
		"the same, encrypted by S3":    {http.Header{"Etag": {otherMD5}, "X-Amz-Server-Side-Encryption": {"AES256"}}, false},
		"encrypted with a key of KMS":  {http.Header{"Etag": {otherMD5}, "X-Amz-Server-Side-Encryption": {"aws:kms"}}, true},
		"encrypted twice":              {http.Header{"Etag": {otherMD5}, "X-Amz-Server-Side-Encryption": {"aws:kms:dsse"}}, true},
		"another form":                 {http.Header{"Etag": {`"CKih16GjycICEAE="`}}, true},
		"of parts":                     {http.Header{"Etag": {`"00000000000000000000000000000000-1"`}}, true},
		"none":                         {http.Header{}, false},
		"empty":                        {http.Header{"Etag": {`""`}}, false},
		"a weak one":                   {http.Header{"Etag": {"W/" + right}}, false},
		"none, from something like S3": {http.Header{"X-Amz-Request-Id": {"1"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				for k, v := range c.header {
					w.Header()[k] = v
				}
			}))
			defer fake.Close()
			err := open(t, fake.URL).Put(t.Context(), object("k", strings.NewReader("x"), 1))
			if (err == nil) != c.right || errors.Is(err, uploader.ErrPermanent) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestETagsOfDirectoryBucketsProveNothing(t *testing.T) {
	for bucket, want := range map[string]bool{"live": true, "live--use1-az4--x-s3": false} {
		s := Store{settings: Settings{Bucket: bucket}}
		if got := s.hasMD5("", nil); got != want {
			t.Errorf("%s: %v", bucket, got)
		}
	}
}

// The same of parts, and of what is made of them.
func TestETagProvesTheParts(t *testing.T) {
	t.Parallel()
	clip := content(1, clipSize)
	server := servers.Server(t)
	for _, resumes := range []bool{false, true} {
		for op, change := range map[string]func(r *http.Response) error{
			"UploadPart": func(r *http.Response) error { r.Header.Set("ETag", otherMD5); return nil },
			"Complete": func(r *http.Response) error {
				const body = "<CompleteMultipartUploadResult><ETag>\"00112233445566778899aabbccddeeff-2\"</ETag></CompleteMultipartUploadResult>"
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
				r.Header.Set("Content-Length", strconv.Itoa(len(body)))
				return nil
			},
		} {
			t.Run(fmt.Sprint(op, resumes), func(t *testing.T) {
				g := newGate(t, server)
				g.onAnswer(func(c *call, r *http.Response) error {
					if c.op == op {
						return change(r)
					}
					return nil
				})
				o := object(fmt.Sprint(op, resumes), bytes.NewReader(clip), clipSize)
				o.Resumable = resumes
				err := open(t, g.endpoint).Put(t.Context(), o)
				if err == nil || errors.Is(err, uploader.ErrPermanent) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// A store that says nothing of itself is one if its answers are those of one.
func TestStoreThatSaysNothingOfItselfSucceeds(t *testing.T) {
	t.Parallel()
	body := []byte("x")
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		switch {
		case r.Method == http.MethodPut:
			confirm(w, r)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/absent"):
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Query().Has("list-type"):
			io.WriteString(w, "\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a comment --><ListBucketResult/>")
		default:
			w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(body)))
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			w.Write(body)
		}
	}))
	defer fake.Close()
	s, ctx := open(t, fake.URL), t.Context()
	if err := s.Put(ctx, object("k", bytes.NewReader(body), 1)); err != nil {
		t.Error(err)
	}
	if i, found, err := s.Stat(ctx, "k"); err != nil || !found || i.Size != 1 {
		t.Errorf("Stat: %+v, %v, %v", i, found, err)
	}
	if _, found, err := s.Stat(ctx, "absent"); err != nil || found {
		t.Errorf("Stat of what is absent: %v, %v", found, err)
	}
	if b, err := s.Get(ctx, "k"); err != nil || string(b) != "x" {
		t.Errorf("Get: %q, %v", b, err)
	}
	if err := s.List(ctx, "", "", func(string, uploader.ObjectInfo) error { return nil }); err != nil {
		t.Error(err)
	}
	s.habits.deletesOne.Store(true)
	if err := s.Delete(ctx, []string{"k"}); err != nil {
		t.Error(err)
	}
}

// A proxy that does not know Expect gets the body without it, in the same attempt and from then on.
func TestExpectThatIsRefusedIsLeftOut(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	large := content(1, 3*mib)
	for name, page := range map[string]string{"a page": "<html><title>417 Expectation Failed</title></html>", "nothing": ""} {
		for _, o := range []uploader.Object{object("k", bytes.NewReader(large), 3*mib), resumable("k", content(1, clipSize))} {
			t.Run(fmt.Sprint(name, o.Resumable), func(t *testing.T) {
				g := newGate(t, server)
				refused := 0
				g.onCall(func(_ *call, w http.ResponseWriter, r *http.Request) bool {
					if r.Header.Get("Expect") == "" {
						return true
					}
					refused++
					w.WriteHeader(http.StatusExpectationFailed)
					io.WriteString(w, page)
					return false
				})
				s := open(t, g.endpoint)
				for range 2 {
					if err := s.Put(t.Context(), o); err != nil {
						t.Fatal(err)
					}
				}
				if refused == 0 || refused > partsAtOnce {
					t.Errorf("Expect was refused %d times", refused)
				}
			})
		}
	}
}
