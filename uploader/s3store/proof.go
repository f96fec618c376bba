package s3store

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader/publish"
)

// A proof says with which checksum a whole object, or a part, is sent, and what of the answer proves
// that the store has its content.
type proof uint8

const (
	// byMD5 sends an MD5, which every store knows. The ETag must be no other.
	byMD5 proof = iota
	// byCRC32 sends a CRC32: the bucket or the environment wants one, or the store takes no MD5. The
	// ETag must be no other MD5.
	byCRC32
	// onTrial does as byCRC32, and the answer tells which proof later content has.
	onTrial
	// byEcho sends a CRC32, which the answer must repeat. It needs no MD5, which costs more processor
	// time than anything else that is done with a chunk.
	byEcho
)

// once returns the proof for a request with a condition. It may not be made again when it was
// applied, since the condition would not be met.
func (p proof) once() proof {
	switch p {
	case onTrial:
		return byMD5
	case byEcho:
		return byCRC32
	}
	return p
}

// ofUpload returns the proof for a part of an upload that was begun with CRC32s, or with MD5s. That
// stays, whatever has been learned since.
func (p proof) ofUpload(crc32 bool) proof {
	switch {
	case !crc32:
		return byMD5
	case p == byEcho || p == byCRC32:
		return p
	}
	return onTrial
}

// isOffered reports whether the CRC32 is this daemon's own idea.
func (p proof) isOffered() bool { return p == onTrial || p == byEcho }

// need returns which sums of the content p needs.
func (p proof) need() need { return need{md5: p != byEcho, crc32: p != byMD5} }

// errUnrepeated is about an answer without the checksum that is to prove it.
var errUnrepeated = errors.New("the store's answer does not repeat the checksum, so it is not certain that it " +
	"has the object")

// An echo is what the answer to content tells of it.
type echo struct {
	etag, crc32       *string
	sse               types.ServerSideEncryption
	customerAlgorithm *string
}

func echoOfObject(out *s3.PutObjectOutput) echo {
	return echo{out.ETag, out.ChecksumCRC32, out.ServerSideEncryption, out.SSECustomerAlgorithm}
}

func echoOfPart(out *s3.UploadPartOutput) echo {
	return echo{out.ETag, out.ChecksumCRC32, out.ServerSideEncryption, out.SSECustomerAlgorithm}
}

// repeats reports whether the answer repeats the CRC32 of content.
func (e echo) repeats(content sums) bool { return aws.ToString(e.crc32) == content.crc32 }

// prove compares the answer with the content that was sent for the proof p.
func (s *Store) prove(p proof, content sums, e echo) error {
	if p == byEcho {
		return e.prove(content)
	}
	err := s.proveETag(content, e)
	if err != nil || p != onTrial || e.repeats(content) {
		return err
	}
	if s.hasMD5(e.sse, e.customerAlgorithm) && md5OfETag(aws.ToString(e.etag)) != "" {
		return nil
	}
	return errUnrepeated // the store may have compared no checksum
}

// learned returns the proof for later content, after a trial with that answer.
func (e echo) learned(content sums) proof {
	if e.repeats(content) {
		return byEcho
	}
	return byMD5
}

// prove returns an error if the answer does not repeat the CRC32 of content.
func (e echo) prove(content sums) error {
	if publish.ParseETag(aws.ToString(e.etag)) == "" {
		return errUnproved
	}
	if e.repeats(content) {
		return nil
	}
	got := aws.ToString(e.crc32)
	// One that is made of those of parts tells nothing of what was sent.
	c, ok := parseCRC32(got)
	if !ok || c.Parts > 0 {
		return errUnrepeated
	}
	return &otherContentError{"CRC32", got, content.crc32}
}
