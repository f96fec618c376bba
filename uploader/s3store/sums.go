package s3store

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"io"
	"runtime"
	"sync"

	"ems-sidecar/uploader/publish"
)

// sums are checksums of content, in base64 as in S3's headers. "" is unknown.
type sums struct{ md5, crc32 string }

// same reports whether content with the sums a, one of which may be unknown, is content with the
// sums b.
func (a sums) same(b sums) bool {
	if a.crc32 == "" {
		return a.md5 == b.md5
	}
	// Also if the MD5s differ: with SSE-KMS an ETag looks like an MD5 and is none.
	return a.crc32 == b.crc32
}

// headers returns the one checksum to send with content: its CRC32, or its MD5.
func (a sums) headers(withCRC32 bool) (md5, crc32 *string) {
	if withCRC32 {
		return nil, &a.crc32
	}
	return &a.md5, nil
}

// copyBuffer is how much of a file is read at once, in bytes.
const copyBuffer = 64 << 10

// A need says which sums of content are computed.
type need struct {
	md5, crc32 bool
	payload    bool // SHA-256, to sign a request with
}

// A summer computes sums of one section after the other, with the same buffer.
type summer struct {
	md5, crc32, payload hash.Hash // nil if it is not needed
	all                 io.Writer
	buffer              []byte
}

func newSummer(n need) *summer {
	s := &summer{buffer: make([]byte, copyBuffer)}
	var all []io.Writer
	add := func(is bool, h func() hash.Hash) (sum hash.Hash) {
		if is {
			sum = h()
			all = append(all, sum)
		}
		return sum
	}
	s.md5, s.crc32, s.payload = add(n.md5, md5.New), add(n.crc32, newCRC32), add(n.payload, sha256.New)
	s.all = io.MultiWriter(all...)
	return s
}

// summers has summers that are used again, by what they compute.
var summers = newSummers(need{md5: true}, need{crc32: true}, need{md5: true, crc32: true})

func newSummers(needs ...need) map[need]*sync.Pool {
	pools := make(map[need]*sync.Pool)
	for _, unsigned := range needs {
		signed := unsigned
		signed.payload = true
		for _, n := range []need{unsigned, signed} {
			pools[n] = &sync.Pool{New: func() any { return newSummer(n) }}
		}
	}
	return pools
}

// sumOnce reads the section once, and returns the sums that are needed. It leaves the section at its
// beginning.
func sumOnce(ctx context.Context, section *io.SectionReader, n need, signed bool) (sums, string, error) {
	n.payload = signed
	s := summers[n].Get().(*summer)
	defer summers[n].Put(s)
	return s.sum(ctx, section)
}

// sum reads the section once, and returns its sums and the hash to sign it with. It leaves the
// section at its beginning.
func (s *summer) sum(ctx context.Context, section *io.SectionReader) (content sums, payload string, err error) {
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return sums{}, "", err
	}
	for _, h := range []hash.Hash{s.md5, s.crc32, s.payload} {
		if h != nil {
			h.Reset()
		}
	}
	if err := copyAll(ctx, s.all, section, s.buffer); err != nil {
		return sums{}, "", err
	}
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return sums{}, "", err
	}
	if s.md5 != nil {
		content.md5 = encodeSum(s.md5)
	}
	if s.crc32 != nil {
		content.crc32 = encodeSum(s.crc32)
	}
	if s.payload != nil {
		payload = hex.EncodeToString(s.payload.Sum(nil))
	}
	return content, payload, nil
}

// copyAll copies the whole section. It is an error if the section ends early: the file was cut. After
// each buffer, other goroutines have their turn. Else several parts that are summed up would keep all
// processors for 10 ms each time, and a small chunk or a playlist waits at each of its steps (R9).
func copyAll(ctx context.Context, w io.Writer, section *io.SectionReader, buffer []byte) error {
	for left := section.Size(); left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(section, buffer[:min(left, int64(len(buffer)))])
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		w.Write(buffer[:n]) // a hash never fails
		if left -= int64(n); left > 0 {
			runtime.Gosched()
		}
	}
	return nil
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// parseCRC32 returns the CRC32 that text is, as S3's headers have it.
func parseCRC32(text string) (c publish.Checksum, ok bool) {
	return publish.ParseChecksum(text, crc32.Size, base64.StdEncoding.DecodeString)
}

// checksum returns the MD5 as the checksum of an object.
func (a sums) checksum() publish.Checksum {
	c, _ := publish.ParseChecksum(a.md5, md5.Size, base64.StdEncoding.DecodeString)
	return c
}

// md5OfETag returns etag as the MD5 of content, in base64, or "" if it is none.
func md5OfETag(etag string) string {
	c, ok := publish.ParseETag(etag).Checksum()
	if !ok || c.Parts > 0 {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(c.Sum))
}
