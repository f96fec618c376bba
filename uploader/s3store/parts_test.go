package s3store

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ems-sidecar/internal/long"
	"ems-sidecar/uploader"
)

func TestUploadsInPartsArriveWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ begun, goesOn proof }{
		"with MD5": {byMD5, byMD5}, "with CRC32": {byCRC32, byCRC32}, "with MD5, begun so": {byMD5, byCRC32},
		"with CRC32, begun so": {byCRC32, byMD5}, "with CRC32s alone": {byEcho, byEcho},
		"with CRC32s alone, and then on trial": {byEcho, onTrial},
		"with CRC32s alone, and then with MD5": {byEcho, byMD5},
		"with MD5, and then with CRC32s alone": {byMD5, byEcho},
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Server(t)
			g := newGate(t, server)
			clip := content(1, clipSize)
			with := func(p proof) *Store {
				s := open(t, g.endpoint)
				s.terms = newAgreement(SignAuto, terms{parts: p}, false)
				return s
			}
			leave(t, with(c.begun), resumable("a.mp4", clip), 1)
			g.forget()
			o := resumable("a.mp4", clip)
			body := &countingBody{Body: o.Body}
			o.Body = body
			if err := with(c.goesOn).Put(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			parts, _ := g.sent()
			if !slices.Equal(parts, []int{2}) {
				t.Errorf("parts %v were sent, want the second", parts)
			}
			crc := c.begun != byMD5
			for _, c := range g.of("UploadPart") {
				if (c.header.Get("Content-Md5") == "") != crc || (c.header.Get("X-Amz-Checksum-Crc32") != "") != crc ||
					c.header.Get("X-Amz-Trailer") != "" || len(c.header.Get("X-Amz-Content-Sha256")) != 64 {
					t.Errorf("part %d was sent with %v", c.part, c.header)
				}
			}
			// Once to compare or to sum up, and once more to send.
			if n, want := body.bytes(), int64(5*mib+2*(clipSize-5*mib)); n != want {
				t.Errorf("%d bytes of %d were read, want %d", n, clipSize, want)
			}
			wantObject(t, server, "a.mp4", clip)
		})
	}
}

// The headers of an object do not depend on how it is sent.
func TestObjectHasTheSameHeadersHoweverItIsSent(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint, func(t *Settings) {
		t.Objects.ACL, t.Objects.StorageClass, t.Objects.ServerSideEncryption, t.Objects.KMSKeyID = "public-read", "STANDARD_IA", "aws:kms", "key"
	})
	for _, size := range []int{1, clipSize} {
		if err := s.Put(t.Context(), resumable("a.mp4", content(1, size))); err != nil {
			t.Fatal(err)
		}
	}
	whole, parts := g.of("PUT")[0].header, g.of("Create")[0].header
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Amz-Acl", "X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Meta-Mtime"} {
		if whole.Get(name) == "" || whole.Get(name) != parts.Get(name) {
			t.Errorf("%s is %q in one request and %q in parts", name, whole.Get(name), parts.Get(name))
		}
	}
}

// Parts that have no checksum, as with SSE-KMS, are sent again; an upload that someone else has
// begun with other checksums is no use. Where the store lists no CRC32s, MD5s are compared.
func TestPartsWithoutAChecksumAreSentAgain(t *testing.T) {
	t.Parallel()
	clip := content(1, clipSize)
	const noMD5, opaque = "<ETag>&#34;", "<ETag>&#34;opaque-"
	const noCRC32, hidden = "ChecksumCRC32>", "Hidden>"
	for name, c := range map[string]struct {
		proof
		op    string
		hide  []string // from, to
		parts []int    // that are sent
	}{
		"no MD5":           {byMD5, "ListParts", []string{noMD5, opaque}, []int{1, 2}},
		"no CRC32":         {byEcho, "ListParts", []string{noCRC32, hidden}, []int{2}},
		"neither":          {byEcho, "ListParts", []string{noMD5, opaque, noCRC32, hidden}, []int{1, 2}},
		"other checksum":   {byEcho, "ListUploads", []string{"Algorithm>CRC32", "Algorithm>SHA256"}, []int{1, 2}},
		"unknown checksum": {byMD5, "ListUploads", []string{"Algorithm></", "Algorithm>SHA256</"}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Server(t)
			g := newGate(t, server)
			before := open(t, server.Endpoint)
			before.terms.present.parts = c.proof
			leave(t, before, resumable("a.mp4", clip), 1)
			g.onAnswer(func(call *call, r *http.Response) error {
				if call.op == c.op {
					rewrite(r, func(b string) string {
						changed := strings.NewReplacer(c.hide...).Replace(b)
						if changed == b {
							t.Errorf("nothing was hidden in %s", b)
						}
						return changed
					})
				}
				return nil
			})
			if err := open(t, g.endpoint).Put(t.Context(), resumable("a.mp4", clip)); err != nil {
				t.Fatal(err)
			}
			if parts, _ := g.sent(); !slices.Equal(parts, c.parts) {
				t.Errorf("parts %v were sent, want %v", parts, c.parts)
			}
			wantObject(t, server, "a.mp4", clip)
		})
	}
}

func TestCRC32DecidesBeforeTheMD5(t *testing.T) {
	for name, c := range map[string]struct {
		listed sums
		same   bool
	}{
		"MD5":                       {sums{md5: "m"}, true},
		"other MD5":                 {sums{md5: "n"}, false},
		"CRC":                       {sums{crc32: "c"}, true},
		"other CRC":                 {sums{crc32: "d"}, false},
		"both":                      {sums{md5: "m", crc32: "c"}, true},
		"CRC, and an ETag of KMS":   {sums{md5: "n", crc32: "c"}, true},
		"other CRC and ETag of KMS": {sums{md5: "n", crc32: "d"}, false},
	} {
		if same := c.listed.same(sums{md5: "m", crc32: "c"}); same != c.same {
			t.Errorf("%s: same %v", name, same)
		}
	}
}

// A store that is away does not make each attempt read what is there already.
func TestOutageCostsNoReading(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	o := resumable("a.mp4", content(1, clipSize))
	leave(t, s, o, 1)
	g.onCall(func(_ *call, w http.ResponseWriter, r *http.Request) bool {
		refuse(w, r, 503, "SlowDown")
		return false
	})
	body := &countingBody{Body: o.Body}
	o.Body = body
	if err := s.Put(t.Context(), o); err == nil || body.bytes() > 2*(clipSize-5*mib) {
		t.Errorf("%d bytes were read, error %v", body.bytes(), err)
	}
}

func TestFreshConnectionServesAllRequestsOfAPut(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	leave(t, open(t, server.Endpoint), resumable("a.mp4", content(2, clipSize)), 1)
	if _, _, err := s.Stat(t.Context(), "x"); err != nil { // over a connection that is kept
		t.Fatal(err)
	}
	o := resumable("a.mp4", content(1, clipSize))
	o.FreshConnection = true
	if err := s.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, c := range g.all() {
		if before, ok := seen[c.from]; ok {
			t.Errorf("%s went over the connection of %s", c.op, before)
		}
		seen[c.from] = c.op
	}
	for _, op := range []string{"ListUploads", "ListParts", "Abort", "Create", "UploadPart", "Complete"} {
		if len(g.of(op)) == 0 {
			t.Errorf("there was no %s", op)
		}
	}
}

// A file that is cut or cannot be read while it is sent fails, and nothing of it is in the bucket.
func TestFileThatIsCutLeavesNoObject(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	for _, size := range []int{clipSize, 5*mib + copyBuffer} {
		o := resumable("a.mp4", content(1, size))
		o.Size += mib
		err := open(t, server.Endpoint).Put(t.Context(), o)
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, uploader.ErrPermanent) {
			t.Errorf("at %d bytes: %v", size, err)
		}
		if _, err := server.Object("a.mp4"); err == nil {
			t.Error("there is an object")
		}
	}
}

func TestRecordingIsNotCopiedIntoMemory(t *testing.T) {
	size := long.Or[int64](128*mib, 1<<30)
	server := servers.Server(t)
	s := open(t, server.Endpoint, func(t *Settings) { t.PartSize = 16 * mib })
	f, err := os.Create(filepath.Join(t.TempDir(), "a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	used := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	o := object("a.mp4", f, size)
	o.Resumable = true
	put := used(func() {
		if err := s.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	same := used(func() {
		if same, err := s.Same(t.Context(), "a.mp4", f, size, modTime); !same || err != nil {
			t.Fatalf("Same = %v, %v", same, err)
		}
	})
	t.Logf("for a file of %d MiB, Put allocates %d KiB and Same %d KiB in all", size/mib, put>>10, same>>10)
	if put > 10*mib || same > 2*mib {
		t.Errorf("for a file of %d MiB, Put allocates %d KiB and Same %d KiB", size/mib, put>>10, same>>10)
	}
}
