package s3store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
)

// resume returns an upload of o that an earlier attempt has begun, with those of its parts that are in the
// store and have the content that body has there today. It returns nil if there is none to go on with.
func (s *Store) resume(ctx context.Context, o uploader.Object, p plan, options []func(*s3.Options)) (*upload, error) {
	u := s.unfinished.take(o.Key)
	if u == nil {
		var err error
		if u, err = s.find(ctx, o, p, options); u == nil || err != nil {
			return nil, err
		}
	} else if u.size != o.Size || !u.modTime.Equal(o.ModTime) {
		s.abandon(ctx, u.key, u.id, options)
		return nil, nil
	}
	same, err := u.compare(ctx, o, p)
	if err != nil {
		s.unfinished.remember(u)
		return nil, fmt.Errorf("read what was sent before: %w", err)
	}
	if !same {
		// Of another file: what was said of that when the upload began, as its time, cannot be changed.
		s.abandon(ctx, u.key, u.id, options)
		return nil, nil
	}
	return u, nil
}

// compare reports whether the parts of u are those of o, as far as they can be compared; those that cannot be
// are taken for missing. Nothing is read for parts that the store does not have.
func (u *upload) compare(ctx context.Context, o uploader.Object, p plan) (same bool, err error) {
	summer := newSummer(false)
	for i := range u.parts {
		if u.parts[i].etag == "" {
			continue
		}
		local, _, err := summer.sum(ctx, p.section(o.Body, i+1))
		if err != nil {
			return false, err
		}
		switch same, comparable := u.parts[i].compare(local); {
		case !comparable:
			u.parts[i] = part{}
		case !same:
			return false, nil
		default:
			u.parts[i].sums = local
		}
	}
	return true, nil
}

// find returns the newest upload of o's key in the bucket, if its parts fit p, or nil. All others of that
// key are aborted. Where uploads may not be listed there is none.
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

// place notes a part that is in the store. It reports false if the plan of the upload was another one.
func (u *upload) place(listed types.Part, p plan) bool {
	number := int(aws.ToInt32(listed.PartNumber))
	if number < 1 || number > p.parts() || aws.ToInt64(listed.Size) != p.length(number) {
		return false
	}
	etag := aws.ToString(listed.ETag)
	u.parts[number-1] = part{etag: etag, sums: sums{md5: md5OfETag(etag), crc32: aws.ToString(listed.ChecksumCRC32)}}
	return true
}

// sentWith reports whether the parts of m have to be sent with a CRC32, and whether that is known: some
// other checksum must have been asked for by somebody else.
func sentWith(m types.MultipartUpload) (crc32, known bool) {
	switch m.ChecksumAlgorithm {
	case "", "null": // the latter is versitygw's
		return false, true
	case types.ChecksumAlgorithmCrc64nvme: // what Amazon adds when none is asked for
		return false, m.ChecksumType != types.ChecksumTypeComposite
	case types.ChecksumAlgorithmCrc32:
		return true, m.ChecksumType != types.ChecksumTypeFullObject
	}
	return false, false
}
