package uploader

import (
	"context"
	"io"
	"io/fs"
	"time"

	"ems-sidecar/uploader/spool"
)

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
