package s3store

import "io"

// S3's limits on the parts of one object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	minPartSize = 5 << 20 // bytes, except for the last part
	maxParts    = 10_000
	mebibyte    = 1 << 20
)

// A plan says how an object is cut into parts. It depends on the object's size and the settings
// only, so an attempt after a restart cuts it at the same places. Parts are numbered from 1.
type plan struct {
	size     int64 // of the object, bytes
	partSize int64
}

func (s *Store) plan(size int64) plan {
	least := (size + maxParts - 1) / maxParts
	least = (least + mebibyte - 1) / mebibyte * mebibyte
	return plan{size: size, partSize: max(s.settings.PartSize, minPartSize, least)}
}

// parts returns the number of parts, from 1 to maxParts.
func (p plan) parts() int {
	return int(max(1, (p.size+p.partSize-1)/p.partSize))
}

func (p plan) length(number int) int64 {
	return min(p.partSize, p.size-int64(number-1)*p.partSize)
}

// section returns the part's content in body.
func (p plan) section(body io.ReaderAt, number int) *io.SectionReader {
	return io.NewSectionReader(body, int64(number-1)*p.partSize, p.length(number))
}
