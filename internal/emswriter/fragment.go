package emswriter

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"strconv"
)

// A fragment is a chunk of HDS, DASH or MSS that is being written. EMS reserves its head, the boxes
// up to mdat's header, when it creates the file, appends the frames' bytes to it while it notes
// them in the head, and completes the head when the last frame is there.
type fragment struct {
	path    string
	content []byte // what the file holds in the end
	head    int    // so many bytes of content are reserved
	form    form
	file    *file
	written int // bytes of content that are in the file
	frames  int
}

// A form is what heads of one format have in common.
type form struct {
	head    int  // bytes, if the content does not tell
	entries int  // offset of trun's entries, one for each frame
	behind  int  // bytes between the reserved entries and mdat's header
	sized   bool // mdat's size grows with each frame, instead of being set in the end
	draft   func(head []byte)
}

const (
	entrySize  = 16 // of a frame in trun: duration, size, flags, composition time
	mdatHeader = 8
)

// createFragment writes the head, closes the file and opens it again. EMS deletes what an earlier
// run left under that name.
func (d *disk) createFragment(path string, content []byte, form form) (*fragment, error) {
	f := &fragment{path: path, content: content, form: form, head: headLength(content, form.head)}
	if err := d.remove(path); err != nil {
		return nil, err
	}
	created, err := d.create(path)
	if err != nil {
		return nil, err
	}
	draft := bytes.Clone(content[:f.head])
	fill(draft, form.entries, len(draft)-form.behind-mdatHeader)
	put(draft, max(0, len(draft)-mdatHeader), 0, 0, 0, mdatHeader)
	form.draft(draft)
	// A watcher sees the file grow from 0; these are some of the sizes that were seen.
	for from, to := range pieces(len(draft), 24, 192, 4288, 65536) {
		if _, err := created.Write(draft[from:to]); err != nil {
			_ = created.Close()
			return nil, err
		}
	}
	if err := created.Close(); err != nil {
		return nil, err
	}
	f.written = f.head
	if f.file, err = d.reopen(path); err != nil {
		return nil, err
	}
	return f, nil
}

// write appends the next n bytes of the content, or what is left of it, as one frame, and notes it
// in the head.
func (f *fragment) write(n int) error {
	if f == nil {
		return fs.ErrClosed
	}
	n = min(n, len(f.content)-f.written)
	if n <= 0 {
		return nil
	}
	if err := f.patch(f.content[f.written:f.written+n], f.written); err != nil {
		return err
	}
	f.written += n
	// Recorded are three writes for each frame with HDS, four with DASH and MSS.
	if at := f.form.entries + entrySize*f.frames; at+entrySize <= f.head-f.form.behind-mdatHeader {
		for _, at := range []int{at, at + entrySize/2} {
			if err := f.patch(f.content[at:at+entrySize/2], at); err != nil {
				return err
			}
		}
	}
	f.frames++
	if !f.form.sized || f.head < mdatHeader {
		return nil
	}
	size := binary.BigEndian.AppendUint32(nil, uint32(f.written-f.head+mdatHeader))
	return f.patch(size, f.head-mdatHeader)
}

// complete writes what is left of the content, and then the head again. The file stays open.
func (f *fragment) complete(head []byte) error {
	if f == nil {
		return fs.ErrClosed
	}
	if err := f.write(len(f.content)); err != nil {
		return err
	}
	return f.patch(head, 0)
}

// finalHead returns the head that the content begins with.
func (f *fragment) finalHead() []byte {
	if f == nil {
		return nil
	}
	return f.content[:f.head]
}

func (f *fragment) patch(b []byte, at int) error {
	_, err := f.file.WriteAt(b, int64(at))
	return err
}

// abandon closes a fragment as it is, as when a server is killed.
func (f *fragment) abandon() {
	if f != nil {
		_ = f.file.Close()
	}
}

// headLength returns where the media begin: behind the header of mdat, or after length bytes of a
// content that is not made of boxes.
func headLength(content []byte, length int) int {
	for at := 0; at+mdatHeader <= len(content); {
		size, kind := int(binary.BigEndian.Uint32(content[at:])), string(content[at+4:at+8])
		if kind == "mdat" {
			return at + mdatHeader
		}
		if size < mdatHeader {
			break
		}
		at += size
	}
	return min(length, len(content))
}

// put overwrites bytes of a head, as far as it reaches.
func put(head []byte, at int, b ...byte) {
	if at < len(head) {
		copy(head[at:], b)
	}
}

// fill overwrites bytes of a head with EMS's padding.
func fill(head []byte, from, to int) {
	for i := from; i < min(to, len(head)); i++ {
		head[i] = padding
	}
}

const padding = 'w'

// pieces returns the ranges into which the cuts divide length bytes.
func pieces(length int, cuts ...int) func(func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		from := 0
		for _, to := range append(cuts, length) {
			if to = min(to, length); from < to && !yield(from, to) {
				return
			}
			from = to
		}
	}
}

// Content returns made-up content that says in each line of 64 bytes whose it is and where the line
// stands, so that a chunk that is mixed up, cut or stale is noticed.
func Content(size int, whose string) []byte {
	const line = 64
	b := make([]byte, 0, size+line+len(whose)+20)
	for len(b) < size {
		end := len(b) + line
		b = strconv.AppendInt(append(append(b, whose...), ' '), int64(len(b)), 10)
		for len(b) < end-1 {
			b = append(b, '.')
		}
		b = append(b, '\n')
	}
	return b[:size]
}
