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

// A summer computes sums of one section after the other, with the same buffer.
type summer struct {
	md5     hash.Hash
	crc32   hash.Hash // nil if it is not needed
	payload hash.Hash // SHA-256, to sign a request with; nil if that is not needed
	all     io.Writer
	buffer  []byte
}

// newSummer returns one that computes the MD5, with which answers are compared, and what t asks for.
func newSummer(t terms) *summer {
	s := &summer{md5: md5.New(), buffer: make([]byte, copyBuffer)}
	all := []io.Writer{s.md5}
	if t.crc32 {
		s.crc32 = crc32.NewIEEE()
		all = append(all, s.crc32)
	}
	if t.signed {
		s.payload = sha256.New()
		all = append(all, s.payload)
	}
	s.all = io.MultiWriter(all...)
	return s
}

// summers has summers that are used again, by what they compute.
var summers = map[terms]*sync.Pool{
	{}:                          {New: func() any { return newSummer(terms{}) }},
	{crc32: true}:               {New: func() any { return newSummer(terms{crc32: true}) }},
	{signed: true}:              {New: func() any { return newSummer(terms{signed: true}) }},
	{crc32: true, signed: true}: {New: func() any { return newSummer(terms{crc32: true, signed: true}) }},
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
	content.md5 = encodeSum(s.md5)
	if s.crc32 != nil {
		content.crc32 = encodeSum(s.crc32)
	}
	if s.payload != nil {
		payload = hex.EncodeToString(s.payload.Sum(nil))
	}
	return content, payload, nil
}

// copyAll copies the whole section. It is an error if the section ends early: the file was cut.
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
		left -= int64(n)
	}
	return nil
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

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
