package s3store

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader/publish"
)

// crc64NVME is the polynomial of that name, reversed, for hash/crc64.
const crc64NVME = 0x9a6c9329ac4bc9b5

func newCRC32() hash.Hash     { return crc32.NewIEEE() }
func newCRC32C() hash.Hash    { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }
func newCRC64NVME() hash.Hash { return crc64.New(crc64.MakeTable(crc64NVME)) }

// A check compares content with one checksum that the store has of an object.
type check struct {
	publish.Checksum
	whole hash.Hash // of the content, or of the checksums of the parts
	part  hash.Hash // of the part's content; nil if the checksum is of the whole content
}

func newCheck(c publish.Checksum, sum func() hash.Hash) *check {
	k := &check{Checksum: c, whole: sum()}
	if c.Parts > 0 {
		k.part = sum()
	}
	return k
}

// checksOf returns a check for each checksum of the object's content in the store's answer.
func (s *Store) checksOf(head *s3.HeadObjectOutput) (checks []*check) {
	add := func(value *string, sum func() hash.Hash) {
		c, ok := publish.ParseChecksum(aws.ToString(value), sum().Size(), base64.StdEncoding.DecodeString)
		// A composite checksum without a number of parts is not of the whole content.
		if ok && (c.Parts > 0 || head.ChecksumType != types.ChecksumTypeComposite) {
			checks = append(checks, newCheck(c, sum))
		}
	}
	add(head.ChecksumSHA512, sha512.New)
	add(head.ChecksumSHA256, sha256.New)
	add(head.ChecksumSHA1, sha1.New)
	add(head.ChecksumMD5, md5.New)
	add(head.ChecksumCRC64NVME, newCRC64NVME)
	add(head.ChecksumCRC32C, newCRC32C)
	add(head.ChecksumCRC32, newCRC32)
	etag := aws.ToString(head.ETag)
	if isWeak := strings.HasPrefix(etag, "W/"); !isWeak && s.hasMD5(head.ServerSideEncryption, head.SSECustomerAlgorithm) {
		if c, ok := publish.ParseETag(etag).Checksum(); ok {
			checks = append(checks, newCheck(c, md5.New))
		}
	}
	return checks
}

// hasMD5 reports whether an ETag that looks like an MD5 is one, with this encryption.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, ETag
func (s *Store) hasMD5(sse types.ServerSideEncryption, customerAlgorithm *string) bool {
	switch sse {
	case "", types.ServerSideEncryptionAes256:
		// In directory buckets it is not.
		return aws.ToString(customerAlgorithm) == "" && !strings.HasSuffix(s.settings.Bucket, directoryBucket)
	}
	return false
}

// passes compares content, in the parts of p, with all checksums. It reads it once.
func passes(ctx context.Context, content io.ReaderAt, p plan, checks []*check) (publish.Identity, error) {
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
			return publish.Unclear, err
		}
		for _, c := range checks {
			if c.part != nil {
				c.whole.Write(c.part.Sum(nil))
				c.part.Reset()
			}
		}
	}
	for _, c := range checks {
		if string(c.whole.Sum(nil)) != c.Sum {
			return publish.Different, nil
		}
	}
	return publish.Identical, nil
}
