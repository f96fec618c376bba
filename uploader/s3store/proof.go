package s3store

import (
	"encoding/base64"
	"errors"
	"hash/crc32"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader/publish"
)

// A proof says with which checksum a whole object is sent, and what of the answer proves that the
// store has its content.
type proof uint8

const (
	// byMD5 sends an MD5, which every store knows. The ETag must be no other.
	byMD5 proof = iota
	// byCRC32 sends a CRC32: the bucket or the environment wants one, or the store takes no MD5. The
	// ETag must be no other MD5.
	byCRC32
	// onTrial does as byCRC32, and the answer tells which proof later objects have.
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

// isOffered reports whether the CRC32 is this daemon's own idea.
func (p proof) isOffered() bool { return p == onTrial || p == byEcho }

// need returns which sums of the content p needs.
func (p proof) need() need { return need{md5: p != byEcho, crc32: p != byMD5} }

// errUnrepeated is about an answer without the checksum that is to prove it.
var errUnrepeated = errors.New("the store's answer does not repeat the checksum, so it is not certain that it " +
	"has the object")

// proveWhole compares the answer with the content that was sent for the proof p.
func (s *Store) proveWhole(p proof, content sums, out *s3.PutObjectOutput) error {
	if p == byEcho {
		return content.proveEcho(out)
	}
	err := s.prove(content, out.ETag, out.ServerSideEncryption, out.SSECustomerAlgorithm)
	if err != nil || p != onTrial || content.isEchoed(out) {
		return err
	}
	if s.hasMD5(out.ServerSideEncryption, out.SSECustomerAlgorithm) && md5OfETag(aws.ToString(out.ETag)) != "" {
		return nil
	}
	return errUnrepeated // the store may have compared no checksum
}

// isEchoed reports whether the answer repeats the CRC32.
func (a sums) isEchoed(out *s3.PutObjectOutput) bool {
	return aws.ToString(out.ChecksumCRC32) == a.crc32
}

// proveEcho returns an error if the answer does not repeat the CRC32.
func (a sums) proveEcho(out *s3.PutObjectOutput) error {
	if publish.ParseETag(aws.ToString(out.ETag)) == "" {
		return errUnproved
	}
	if a.isEchoed(out) {
		return nil
	}
	got := aws.ToString(out.ChecksumCRC32)
	// One that is made of those of parts tells nothing of a whole object.
	c, ok := publish.ParseChecksum(got, crc32.Size, base64.StdEncoding.DecodeString)
	if !ok || c.Parts > 0 {
		return errUnrepeated
	}
	return &otherContentError{"CRC32", got, a.crc32}
}
