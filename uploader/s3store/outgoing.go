package s3store

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"ems-sidecar/uploader"
)

// lastPiece is how much of a body is read at its end in any case, in bytes, so that a file that has
// changed while the kernel sent it is noticed before its last byte is sent.
const lastPiece = 4 << 10

// An exactBody ends after its last byte without another read. The SDK closes a request's body as
// soon as the answer begins. net/http reads once more at the end of a body. If that read fails, it
// closes the connection, in the middle of the answer to a request that succeeded.
//
// It corks the connection until its last byte was read.
type exactBody struct {
	io.ReadCloser
	left  int64
	waits bool        // the store is asked first, so the header goes alone
	on    *connection // nil: it cannot be corked
}

// newExactBody returns the body that is sent for r.
func newExactBody(r *http.Request) *exactBody {
	b := &exactBody{ReadCloser: r.Body, waits: r.Header.Get("Expect") != ""}
	if r.Body == nil {
		return b
	}
	b.left = max(0, r.ContentLength)
	if f, ok := r.Context().Value(sectionKey{}).(*fileSection); ok {
		_ = r.Body.Close() // nothing of it is read
		b.ReadCloser = f.body()
	}
	return b
}

// travelOn tells over which connection the request goes, before it is written. A request before that
// was not sent may have left the connection corked.
func (b *exactBody) travelOn(c *connection) {
	b.on = c
	if c != nil {
		c.cork(b.left > 0 && !b.waits)
	}
}

func (b *exactBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.on == nil:
	case b.left <= 0:
		b.on.cork(false) // what was read is written next
	case b.waits:
		b.on.cork(true)
	}
	return n, err
}

// sendTo has the kernel send as much of the body to c as it can, and returns how much that was. The
// rest has to be read.
func (b *exactBody) sendTo(c *connection) (sent int64, err error) {
	body, ok := b.ReadCloser.(*sectionBody)
	if !ok || b.left < sendBuffer {
		return 0, nil // it is less work to copy it, with the header
	}
	sent, err = body.sendTo(c, b.left-lastPiece)
	b.left -= sent
	return sent, err
}

// A fileSection is a part of a file that a request sends. Nothing is read of it after it was closed: the
// transport may go on reading when the answer has come early, and the file is closed then.
type fileSection struct {
	section *io.SectionReader
	closed  atomic.Bool
}

func (s *fileSection) close() { s.closed.Store(true) }

// body returns a body with all of s.
func (s *fileSection) body() *sectionBody {
	return &sectionBody{SectionReader: io.NewSectionReader(s.section, 0, s.section.Size()), of: s}
}

// A sectionBody reads a fileSection from its beginning.
type sectionBody struct {
	*io.SectionReader
	of *fileSection
}

func (b *sectionBody) Read(p []byte) (int, error) {
	if b.of.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.SectionReader.Read(p)
}

// Close implements io.Closer. The SDK may make its request again, with another body.
func (b *sectionBody) Close() error { return nil }

// sendTo has the kernel send at most n bytes to c, and goes on after them.
func (b *sectionBody) sendTo(c *connection, n int64) (sent int64, err error) {
	from, off := fileOf(b.SectionReader)
	if from == nil || b.of.closed.Load() {
		return 0, nil
	}
	at, err := b.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if sent, err = c.sendFile(from, off+at, n); err != nil {
		return sent, err
	}
	_, err = b.Seek(sent, io.SeekCurrent)
	return sent, err
}

// fileOf returns the file of section, and where in it the section begins; nil if the kernel cannot
// send it.
func fileOf(section *io.SectionReader) (from uploader.Sender, off int64) {
	for {
		outer, at, _ := section.Outer()
		off += at
		inner, ok := outer.(*io.SectionReader)
		if !ok {
			from, _ = outer.(uploader.Sender)
			return from, off
		}
		section = inner
	}
}

type sectionKey struct{}

// withSection has the client send f in place of the body of the SDK's request, which hides what it is.
func withSection(ctx context.Context, f *fileSection) context.Context {
	return context.WithValue(ctx, sectionKey{}, f)
}
