package main

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
)

const crc32Header = "X-Amz-Checksum-Crc32"

// errOtherContent is about content with another checksum than the request has.
var errOtherContent = errors.New("the content is not that of the checksum")

// receive reads an object, which may come in the chunks of SigV4, and compares its checksums.
func receive(r *http.Request, over *line, keep bool) (object, error) {
	var body io.Reader = over.read(r.Body)
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body = httputil.NewChunkedReader(body)
	}
	o := object{meta: metaOf(r)}
	sums := sumPool.Get().(*receiver)
	defer sumPool.Put(sums)
	sums.md5.Reset()
	sums.crc32.Reset()
	text := &limitedText{keep: keep}
	var err error
	// Only Write and Read are visible: WriteTo or ReadFrom would not use the buffer.
	to, from := struct{ io.Writer }{io.MultiWriter(sums.md5, sums.crc32, text)}, struct{ io.Reader }{body}
	o.size, err = io.CopyBuffer(to, from, sums.buffer)
	if err != nil {
		return o, err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil { // the trailer
		return o, err
	}
	sums.md5.Sum(o.sum[:0])
	for name, sum := range map[string][]byte{"Content-Md5": o.sum[:], crc32Header: sums.crc32.Sum(nil)} {
		if want := r.Header.Get(name); want != "" && want != base64.StdEncoding.EncodeToString(sum) {
			return o, errOtherContent
		}
	}
	o.text = text.b
	return o, nil
}

// metaOf returns what a request tells of an object besides its content.
func metaOf(r *http.Request) http.Header {
	meta := make(http.Header)
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			meta[name] = values
		}
	}
	return meta
}

// A receiver is what receiving needs.
type receiver struct {
	md5, crc32 hash.Hash
	buffer     []byte
}

var sumPool = sync.Pool{New: func() any {
	return &receiver{md5.New(), crc32.NewIEEE(), make([]byte, 64<<10)}
}}

type limitedText struct {
	keep bool
	b    []byte
}

func (t *limitedText) Write(p []byte) (int, error) {
	if t.keep {
		t.b = append(t.b, p...)
		if len(t.b) > maxPlaylist {
			return 0, errors.New("the playlist is too long")
		}
	}
	return len(p), nil
}
