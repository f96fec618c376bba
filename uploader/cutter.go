package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

const (
	// scanTime is how long after the start a playlist may be read for the first time.
	scanTime = time.Minute
	// rangesRetry is when a playlist is read again that lists bytes that its file does not have yet.
	rangesRetry = 200 * time.Millisecond
)

// errRangesToCome means that a playlist lists bytes that its file does not have yet.
var errRangesToCome = errors.New("the file does not have the listed bytes yet")

// split returns the content of a playlist with pieces in place of byte ranges, and the pieces.
// What is no Media Playlist stays as it is.
func (src *Source) split(ctx context.Context, content []byte, names *media.Names,
	modTime time.Time) ([]byte, map[string]piece, error) {
	if !src.dest.SplitRanges || !strings.Contains(string(content), "BYTERANGE") {
		return content, nil, nil
	}
	list, err := hls.Parse(content)
	if err != nil {
		return content, nil, nil // its parser will say what it is
	}
	c := cutter{src: src, ctx: ctx, names: names, modTime: modTime, oldest: modTime.Add(-list.Duration()),
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
	names   *media.Names
	modTime time.Time
	oldest  time.Time // when the first range that it lists began to be written
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
	file, _ := c.names.File(uri, c.src.exists)
	if file == "" || c.err != nil {
		return uri
	}
	one, err := c.piece(file, int64(r.Offset), int64(r.Length))
	if err != nil {
		c.err = fmt.Errorf("bytes %d to %d of %s: %w", r.Offset, r.Offset+r.Length, file, err)
		return uri
	}
	c.cut[publish.PieceName(file, one.offset, string(one.mark))] = one
	plain, _, _ := strings.Cut(uri, "?")
	return publish.PieceName(plain, one.offset, string(one.mark))
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
	one.version.Size, one.version.ModTime = length, c.writtenAt(file)
	return one, err
}

// writtenAt returns when the ranges of the file that are new were written: with the playlist. But of
// those that are read first after the start, an earlier run may have uploaded some, if the first of
// them is older than the start: they are compared.
func (c *cutter) writtenAt(file string) time.Time {
	began := c.src.uploader.began
	mayBeOld := c.modTime.After(began) && !c.oldest.After(began) && !c.src.pieces.haveFile(file)
	if mayBeOld && time.Since(began) < scanTime {
		return began.Add(-time.Second)
	}
	return c.modTime
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
	return mark(fmt.Sprintf("%x", h.Sum(nil)[:publish.PieceMark])), nil
}
