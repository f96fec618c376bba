package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// partSize is that of the parts, in bytes, and partsAtOnce how many are in flight, as the daemon
	// has them by default.
	partSize    = 8 << 20
	partsAtOnce = 3
)

// putParts puts a file in parts, as fast as it goes, and without a sum.
func (f *floor) putParts(path string, file io.ReaderAt, size int64) error {
	at := f.url + "/" + path
	_, text, err := f.request(http.MethodPost, at+"?uploads", nil, 0)
	if err != nil {
		return err
	}
	var begun struct{ UploadId string }
	if err := xml.Unmarshal(text, &begun); err != nil {
		return err
	}
	at += "?uploadId=" + url.QueryEscape(begun.UploadId)
	etags := make([]string, (size+partSize-1)/partSize)
	var next atomic.Int64
	var senders sync.WaitGroup
	failed := make(chan error, partsAtOnce)
	for range partsAtOnce {
		senders.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(etags)); i = next.Add(1) - 1 {
				part := io.NewSectionReader(file, i*partSize, min(partSize, size-i*partSize))
				etag, _, err := f.request(http.MethodPut, fmt.Sprintf("%s&partNumber=%d", at, i+1), part, part.Size())
				if err != nil {
					failed <- err
					return
				}
				etags[i] = etag
			}
		})
	}
	senders.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	var all strings.Builder
	all.WriteString("<CompleteMultipartUpload>")
	for i, etag := range etags {
		fmt.Fprintf(&all, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, strings.Trim(etag, `"`))
	}
	all.WriteString("</CompleteMultipartUpload>")
	_, _, err = f.request(http.MethodPost, at, strings.NewReader(all.String()), int64(all.Len()))
	return err
}
