package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

// Some writers put a whole stream into one file that grows, and list byte ranges of it. S3 cannot
// append. With split_ranges = on, each range goes up as an object of its own, a piece, and the
// playlist names pieces. The name of a piece tells where it begins and what its content is, so that
// it is the same after a restart, and never returns with other content.

// A piece is a byte range of a file. Once it is listed, its bytes are final.
type piece struct {
	file    string // below the root
	offset  int64
	mark    mark
	version media.Version // as if it were a file
}

// Pieces are those that playlists have named, by path below the root, until their file is gone.
type pieces struct {
	mu    sync.Mutex // guards what follows
	all   map[string]piece
	files map[string]*pieced
}

// A pieced is a file of which pieces are published.
type pieced struct {
	inode   uint64
	size    int64             // when it was read last
	marks   map[[2]int64]mark // by offset and length, as long as the file only grows
	waiting map[string]bool   // pieces that the bucket does not have yet
	gone    bool              // its name is
}

// A mark tells the content of a piece.
type mark string

// of returns the piece with that path.
func (ps *pieces) of(p string) (c piece, known bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	c, known = ps.all[p]
	return c, known
}

// haveFile reports whether pieces of the file are published, and not the file.
func (ps *pieces) haveFile(p string) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.files[p] != nil
}

// add adds pieces of a file, and returns the paths of those that are new.
func (ps *pieces) add(file string, v media.Version, cut map[string]piece) (added []string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.all == nil {
		ps.all, ps.files = make(map[string]piece), make(map[string]*pieced)
	}
	f := ps.files[file]
	if f == nil {
		f = &pieced{waiting: make(map[string]bool)}
		ps.files[file] = f
	}
	f.gone = f.gone && v == (media.Version{})
	if f.inode != v.Inode || f.size > v.Size { // another file, or the writer began it again
		f.marks = make(map[[2]int64]mark)
	}
	f.inode, f.size = v.Inode, v.Size
	for p, c := range cut {
		if c.file != file {
			continue
		}
		f.marks[[2]int64{c.offset, c.version.Size}] = c.mark
		if _, known := ps.all[p]; !known {
			ps.all[p], f.waiting[p] = c, true
			added = append(added, p)
		}
	}
	return added
}

// mark returns that of a range of the file, if it was read before and the file has only grown.
func (ps *pieces) mark(file string, v media.Version, offset, length int64) (m mark, known bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if f := ps.files[file]; f != nil && f.inode == v.Inode && f.size <= v.Size {
		m, known = f.marks[[2]int64{offset, length}]
	}
	return m, known
}

// remove notes that the name of the file is gone. It returns the file's pieces, and whether the bucket has all.
func (ps *pieces) remove(file string) (of []string, arrived bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p, c := range ps.all {
		if c.file == file {
			of = append(of, p)
		}
	}
	f := ps.files[file]
	f.gone = true
	return of, ps.forgetIfDone(file, f)
}

// released notes that a piece need not be read any more. It returns the file of which that was the
// last, if the file's name is gone.
func (ps *pieces) released(p string) (file string, last bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	c, known := ps.all[p]
	if !known {
		return "", false
	}
	f := ps.files[c.file]
	delete(f.waiting, p)
	return c.file, f.gone && ps.forgetIfDone(c.file, f)
}

func (ps *pieces) forgetIfDone(file string, f *pieced) bool {
	if len(f.waiting) > 0 {
		return false
	}
	for p, c := range ps.all {
		if c.file == file {
			delete(ps.all, p)
		}
	}
	delete(ps.files, file)
	return true
}

const (
	// scanTime is how long after the start a playlist may be read for the first time.
	scanTime = time.Minute
	// rangesRetry is when a playlist is read again that lists bytes that its file does not have yet.
	rangesRetry = 200 * time.Millisecond
)

// errRangesToCome means that a playlist lists bytes that its file does not have yet.
var errRangesToCome = errors.New("the file does not have the listed bytes yet")

// split returns the content of the playlist p with pieces in place of byte ranges, and the pieces.
// What is no Media Playlist stays as it is.
func (src *Source) split(ctx context.Context, p string, content []byte,
	modTime time.Time) ([]byte, map[string]piece, error) {
	if !src.dest.SplitRanges || !strings.Contains(string(content), "BYTERANGE") {
		return content, nil, nil
	}
	list, err := hls.Parse(content)
	if err != nil {
		return content, nil, nil // its parser will say what it is
	}
	if began := src.uploader.began; time.Since(began) < scanTime && modTime.After(began) {
		modTime = began.Add(-time.Second) // an earlier run may have uploaded them: they are compared
	}
	c := cutter{src: src, ctx: ctx, dir: path.Dir(p), modTime: modTime,
		files: make(map[string]spool.File), cut: make(map[string]piece)}
	defer c.close()
	split := list.SplitRanges(c.name)
	switch {
	case errors.Is(c.err, fs.ErrNotExist):
		return nil, nil, &notManifestError{fmt.Errorf("its byte ranges cannot be split: %v", c.err)}
	case c.err != nil:
		return nil, nil, c.err
	}
	return split.Bytes(), c.cut, nil
}

// A cutter finds the pieces of one playlist.
type cutter struct {
	src     *Source
	ctx     context.Context
	dir     string
	modTime time.Time
	files   map[string]spool.File
	cut     map[string]piece // by path
	err     error            // the first
}

func (c *cutter) close() {
	for _, f := range c.files {
		_ = f.Close() // it was only read
	}
}

// name returns the URI of a range's piece. A range of a file that is not below the root stays what it is.
func (c *cutter) name(uri string, r hls.Range) string {
	literal, decoded, _ := media.Resolve(c.dir, uri)
	file := literal
	if decoded != "" && (literal == "" || !c.src.exists(literal)) {
		file = decoded
	}
	if file == "" || c.err != nil {
		return uri
	}
	one, err := c.piece(file, int64(r.Offset), int64(r.Length))
	if err != nil {
		c.err = fmt.Errorf("bytes %d to %d of %s: %w", r.Offset, r.Offset+r.Length, file, err)
		return uri
	}
	c.cut[one.path(file)] = one
	plain, _, _ := strings.Cut(uri, "?")
	return one.path(plain)
}

// path returns the file's path, or its URI, with what tells the piece.
func (c piece) path(file string) string {
	ext := path.Ext(file)
	return fmt.Sprintf("%s-%d-%s%s", strings.TrimSuffix(file, ext), c.offset, c.mark, ext)
}

func (c *cutter) piece(file string, offset, length int64) (one piece, err error) {
	defer c.src.disk.End(c.src.disk.Begin())
	f := c.files[file]
	if f == nil {
		if f, err = c.src.openFile(c.ctx, file); err != nil {
			return one, err
		}
		c.files[file] = f
	}
	fi, err := f.Stat()
	if err != nil {
		return one, err
	}
	if fi.Size() < offset+length {
		return one, errRangesToCome
	}
	one = piece{file: file, offset: offset, version: media.VersionOf(fi)}
	known := false
	if one.mark, known = c.src.pieces.mark(file, one.version, offset, length); !known {
		one.mark, err = markOf(f, offset, length)
	}
	one.version.Size, one.version.ModTime = length, c.modTime
	return one, err
}

// markSize is how many bytes at the beginning and at the end of a piece are its mark. The content of
// two runs differs there: both have the clocks of the media.
const markSize = 4 << 10

// markOf returns what tells the content of a range.
func markOf(f io.ReaderAt, offset, length int64) (mark, error) {
	h := sha256.New()
	size := min(length, markSize)
	for _, at := range []int64{offset, offset + length - size} {
		if _, err := io.Copy(h, io.NewSectionReader(f, at, size)); err != nil {
			return "", err
		}
	}
	fmt.Fprint(h, length)
	return mark(fmt.Sprintf("%x", h.Sum(nil)[:6])), nil
}

// openPiece opens a piece, from the spool if its file is gone or has been replaced.
func (src *Source) openPiece(ctx context.Context, c piece) (spool.File, error) {
	f, err := src.openFile(ctx, c.file)
	if err != nil {
		return nil, err
	}
	is, err := markOf(f, c.offset, c.version.Size)
	if err == nil && is != c.mark {
		f.Close() // it was only read
		if f, err = src.spool.Open(ctx, c.file); err != nil {
			return nil, errChanged
		}
		if is, err = markOf(f, c.offset, c.version.Size); err == nil && is != c.mark {
			err = errChanged
		}
	}
	if err != nil {
		f.Close() // it was only read
		return nil, err
	}
	return &pieceFile{File: f, SectionReader: io.NewSectionReader(f, c.offset, c.version.Size), piece: c}, nil
}

// A pieceFile is a piece as a file.
type pieceFile struct {
	spool.File
	*io.SectionReader
	piece piece
}

func (f *pieceFile) Read(b []byte) (int, error) { return f.SectionReader.Read(b) }
func (f *pieceFile) ReadAt(b []byte, off int64) (int, error) {
	return f.SectionReader.ReadAt(b, off)
}

// Stat describes the piece as a file that has not changed for as long as the file has its bytes.
func (f *pieceFile) Stat() (fs.FileInfo, error) {
	fi, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return pieceInfo{fi, min(f.piece.version.Size, fi.Size()-f.piece.offset), f.piece.version.ModTime}, nil
}

type pieceInfo struct {
	fs.FileInfo
	size    int64
	modTime time.Time
}

func (i pieceInfo) Size() int64        { return i.size }
func (i pieceInfo) ModTime() time.Time { return i.modTime }

// publishPieces reports the pieces of a playlist that are new as files that were closed. Their files are
// kept, as chunks are.
func (src *Source) publishPieces(ctx context.Context, cut map[string]piece) {
	files := make(map[string]bool)
	for _, c := range cut {
		files[c.file] = true
	}
	for file := range files {
		v := src.versions([]string{file})[0]
		if v != (media.Version{}) {
			src.keep(ctx, file, v)
		}
		added := src.pieces.add(file, v, cut)
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) {
			for _, p := range added {
				s.Closed(src.plan, p, cut[p].version, false, nil, now)
			}
		})
	}
}

// removePieces reports that a file is gone whose pieces are published. They are read from the spool.
func (src *Source) removePieces(ctx context.Context, file string) {
	of, arrived := src.pieces.remove(file)
	if arrived {
		src.spool.Release(file, media.Version{})
	}
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) {
		for _, p := range of {
			s.Removed(src.plan, p, false, now)
		}
	})
}

// release gives up what is kept of p in version v.
func (src *Source) release(p string, v media.Version) {
	if file, last := src.pieces.released(p); last {
		src.spool.Release(file, media.Version{})
		return
	}
	src.spool.Release(p, v)
}
