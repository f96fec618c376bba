package s3store

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// The user metadata that tells who wrote an object, and what. With modTimeKey it has less than 1
// kB; S3's limit is 2 kB.
const (
	hostKey = "host"
	rootKey = "root"
	sumKey  = "sha256" // in hex

	maxHost = 255 // bytes, as sent; no DNS name is longer
	maxRoot = 512
)

// metadata returns the user metadata of o, or nil.
func (s *Store) metadata(o uploader.Object) map[string]string {
	m := make(map[string]string)
	if !o.ModTime.IsZero() {
		m[modTimeKey] = formatModTime(o.ModTime)
	}
	for key, value := range map[string]string{
		hostKey: escaped(s.settings.Objects.Host, maxHost), rootKey: escaped(o.Root, maxRoot), sumKey: o.Sum,
	} {
		if value != "" {
			m[key] = value
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

// infoOf returns what the answer to a HEAD tells of an object.
func infoOf(head *s3.HeadObjectOutput) uploader.ObjectInfo {
	return uploader.ObjectInfo{
		Size: aws.ToInt64(head.ContentLength), ModTime: parseModTime(head.Metadata[modTimeKey]),
		Stored: aws.ToTime(head.LastModified), ETag: publish.ParseETag(aws.ToString(head.ETag)),
		Host: unescaped(head.Metadata[hostKey]), Root: unescaped(head.Metadata[rootKey]), Sum: head.Metadata[sumKey],
	}
}

// escaped returns s percent-encoded as printable ASCII. If that has more than most bytes, it
// returns the end: the last elements of a path tell more than the first. It encodes blanks, which a
// signature does not keep.
func escaped(s string, most int) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	all := b.String()
	if len(all) <= most {
		return all
	}
	cut := len(all) - most
	// Not in the middle of an encoded byte.
	if i := strings.LastIndexByte(all[:cut], '%'); i >= 0 && cut-i < len("%00") {
		cut = i + len("%00")
	}
	return all[cut:]
}

// unescaped reverses escaped. What another program wrote is returned as it is.
func unescaped(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
