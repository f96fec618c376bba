package main

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
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
		s.listUploads(w, q.Get("prefix"))
	case r.Method == http.MethodGet && (q.Has("list-type") || q.Has("prefix") || q.Has("delimiter") || len(q) == 0):
		s.account.count(func(c *requestCount) { c.List++ })
		s.list(w, q)
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
		s.objects.remove(o.Key)
	}
	s.mu.Unlock()
	answer(w, http.StatusOK, "<DeleteResult/>")
}

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"` // the key that the page ends with
	NextMarker            string `xml:",omitempty"`
	Contents              []listed
	CommonPrefixes        []struct{ Prefix string }
}

type listed struct {
	Key, LastModified, ETag, StorageClass string
	Size                                  int64
}

// maxKeys is how much a page of a list has at the most, as with S3.
const maxKeys = 1000

// list answers with a page of what begins with a prefix.
func (s *store) list(w http.ResponseWriter, q url.Values) {
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	after := cmp.Or(q.Get("continuation-token"), q.Get("marker"), q.Get("start-after"))
	out := listResult{Name: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: maxKeys}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		out.MaxKeys = min(max(n, 1), maxKeys)
	}
	dir := ""
	s.mu.Lock()
	for _, key := range s.objects.keys(prefix) {
		part, _, below := strings.Cut(key[len(prefix):], delimiter)
		entry := key
		if below = below && delimiter != ""; below {
			entry = prefix + part + delimiter
		}
		if entry <= after || below && entry == dir {
			continue
		}
		if out.KeyCount == out.MaxKeys {
			out.IsTruncated = true
			break
		}
		out.KeyCount++
		out.NextContinuationToken = entry
		if below {
			dir = entry
			out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{dir})
			continue
		}
		o, _ := s.objects.get(key)
		out.Contents = append(out.Contents, listed{key, o.at.UTC().Format("2006-01-02T15:04:05.000Z"), o.etag(),
			"STANDARD", o.size})
	}
	s.mu.Unlock()
	if !out.IsTruncated {
		out.NextContinuationToken = ""
	}
	out.NextMarker = out.NextContinuationToken
	answerXML(w, out)
}

// keys returns what begins with prefix, in order.
func (all objects) keys(prefix string) (keys []string) {
	for dir, names := range all {
		if !strings.HasPrefix(dir+"/", prefix) && !strings.HasPrefix(prefix, dir+"/") && dir != "." {
			continue
		}
		for name := range names {
			if key := path.Join(dir, name); strings.HasPrefix(key, prefix) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

func answerXML(w http.ResponseWriter, out any) {
	text, err := xml.Marshal(out)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError")
		return
	}
	answer(w, http.StatusOK, string(text))
}
