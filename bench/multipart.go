package main

import (
	"crypto/md5"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An upload is one in parts that was begun. Of a part, too, only the size and the MD5 are kept.
type upload struct {
	key   string
	meta  http.Header
	crc32 bool // it was begun with CRC32s
	parts map[int]object
	sums  map[int]string // CRC32s of the parts
}

// serveParts answers what is asked of an upload in parts.
func (s *store) serveParts(w http.ResponseWriter, r *http.Request, key string) {
	id := r.URL.Query().Get("uploadId")
	if id == "" {
		s.beginParts(w, r, key)
		return
	}
	s.mu.Lock()
	u := s.uploads[id]
	s.mu.Unlock()
	switch {
	case u == nil || u.key != key:
		refuse(w, http.StatusNotFound, "NoSuchUpload")
	case r.Method == http.MethodPut:
		s.putPart(w, r, u)
	case r.Method == http.MethodPost:
		s.completeParts(w, r, id, u)
	case r.Method == http.MethodGet:
		s.listParts(w, id, u)
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		delete(s.uploads, id)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *store) beginParts(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	s.begun++
	id := "upload-" + strconv.Itoa(s.begun)
	s.uploads[id] = &upload{key: key, meta: metaOf(r), parts: make(map[int]object), sums: make(map[int]string),
		crc32: r.Header.Get("X-Amz-Checksum-Algorithm") == "CRC32"}
	s.mu.Unlock()
	answerXML(w, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: bucket, Key: key, UploadId: id})
}

func (s *store) putPart(w http.ResponseWriter, r *http.Request, u *upload) {
	s.account.count(func(c *requestCount) { c.Part++ })
	number, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		refuse(w, http.StatusBadRequest, "InvalidArgument")
		return
	}
	o, ok := s.take(w, r, false)
	if !ok {
		return
	}
	sum := r.Header.Get(crc32Header)
	s.mu.Lock()
	u.parts[number], u.sums[number] = o, sum
	s.mu.Unlock()
	w.Header().Set("Etag", o.etag())
	if sum != "" {
		w.Header().Set(crc32Header, sum)
	}
	w.WriteHeader(http.StatusOK)
}

// completeParts makes an object of the parts that the request names.
func (s *store) completeParts(w http.ResponseWriter, r *http.Request, id string, u *upload) {
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Part) == 0 {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	o, sums := object{parts: len(in.Part), meta: u.meta}, md5.New()
	s.mu.Lock()
	for i, p := range in.Part {
		part, ok := u.parts[p.PartNumber]
		if !ok || strings.Trim(p.ETag, `"`) != strings.Trim(part.etag(), `"`) || i > 0 && p.PartNumber <= in.Part[i-1].PartNumber {
			s.mu.Unlock()
			refuse(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		o.size += part.size
		o.at = part.at
		sums.Write(part.sum[:])
	}
	delete(s.uploads, id)
	s.mu.Unlock()
	sums.Sum(o.sum[:0])
	if !s.store(u.key, o, r.Header) {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	answerXML(w, struct {
		XMLName                     xml.Name `xml:"CompleteMultipartUploadResult"`
		Location, Bucket, Key, ETag string
	}{Location: "/" + bucket + "/" + u.key, Bucket: bucket, Key: u.key, ETag: o.etag()})
}

type listedPart struct {
	PartNumber                  int
	ETag                        string
	Size                        int64
	ChecksumCRC32, LastModified string `xml:",omitempty"`
}

func (s *store) listParts(w http.ResponseWriter, id string, u *upload) {
	out := struct {
		XMLName               xml.Name `xml:"ListPartsResult"`
		Bucket, Key, UploadId string
		IsTruncated           bool
		Part                  []listedPart
	}{Bucket: bucket, Key: u.key, UploadId: id}
	s.mu.Lock()
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		o := u.parts[n]
		out.Part = append(out.Part, listedPart{n, o.etag(), o.size, u.sums[n], o.at.UTC().Format("2006-01-02T15:04:05.000Z")})
	}
	s.mu.Unlock()
	answerXML(w, out)
}

type listedUpload struct {
	Key, UploadId, Initiated string
	ChecksumAlgorithm        string `xml:",omitempty"`
}

func (s *store) listUploads(w http.ResponseWriter, prefix string) {
	out := struct {
		XMLName     xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket      string
		IsTruncated bool
		Upload      []listedUpload
	}{Bucket: bucket}
	s.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(s.uploads)) {
		if u := s.uploads[id]; strings.HasPrefix(u.key, prefix) {
			l := listedUpload{Key: u.key, UploadId: id, Initiated: "2026-01-01T00:00:00Z"}
			if u.crc32 {
				l.ChecksumAlgorithm = "CRC32"
			}
			out.Upload = append(out.Upload, l)
		}
	}
	s.mu.Unlock()
	answerXML(w, out)
}

// sumOfParts returns the sum that the store has of content if it comes in parts of partSize.
func sumOfParts(pieces ...[]byte) sum {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	whole, part, left := md5.New(), md5.New(), partSize
	for _, p := range pieces {
		for len(p) > 0 {
			n := min(left, len(p))
			part.Write(p[:n])
			p, left = p[n:], left-n
			if left == 0 && size > partSize {
				whole.Write(part.Sum(nil))
				part.Reset()
				left = partSize
			}
		}
	}
	if size <= partSize {
		return sum(part.Sum(nil))
	}
	if left < partSize {
		whole.Write(part.Sum(nil))
	}
	return sum(whole.Sum(nil))
}
