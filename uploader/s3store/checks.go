package s3store

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// crc64NVME is the polynomial of that name, reversed, as hash/crc64 takes it.
const crc64NVME = 0x9a6c9329ac4bc9b5

func newCRC32() hash.Hash     { return crc32.NewIEEE() }
func newCRC32C() hash.Hash    { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }
func newCRC64NVME() hash.Hash { return crc64.New(crc64.MakeTable(crc64NVME)) }

// A check compares content with one checksum that the store has of an object: of the whole, or of the
// checksums of its parts, one behind the other.
type check struct {
	want  string // as text
	text  func([]byte) string
	whole hash.Hash // of the content, or of the checksums of the parts
	part  hash.Hash // of the part's content; nil if the checksum is that of the whole
	parts int       // how many there are
}

// newCheck returns the check for a checksum as the store gives it, with "-" and the number of parts behind
// it if it is made of theirs, or nil if value is none.
func newCheck(value string, text func([]byte) string, sum func() hash.Hash) *check {
	want, count, ofParts := strings.Cut(value, "-")
	c := &check{want: want, text: text, whole: sum()}
	if len(want) != len(text(c.whole.Sum(nil))) {
		return nil
	}
	if ofParts {
		c.part = sum()
		var err error
		if c.parts, err = strconv.Atoi(count); err != nil || c.parts < 1 {
			return nil
		}
	}
	return c
}

// checksOf returns a check for each checksum of the object's content in the store's answer.
func (s *Store) checksOf(head *s3.HeadObjectOutput) (checks []*check) {
	add := func(value *string, text func([]byte) string, sum func() hash.Hash) {
		if c := newCheck(aws.ToString(value), text, sum); c != nil {
			// One of parts that does not say of how many is not one of the whole.
			if c.part != nil || head.ChecksumType != types.ChecksumTypeComposite {
				checks = append(checks, c)
			}
		}
	}
	add(head.ChecksumSHA512, base64.StdEncoding.EncodeToString, sha512.New)
	add(head.ChecksumSHA256, base64.StdEncoding.EncodeToString, sha256.New)
	add(head.ChecksumSHA1, base64.StdEncoding.EncodeToString, sha1.New)
	add(head.ChecksumMD5, base64.StdEncoding.EncodeToString, md5.New)
	add(head.ChecksumCRC64NVME, base64.StdEncoding.EncodeToString, newCRC64NVME)
	add(head.ChecksumCRC32C, base64.StdEncoding.EncodeToString, newCRC32C)
	add(head.ChecksumCRC32, base64.StdEncoding.EncodeToString, newCRC32)
	if s.hasMD5(head.ServerSideEncryption, head.SSECustomerAlgorithm) {
		if c := checkOfETag(aws.ToString(head.ETag)); c != nil {
			checks = append(checks, c)
		}
	}
	return checks
}

// checkOfETag returns the check that etag has the form of, or nil.
func checkOfETag(etag string) *check {
	etag = strings.ToLower(strings.Trim(etag, `"`))
	sum, _, _ := strings.Cut(etag, "-")
	if _, err := hex.DecodeString(sum); err != nil {
		return nil
	}
	return newCheck(etag, hex.EncodeToString, md5.New)
}

// hasMD5 reports whether the ETag of an object that is so encrypted is an MD5, if it looks like one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, ETag
func (s *Store) hasMD5(sse types.ServerSideEncryption, customerAlgorithm *string) bool {
	switch sse {
	case "", types.ServerSideEncryptionAes256:
		// In directory buckets it is none.
		return aws.ToString(customerAlgorithm) == "" && !strings.HasSuffix(s.settings.Bucket, directoryBucket)
	}
	return false
}

// passes reports whether content, in the parts of p, has all the checksums. It reads it once.
func passes(ctx context.Context, content io.ReaderAt, p plan, checks []*check) (bool, error) {
	var sums []io.Writer
	for _, c := range checks {
		if c.part != nil {
			sums = append(sums, c.part)
		} else {
			sums = append(sums, c.whole)
		}
	}
	all, buffer := io.MultiWriter(sums...), make([]byte, copyBuffer)
	for number := range p.parts() {
		if err := copyAll(ctx, all, p.section(content, number+1), buffer); err != nil {
			return false, err
		}
		for _, c := range checks {
			if c.part != nil {
				c.whole.Write(c.part.Sum(nil))
				c.part.Reset()
			}
		}
	}
	for _, c := range checks {
		if c.text(c.whole.Sum(nil)) != c.want {
			return false, nil
		}
	}
	return true, nil
}
