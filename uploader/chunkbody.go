package uploader

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
	"ems-sidecar/uploader/spool"
)

// unchanged returns errChanged if f is no longer in version v.
func unchanged(f fs.File, v media.Version) error {
	fi, err := f.Stat()
	if err == nil && !media.VersionOf(fi).Equal(v) {
		return errChanged
	}
	return err
}

// sentAtOnce is how much of a file the kernel sends before its version is looked at again, in bytes.
const sentAtOnce = 1 << 20

// A chunkBody is a file in one version. It reads nothing of a later one: the request then ends
// short of its length, and the store keeps no mixture of the two (R1). It remembers the first
// failure to read, which the store cannot tell from a failing connection.
type chunkBody struct {
	*io.SectionReader
	file    spool.File
	version media.Version
	src     *Source
	err     atomic.Pointer[error] // parts are read in parallel
}

func newChunkBody(f spool.File, v media.Version, src *Source) *chunkBody {
	return &chunkBody{SectionReader: io.NewSectionReader(f, 0, v.Size), file: f, version: v, src: src}
}

func (b *chunkBody) first() error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (b *chunkBody) Read(p []byte) (int, error) {
	defer b.src.disk.End(b.src.disk.Begin())
	return b.check(b.SectionReader.Read(p))
}

func (b *chunkBody) ReadAt(p []byte, off int64) (int, error) {
	defer b.src.disk.End(b.src.disk.Begin())
	return b.check(b.SectionReader.ReadAt(p, off))
}

// check returns what was read, unless the file had changed by then.
func (b *chunkBody) check(n int, err error) (int, error) {
	if changed := unchanged(b.file, b.version); changed != nil {
		n, err = 0, changed
	}
	b.src.disk.read.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// SendTo implements Sender. What the kernel has taken is not copied: if the file changes before it has
// left the host, the store finds that it is not what the checksum is of.
func (b *chunkBody) SendTo(socket uintptr, off, n int64) (sent int64, full bool) {
	f, ok := b.file.(syscall.Conn)
	for ok && !full && sent < n {
		if unchanged(b.file, b.version) != nil {
			break
		}
		var some int64
		some, full = b.sendSome(socket, f, off+sent, min(n-sent, sentAtOnce))
		ok = some > 0
		sent += some
	}
	return sent, full
}

func (b *chunkBody) sendSome(socket uintptr, f syscall.Conn, off, n int64) (sent int64, full bool) {
	defer b.src.disk.End(b.src.disk.Begin())
	sent, full = disk.SendFile(socket, f, off, n)
	b.src.disk.read.Add(sent)
	return sent, full
}
