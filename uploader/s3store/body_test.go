package s3store

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"ems-sidecar/uploader"
)

// flood writes text until the client is gone.
func flood(w io.Writer, r *http.Request, text string) {
	if r.Method == http.MethodHead {
		return // what is written is dropped
	}
	for many := []byte(strings.Repeat(text, 1+64<<10/len(text))); ; {
		if _, err := w.Write(many); err != nil {
			return
		}
	}
}

// answerWith returns a store that gives each request the answer.
func answerWith(t *testing.T, answer http.HandlerFunc) *Store {
	t.Helper()
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(fake.Close)
	return open(t, fake.URL)
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Little is read of an answer that is no list, and nothing is read for ever.
func TestAnswersAreReadUpToALimit(t *testing.T) {
	bomb := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, "<ListBucketResult>")
		z.Write(make([]byte, 64<<20))
		z.Close()
		return b.Bytes()
	}()
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>")
			flood(w, r, "A")
		},
		"an error of many elements": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "<Error>")
			flood(w, r, "<a>")
		},
		"an error that is none": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			flood(w, r, "boom ")
		},
		"a success": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"x"`)
			flood(w, r, "A")
		},
		"headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 10_000 {
				w.Header().Set(fmt.Sprint("X-Amz-Meta-", i), strings.Repeat("h", 1000))
			}
			w.Header().Set("ETag", `"x"`)
		},
		"headers before the answer": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			flood(conn, r, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
		},
		"what it is compressed from": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb)
		},
		"a list": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<ListBucketResult>")
			flood(w, r, "<Contents><Key>k</Key></Contents>")
		},
		"a list of empty elements": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<ListBucketResult>")
			flood(w, r, "<Contents/>")
		},
		"a list of one key": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<ListBucketResult><Contents><Key>")
			flood(w, r, "k")
		},
		"a list of what it does not say": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<ListBucketResult>")
			flood(w, r, "   ")
		},
		"a list before it begins": func(w http.ResponseWriter, r *http.Request) { flood(w, r, "   ") },
	} {
		for what, request := range map[string]func(s *Store) error{
			"put": func(s *Store) error { return s.Put(t.Context(), object("k", strings.NewReader("x"), 1)) },
			"stat": func(s *Store) error {
				_, err := s.Same(t.Context(), "k", strings.NewReader("x"), 1, modTime)
				return err
			},
			"delete": func(s *Store) error { return s.Delete(t.Context(), []string{"k"}) },
			"list": func(s *Store) error {
				return s.List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil })
			},
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				s := answerWith(t, answer)
				var err error
				if n := allocated(func() { err = request(s) }); n > 48<<20 { // the server's part in it, too
					t.Errorf("%d bytes were allocated", n)
				}
				if err == nil {
					t.Error("it counts as done")
				} else if n := utf8.RuneCountInString(err.Error()); n > maxMessage+300 {
					t.Errorf("the error has %d characters", n)
				}
			})
		}
	}
}

// What a store says is shown up to a limit, on one line.
func TestMessagesAreCut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ message, want string }{
		"long":          {strings.Repeat("M", 5<<20), "400 BadThing: the store's message is too long to be read"},
		"not so long":   {strings.Repeat("M", 60_000), "400 BadThing: " + strings.Repeat("M", 500) + "…"},
		"of runes":      {strings.Repeat("ü€", 1000), "400 BadThing: " + strings.Repeat("ü€", 250) + "…"},
		"of 500":        {strings.Repeat("€", 500), "400 BadThing: " + strings.Repeat("€", 500)},
		"with controls": {"a&#10;level=ERROR msg=forged&#9;&#x85; b\u202ec", "400 BadThing: a level=ERROR msg=forged b c"},
	} {
		t.Run(name, func(t *testing.T) {
			s := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, "<Error><Code>BadThing</Code><Message>"+c.message+"</Message></Error>")
			})
			err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %.600v", err)
			}
		})
	}
}

// A store that repeats the request has its signature masked.
func TestSignaturesAreNotShown(t *testing.T) {
	t.Parallel()
	for name, repeat := range map[string]func(r *http.Request) string{
		"its header":     func(r *http.Request) string { return r.Header.Get("Authorization") },
		"as a query":     func(r *http.Request) string { return "X-Amz-Signature=" + signatureOf(r) + "&amp;x=y" },
		"as XML":         func(r *http.Request) string { return "Signature: " + signatureOf(r) },
		"a token":        func(r *http.Request) string { return "x-amz-security-token:" + signatureOf(r) + ";" },
		"between quotes": func(r *http.Request) string { return "\"signature\": \"" + signatureOf(r) + "\"" },
	} {
		t.Run(name, func(t *testing.T) {
			var secret string
			s := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
				secret = signatureOf(r)
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no: "+repeat(r)+"</Message></Error>")
			})
			err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1))
			if err == nil || secret == "" || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "***") {
				t.Errorf("%q is shown in %v", secret, err)
			}
		})
	}
}

// What S3 says in words of a signature is shown whole.
func TestWordsAboutASignatureAreShown(t *testing.T) {
	const said = "The request signature we calculated does not match the signature you provided. " +
		"Check your key and signing method."
	s := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "<Error><Code>SignatureDoesNotMatch</Code><Message>"+said+"</Message></Error>")
	})
	if err := s.Put(t.Context(), object("k", strings.NewReader("x"), 1)); err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("%v, want what the store said", err)
	}
}

func signatureOf(r *http.Request) string {
	_, s, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return s
}

// The same where the store names several keys, and where it makes up codes.
func TestMessagesOfKeysAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("c", 10_000)
	s := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "<DeleteResult><Error><Key>k</Key><Code>%s</Code><Message>%s</Message></Error></DeleteResult>", long, long)
	})
	err := s.Delete(t.Context(), []string{"k"})
	var failed *uploader.DeleteError
	if !errors.As(err, &failed) || utf8.RuneCountInString(err.Error()) > maxMessage+300 {
		t.Errorf("got %.600v", err)
	}
}

// A list that always has another page ends, too.
func TestListThatAlwaysHasAnotherPageEnds(t *testing.T) {
	t.Parallel()
	pages := 0
	for name, next := range map[string]func() string{
		"new tokens": func() string { return fmt.Sprint(pages) },
		"two tokens": func() string { return fmt.Sprint(pages % 2) },
		"no token":   func() string { return "" },
		"one token":  func() string { return "t" },
	} {
		t.Run(name, func(t *testing.T) {
			pages = 0
			const most = 100
			s := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
				pages++ // requests come one after the other
				fmt.Fprintf(w, "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken></ListBucketResult>", next())
			})
			s.maxPages = most
			err := s.List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil })
			if !errors.Is(err, errEndless) || !errors.Is(err, uploader.ErrPermanent) || pages > most {
				t.Errorf("after %d pages: %v", pages, err)
			}
		})
	}
}

// Lists take memory, so that only a few are asked for at once.
func TestOnlyAFewPagesAreInMemoryAtOnce(t *testing.T) {
	t.Parallel()
	arrived, leave := make(chan bool), make(chan bool)
	s := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- true
		<-leave
		io.WriteString(w, "<ListBucketResult/>")
	})
	const lists = 3 * pagesAtOnce
	ended := make(chan error, lists)
	for range lists {
		go func() {
			ended <- s.List(t.Context(), "", "", func(string, uploader.ObjectInfo) error { return nil })
		}()
	}
	for range pagesAtOnce {
		<-arrived
	}
	for i := range lists {
		if n := len(s.pages); n > pagesAtOnce {
			t.Errorf("%d are in memory", n)
		}
		select {
		case <-arrived:
			t.Fatal("there is one more")
		default:
		}
		leave <- true
		if i < lists-pagesAtOnce {
			<-arrived
		}
	}
	for range lists {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
