package main

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// serveBucket answers what is asked of the bucket itself.
func (s *store) serveBucket(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodHead:
		s.account.count(func(c *requestCount) { c.Head++ })
		w.WriteHeader(http.StatusOK)
	case r.Method == http.MethodPut:
		w.WriteHeader(http.StatusOK)
	case q.Has("location"):
		answer(w, http.StatusOK, "<LocationConstraint/>")
	case q.Has("uploads"):
		answer(w, http.StatusOK, "<ListMultipartUploadsResult><Bucket>"+bucket+"</Bucket></ListMultipartUploadsResult>")
	case r.Method == http.MethodGet && (q.Has("list-type") || q.Has("prefix") || q.Has("delimiter") || len(q) == 0):
		s.account.count(func(c *requestCount) { c.List++ })
		s.list(w, q.Get("prefix"), q.Get("delimiter"))
	case r.Method == http.MethodGet:
		refuse(w, http.StatusNotFound, "NoSuchConfiguration")
	case r.Method == http.MethodPost && q.Has("delete"):
		s.deleteAll(w, r)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

// deleteAll is DeleteObjects.
func (s *store) deleteAll(w http.ResponseWriter, r *http.Request) {
	s.account.count(func(c *requestCount) { c.Delete++ })
	var in struct{ Object []struct{ Key string } }
	if err := xml.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	s.mu.Lock()
	for _, o := range in.Object {
		delete(s.objects, o.Key)
	}
	s.mu.Unlock()
	answer(w, http.StatusOK, "<DeleteResult/>")
}

type listResult struct {
	XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name           string
	Prefix         string
	Delimiter      string
	KeyCount       int
	MaxKeys        int
	IsTruncated    bool
	Contents       []listed
	CommonPrefixes []struct{ Prefix string }
}

type listed struct {
	Key, LastModified, ETag, StorageClass string
	Size                                  int64
}

// list answers with all that begins with prefix, in one page.
func (s *store) list(w http.ResponseWriter, prefix, delimiter string) {
	out := listResult{Name: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: 1 << 20}
	dirs := make(map[string]bool)
	s.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if dir, _, below := strings.Cut(rest, delimiter); delimiter != "" && below {
			if dir = prefix + dir + delimiter; !dirs[dir] {
				dirs[dir] = true
				out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{dir})
			}
			continue
		}
		o := s.objects[key]
		out.Contents = append(out.Contents, listed{key, o.at.UTC().Format("2006-01-02T15:04:05.000Z"), o.etag(),
			"STANDARD", o.size})
	}
	s.mu.Unlock()
	out.KeyCount = len(out.Contents) + len(out.CommonPrefixes)
	text, err := xml.Marshal(out)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError")
		return
	}
	answer(w, http.StatusOK, string(text))
}
