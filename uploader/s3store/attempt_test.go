package s3store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

// In parts of 5 MiB, a large chunk has three, the last of which is shorter.
const chunkSize = 12*mib + 345

// partsOf returns the parts of content, and the ETag that S3 gives what is made of them.
func partsOf(content []byte) (parts [][]byte, etag string) {
	var all []byte
	for rest := content; len(rest) > 0; {
		n := min(5*mib, len(rest))
		sum := md5.Sum(rest[:n])
		parts, all, rest = append(parts, rest[:n]), append(all, sum[:]...), rest[n:]
	}
	return parts, fmt.Sprintf("%x-%d", md5.Sum(all), len(parts))
}

// A chunk that is larger than a part arrives whole, and each of its parts has the checksum of its
// content.
func TestEachPartOfAChunkHasAChecksum(t *testing.T) {
	t.Parallel()
	chunk := content(1, chunkSize)
	parts, etag := partsOf(chunk)
	for name, p := range map[string]proof{
		"MD5": byMD5, "CRC32": byCRC32, "CRC32 on trial": onTrial, "CRC32 alone": byEcho,
	} {
		t.Run(name, func(t *testing.T) {
			withCRC32 := p != byMD5
			server := servers.Server(t)
			g := newGate(t, server)
			var completed string
			g.onCall(func(c *call, _ http.ResponseWriter, r *http.Request) bool {
				if c.op == "Complete" {
					b, _ := io.ReadAll(r.Body)
					completed, r.Body = string(b), io.NopCloser(bytes.NewReader(b))
				}
				return true
			})
			s := open(t, g.endpoint)
			s.terms = newAgreement(SignAuto, terms{parts: p}, false)
			if err := s.Put(t.Context(), object("a.ts", bytes.NewReader(chunk), chunkSize)); err != nil {
				t.Fatal(err)
			}
			wantObject(t, server, "a.ts", chunk)
			if i, _, err := s.Stat(t.Context(), "a.ts"); err != nil || string(i.ETag) != etag {
				t.Errorf("the object has the ETag %s, want %s, %v", i.ETag, etag, err)
			}
			if sent := g.of("UploadPart"); len(sent) != len(parts) {
				t.Fatalf("%d parts were sent, want %d", len(sent), len(parts))
			}
			for _, c := range g.of("UploadPart") {
				part := parts[c.part-1]
				sum := md5.Sum(part)
				wantMD5, wantCRC32 := base64.StdEncoding.EncodeToString(sum[:]), ""
				if withCRC32 {
					h := crc32.NewIEEE()
					h.Write(part)
					wantMD5, wantCRC32 = "", base64.StdEncoding.EncodeToString(h.Sum(nil))
				}
				if c.header.Get("Content-Md5") != wantMD5 || c.header.Get("X-Amz-Checksum-Crc32") != wantCRC32 ||
					c.header.Get("X-Amz-Trailer") != "" || len(c.header.Get("X-Amz-Content-Sha256")) != 64 ||
					c.bytes.Load() != int64(len(part)) {
					t.Errorf("part %d was sent with %d bytes and %v", c.part, c.bytes.Load(), c.header)
				}
			}
			if algorithm := g.of("Create")[0].header.Get("X-Amz-Checksum-Algorithm"); (algorithm == "CRC32") != withCRC32 {
				t.Errorf("the upload was begun with %q", algorithm)
			}
			if n := strings.Count(completed, "<ChecksumCRC32>"); (n == len(parts)) != withCRC32 {
				t.Errorf("the upload was completed with %s", completed)
			}
		})
	}
}

// What the store makes of the parts of a chunk must be what was sent.
func TestETagProvesTheWholeOfAChunk(t *testing.T) {
	t.Parallel()
	chunk := content(1, chunkSize)
	_, etag := partsOf(chunk)
	for name, c := range map[string]struct {
		etag string
		want func(err error) bool
	}{
		"its own":                 {etag, func(err error) bool { return err == nil }},
		"its own, in capitals":    {strings.ToUpper(etag), func(err error) bool { return err == nil }},
		"of another form":         {"CKih16GjycICEAE=", func(err error) bool { return err == nil }},
		"of other parts":          {"00112233445566778899aabbccddeeff-3", isOtherContent},
		"of fewer parts":          {strings.Replace(etag, "-3", "-2", 1), isOtherContent},
		"of other parts and more": {"00112233445566778899aabbccddeeff-10", isOtherContent},
		"none":                    {"", func(err error) bool { return errors.Is(err, errUnproved) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, servers.Server(t))
			g.onAnswer(func(call *call, r *http.Response) error {
				if call.op == "Complete" {
					rewrite(r, func(string) string {
						return "<CompleteMultipartUploadResult><ETag>\"" + c.etag + "\"</ETag></CompleteMultipartUploadResult>"
					})
				}
				return nil
			})
			err := open(t, g.endpoint).Put(t.Context(), object("a.ts", bytes.NewReader(chunk), chunkSize))
			if !c.want(err) || errors.Is(err, uploader.ErrPermanent) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func isOtherContent(err error) bool { return errors.As(err, new(*otherContentError)) }

// The first part that fails ends the others, and its error is that of the upload.
func TestFirstPartThatFailsEndsTheOthers(t *testing.T) {
	t.Parallel()
	g := newGate(t, servers.Server(t))
	var started sync.WaitGroup
	started.Add(3)
	g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
		if c.op != "UploadPart" {
			return true
		}
		started.Done()
		started.Wait()
		if c.part == 2 {
			refuse(w, r, 503, "SlowDown")
		} else {
			swallow(r) // until it is ended
		}
		return false
	})
	s := open(t, g.endpoint)
	err := s.Put(t.Context(), object("a.ts", bytes.NewReader(content(1, chunkSize)), chunkSize))
	if err == nil || err.Error() != "part 2 of 3: 503 SlowDown: said the gate" {
		t.Errorf("got %v", err)
	}
	wantUnfinished(t, s)
	if n := len(g.of("Abort")); n != 1 {
		t.Errorf("the upload was aborted %d times", n)
	}
}

// A store that begins an upload and does not say which one it is has begun none.
func TestAnswerWithoutAnUploadIDIsAnError(t *testing.T) {
	t.Parallel()
	s := answerWith(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<InitiateMultipartUploadResult><Bucket>live</Bucket></InitiateMultipartUploadResult>")
	})
	err := s.Put(t.Context(), object("a.ts", bytes.NewReader(content(1, chunkSize)), chunkSize))
	if err == nil || !strings.Contains(err.Error(), "no upload ID") {
		t.Errorf("got %v", err)
	}
}

// A part that a store refuses without a signature of its content is sent again with one, from its
// beginning.
func TestPartIsSentAgainInOtherTerms(t *testing.T) {
	t.Parallel()
	chunk := content(1, chunkSize)
	for _, resumes := range []bool{false, true} {
		t.Run(fmt.Sprint(resumes), func(t *testing.T) {
			server := servers.Server(t)
			g := newGate(t, server)
			refused := 0
			var mu sync.Mutex
			g.onCall(func(c *call, w http.ResponseWriter, r *http.Request) bool {
				if c.op != "UploadPart" || c.header.Get("X-Amz-Content-Sha256") != unsigned {
					return true
				}
				mu.Lock()
				refused++
				mu.Unlock()
				refuse(w, r, 403, "AccessDenied")
				return false
			})
			s := open(t, g.endpoint)
			s.terms = newAgreement(SignAuto, terms{}, true)
			o := object("a.ts", bytes.NewReader(chunk), chunkSize)
			o.Resumable = resumes
			if err := s.Put(t.Context(), o); err != nil || refused == 0 {
				t.Errorf("%d requests were refused, %v", refused, err)
			}
			wantObject(t, server, "a.ts", chunk)
		})
	}
}

// A noter notes the parts that it is asked to send.
type noter struct {
	attempt
	mu      sync.Mutex
	lengths map[int64]int // how many parts have that length
}

func (n *noter) CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (
	*s3.CreateMultipartUploadOutput, error) {
	return &s3.CreateMultipartUploadOutput{UploadId: aws.String("1")}, nil
}

func (n *noter) UploadPart(_ context.Context, in *s3.UploadPartInput, _ ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	section, err := sectionOf(in.Body)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lengths[section.Size()]++
	return &s3.UploadPartOutput{}, nil
}

func (n *noter) CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (
	*s3.CompleteMultipartUploadOutput, error) {
	return &s3.CompleteMultipartUploadOutput{}, nil
}

// The manager cuts where the plan does, also if there are as many parts as S3 takes.
func TestManagerCutsByThePlan(t *testing.T) {
	s := &Store{settings: Settings{PartSize: 5 * mib}}
	for _, size := range []int64{5*mib + 1, 10 * mib, maxParts*5*mib - 1, maxParts * 5 * mib, maxParts*5*mib + 1} {
		p, n := s.plan(size), &noter{lengths: make(map[int64]int)}
		in := &s3.PutObjectInput{Bucket: aws.String("live"), Body: io.NewSectionReader(strings.NewReader(""), 0, size)}
		if err := newMultipart().put(t.Context(), n, in, p.partSize, nil); err != nil {
			t.Fatal(err)
		}
		want := make(map[int64]int)
		for i := range p.parts() {
			want[p.length(i+1)]++
		}
		if fmt.Sprint(n.lengths) != fmt.Sprint(want) {
			t.Errorf("%d bytes are cut into %v, want %v", size, n.lengths, want)
		}
	}
}
