package s3store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader"
)

// In parts of 5 MiB, a recording has six and a clip has two, the last of which is shorter.
const (
	mib           = 1 << 20
	recordingSize = 27*mib + 12345
	clipSize      = 5*mib + 12345
)

// content returns so many bytes, which are the same for the same seed.
func content(seed byte, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func resumable(key string, content []byte) uploader.Object {
	o := object(key, bytes.NewReader(content), int64(len(content)))
	o.Resumable = true
	return o
}

// wantUnfinished checks of which keys there are uploads in the bucket.
func wantUnfinished(t *testing.T, s *Store, want ...string) {
	t.Helper()
	var keys []string
	out, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("live")})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Uploads {
		keys = append(keys, *m.Key)
	}
	if !slices.Equal(keys, want) {
		t.Errorf("unfinished are %v, want %v", keys, want)
	}
}

func wantObject(t *testing.T, server *s3test.Server, key string, want []byte) {
	t.Helper()
	b, err := server.Object(key)
	if err != nil || sha256.Sum256(b) != sha256.Sum256(want) {
		t.Errorf("the server has other content under %s, of %d bytes, %v", key, len(b), err)
	}
}

// leave leaves s and the store as a Put of o does that fails after it has sent these parts.
func leave(t *testing.T, s *Store, o uploader.Object, parts ...int) {
	t.Helper()
	p := s.plan(o.Size)
	u, err := s.create(t.Context(), o, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range parts {
		if u.parts[n-1], err = s.sendPart(t.Context(), u, n, o.Body, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.unfinished.remember(u)
}

// interrupt makes a Put of a recording fail when three of its six parts are in the store, and no
// more. It calls end instead of the answer to each of the last three, once all of them are on their
// way: then each of the three senders has had the answer to one of the parts before.
func interrupt(t *testing.T, g *gate, put func() error, end func(http.ResponseWriter, *http.Request)) {
	t.Helper()
	var senders sync.WaitGroup
	senders.Add(3)
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		if c.op != "UploadPart" || c.part <= 3 {
			return true
		}
		senders.Done()
		senders.Wait()
		end(w, r)
		return false
	})
	if err := put(); err == nil {
		t.Fatal("an interrupted upload succeeds")
	} else if strings.Contains(err.Error(), s3test.SecretKey) {
		t.Errorf("%q holds the secret", err)
	}
	g.onCall(nil)
	if sent, _ := g.sent(); len(sent) != 6 {
		t.Fatalf("parts %v were sent", sent)
	}
	g.forget()
}

func TestResumedPutSendsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := content(1, recordingSize)
	const missing = recordingSize - 15*mib
	key := "g/a b+c%20d#e?f&ü.mp4"
	for name, c := range map[string]struct {
		restart  bool
		end      func(cancel func(), w http.ResponseWriter, r *http.Request)
		requests map[string]int
	}{
		"connection breaks": {false, func(func(), http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			map[string]int{"UploadPart": 3, "Complete": 1}},
		"store refuses": {false, func(_ func(), w http.ResponseWriter, r *http.Request) { refuse(w, r, 503, "SlowDown") },
			map[string]int{"UploadPart": 3, "Complete": 1}},
		"cancelled": {false, func(cancel func(), _ http.ResponseWriter, r *http.Request) { cancel(); swallow(r) },
			map[string]int{"UploadPart": 3, "Complete": 1}},
		"restart": {true, func(cancel func(), _ http.ResponseWriter, r *http.Request) { cancel(); swallow(r) },
			map[string]int{"ListUploads": 1, "ListParts": 1, "UploadPart": 3, "Complete": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Server(t)
			g := newGate(t, server)
			s := open(t, g.endpoint)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			interrupt(t, g, func() error { return s.Put(ctx, resumable(key, whole)) },
				func(w http.ResponseWriter, r *http.Request) { c.end(cancel, w, r) })
			if c.restart {
				s = open(t, g.endpoint)
			}
			if err := s.Put(t.Context(), resumable(key, whole)); err != nil {
				t.Fatal(err)
			}
			if parts, n := g.sent(); !slices.Equal(parts, []int{4, 5, 6}) || n != missing {
				t.Errorf("parts %v and %d bytes were sent, want 4, 5, 6 and %d", parts, n, missing)
			}
			requests := map[string]int{}
			for _, c := range g.all() {
				requests[c.op]++
			}
			if !maps.Equal(requests, c.requests) {
				t.Errorf("the requests were %v, want %v", requests, c.requests)
			}
			wantObject(t, server, key, whole)
			wantUnfinished(t, s)
			head, err := s.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("live"), Key: &key})
			if err != nil || *head.ContentType != "video/mp2t" || *head.CacheControl != "max-age=7" ||
				!parseModTime(head.Metadata[modTimeKey]).Equal(modTime) {
				t.Errorf("the object's headers are %+v, %v", head, err)
			}
		})
	}
}

// What is sent after an interruption never makes an object of two contents, and never says the
// wrong time.
func TestUploadOfAChangedFileBeginsAgain(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	before := content(1, clipSize)
	changedAt := func(offset int) []byte {
		b := slices.Clone(before)
		b[offset] ^= 1
		return b
	}
	// The polynomial of CRC-32 itself, which leaves the CRC as it is.
	sameCRC := slices.Clone(before)
	for i, b := range []byte{0x41, 0x06, 0x71, 0xdb, 0x01} {
		sameCRC[mib+i] ^= b
	}
	if crc32.ChecksumIEEE(sameCRC) != crc32.ChecksumIEEE(before) {
		t.Fatal("the CRC has changed")
	}
	later := modTime.Add(time.Nanosecond)
	for name, c := range map[string]struct {
		content []byte
		modTime time.Time
		restart bool
		parts   int // that are sent
	}{
		// This needs MD5s. Writers do not know that they change a file so.
		"to the same CRC":                        {sameCRC, modTime, false, 3},
		"to the same CRC, restart":               {sameCRC, modTime, true, 3},
		"in a part that was sent":                {changedAt(mib), modTime, false, 3},
		"in a part that was sent, restart":       {changedAt(mib), modTime, true, 3},
		"in a part that was sent, time":          {changedAt(mib), later, false, 2},
		"in a part that was sent, time, restart": {changedAt(mib), later, true, 3},
		"in a part that was not sent":            {changedAt(5 * mib), modTime, false, 1},
		"in a part that was not sent, restart":   {changedAt(5 * mib), modTime, true, 1},
		"in a part that was not sent, time":      {changedAt(5 * mib), later, false, 2},
		"only the time":                          {before, later, false, 2},
		"shorter":                                {before[:5*mib+1], modTime, false, 2},
		"longer":                                 {slices.Concat(before, before), modTime, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []proof{byMD5, onTrial, byEcho} {
				if p != byMD5 && strings.HasPrefix(name, "to the same CRC") {
					continue
				}
				key := fmt.Sprintf("%s_%d.mp4", strings.ReplaceAll(name, " ", "_"), p)
				s := open(t, g.endpoint)
				s.terms.present.parts = p
				leave(t, s, resumable(key, before), 1)
				g.forget()
				if c.restart {
					s = open(t, g.endpoint)
				}
				o := resumable(key, c.content)
				o.ModTime = c.modTime
				if err := s.Put(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if parts, _ := g.sent(); len(parts) != c.parts {
					t.Errorf("%d: parts %v were sent, want %d", p, parts, c.parts)
				}
				wantObject(t, server, key, c.content)
				if i, _, err := s.Stat(t.Context(), key); err != nil || !i.ModTime.Equal(c.modTime) {
					t.Errorf("%d: the object says it is of %v, want %v, %v", p, i.ModTime, c.modTime, err)
				}
				wantUnfinished(t, s)
			}
		})
	}
}

// Parts of another size, or one too many, are not used.
func TestUploadWithOtherPartSizesBeginsAgain(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	whole := content(1, 16*mib)
	for name, c := range map[string]struct {
		content []byte
		size    int64
		left    []int // parts of 5 MiB
		parts   []int // that are sent
	}{
		"larger parts":  {whole, 6 * mib, []int{1}, []int{1, 2, 3}},
		"shorter file":  {whole[:15*mib-1], 5 * mib, []int{3}, []int{1, 2, 3}},
		"one part less": {whole[:15*mib], 5 * mib, []int{1, 4}, []int{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			leave(t, open(t, g.endpoint), resumable(name, whole), c.left...)
			g.forget()
			s := open(t, g.endpoint, func(t *Settings) { t.PartSize = c.size })
			o := resumable(name, c.content)
			body := &countingBody{Body: o.Body}
			o.Body = body
			if err := s.Put(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if parts, n := g.sent(); !slices.Equal(parts, c.parts) || n != o.Size {
				t.Errorf("parts %v with %d bytes were sent", parts, n)
			}
			if n := body.bytes(); n != 2*o.Size {
				t.Errorf("%d bytes were read, want none to compare", n)
			}
			wantObject(t, server, name, c.content)
			wantUnfinished(t, s)
		})
	}
}

// A small object takes no parts, and what is left of a larger one of its key goes.
func TestSmallObjectAbortsTheUnfinishedUploadOfItsKey(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	leave(t, s, resumable("a.mp4", content(1, clipSize)))
	if err := s.Put(t.Context(), resumable("a.mp4", []byte("content"))); err != nil {
		t.Fatal(err)
	}
	if len(g.of("PUT")) != 1 || len(g.of("UploadPart")) != 0 {
		t.Error("it was sent in parts")
	}
	wantObject(t, server, "a.mp4", []byte("content"))
	wantUnfinished(t, s)
}

func TestUploadThatVanishedBeginsAgain(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	clip := content(1, clipSize)
	for name, left := range map[string][]int{"a part is missing": {1}, "no part is missing": {1, 2}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, g.endpoint)
			leave(t, s, resumable(name, clip), left...)
			if n, err := open(t, server.Endpoint).AbortUploads(t.Context(), name, 0, keepNone); n != 1 || err != nil {
				t.Fatalf("%d uploads were aborted, %v", n, err)
			}
			g.forget()
			if err := s.Put(t.Context(), resumable(name, clip)); err != nil {
				t.Fatal(err)
			}
			if n := len(g.of("Create")); n != 1 {
				t.Errorf("%d uploads were begun, want 1", n)
			}
			wantObject(t, server, name, clip)
		})
	}
}

// An upload that vanishes at each attempt is no endless loop, and no reason to stop trying.
func TestUploadThatVanishesAgainIsAnError(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	leave(t, s, resumable("a.mp4", content(1, clipSize)), 1)
	g.forget()
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		if c.op == "UploadPart" {
			refuse(w, r, 404, noSuchUpload)
		}
		return c.op != "UploadPart"
	})
	err := s.Put(t.Context(), resumable("a.mp4", content(1, clipSize)))
	if err == nil || errors.Is(err, uploader.ErrPermanent) || len(g.of("Create")) != 1 {
		t.Errorf("after %d new uploads: %v", len(g.of("Create")), err)
	}
}
