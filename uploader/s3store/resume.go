package s3store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
)

// errOtherFile is about an upload whose parts are not those of the file. The metadata of the
// object, such as the file's time, was sent when the upload began, and cannot be changed.
var errOtherFile = errors.New("the parts in the bucket are of another file")

// resume returns an upload of o's key that an earlier attempt began, or nil if there is none. Its
// parts are not compared with the file yet.
func (s *Store) resume(ctx context.Context, o uploader.Object, p plan, options []func(*s3.Options)) (*upload, error) {
	u := s.unfinished.take(o.Key)
	if u == nil {
		return s.find(ctx, o, p, options)
	}
	if u.size != o.Size || !u.modTime.Equal(o.ModTime) {
		s.abandon(ctx, u.key, u.id, options)
		return nil, nil
	}
	for i := range u.parts {
		u.parts[i].sent = false
	}
	return u, nil
}

// compare returns errOtherFile if a part of an earlier attempt has other content than the file.
func (u *upload) compare(ctx context.Context, o uploader.Object, p plan) error {
	for i := range u.parts {
		if u.parts[i].sent {
			continue
		}
		local, _, err := sumOnce(ctx, p.section(o.Body, i+1), u.needOf(u.parts[i]), false)
		if err != nil {
			return fmt.Errorf("compare part %d of %d with the file: %w", i+1, p.parts(), err)
		}
		if !u.parts[i].same(local) {
			return errOtherFile
		}
		u.parts[i].sums = local
	}
	return nil
}

// needOf returns which sums of the file are needed to compare p with it, and to complete u.
func (u *upload) needOf(p part) need {
	return need{md5: !u.crc32 || p.crc32 == "", crc32: u.crc32 || p.crc32 != ""}
}

// find returns the newest upload of o's key in the bucket if its parts fit p, or nil. It aborts all
// others of that key. Where uploads may not be listed, it returns nil.
func (s *Store) find(ctx context.Context, o uploader.Object, p plan, options []func(*s3.Options)) (*upload, error) {
	var found []types.MultipartUpload
	err := s.eachUpload(ctx, o.Key, options, func(m types.MultipartUpload, _ time.Time) {
		if aws.ToString(m.Key) == o.Key && !s.unfinished.isInFlight(aws.ToString(m.UploadId)) {
			found = append(found, m)
		}
	})
	if s.listingRefused(err) || err == nil && len(found) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b types.MultipartUpload) int {
		return cmp.Compare(aws.ToTime(a.Initiated).UnixNano(), aws.ToTime(b.Initiated).UnixNano())
	})
	last := len(found) - 1
	for _, m := range found[:last] {
		s.abandon(ctx, o.Key, aws.ToString(m.UploadId), options)
	}
	u := &upload{
		key: o.Key, id: aws.ToString(found[last].UploadId), size: o.Size, modTime: o.ModTime, parts: make([]part, p.parts()),
	}
	var usable bool
	if u.crc32, usable = sentWith(found[last]); usable {
		fits := true
		err = s.eachPart(ctx, u.key, u.id, options, func(listed types.Part, _ time.Time) bool {
			fits = u.place(listed, p)
			return fits
		})
		switch {
		case err == nil && fits:
			return u, nil
		case codeOf(err) == noSuchUpload:
			return nil, nil
		case err != nil && !s.listingRefused(err):
			return nil, err
		}
	}
	s.abandon(ctx, u.key, u.id, options)
	return nil, nil
}

// place notes a part that the store has, if it has a checksum. A part without one, as with SSE-KMS,
// is sent again. It returns false if the upload has another plan.
func (u *upload) place(listed types.Part, p plan) bool {
	number := int(aws.ToInt32(listed.PartNumber))
	if number < 1 || number > p.parts() || aws.ToInt64(listed.Size) != p.length(number) {
		return false
	}
	etag := aws.ToString(listed.ETag)
	if known := (sums{md5: md5OfETag(etag), crc32: aws.ToString(listed.ChecksumCRC32)}); known != (sums{}) {
		u.parts[number-1] = part{etag: etag, sums: known}
	}
	return true
}

// sentWith reports whether the parts of m must be sent with a CRC32. known is false for other
// checksums: another program began the upload.
func sentWith(m types.MultipartUpload) (crc32, known bool) {
	switch m.ChecksumAlgorithm {
	case "", "null": // the latter is versitygw's
		return false, true
	case types.ChecksumAlgorithmCrc64nvme: // Amazon adds it by default
		return false, m.ChecksumType != types.ChecksumTypeComposite
	case types.ChecksumAlgorithmCrc32:
		return true, m.ChecksumType != types.ChecksumTypeFullObject
	}
	return false, false
}
