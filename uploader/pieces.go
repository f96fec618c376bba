package uploader

import (
	"context"
	"slices"
	"sync"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
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

// remove notes that the name of the file is gone. It returns the file's pieces, and whether the bucket
// has all.
func (ps *pieces) remove(file string) (of []string, arrived bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p, c := range ps.all {
		if c.file == file {
			of = append(of, p)
		}
	}
	f := ps.files[file]
	if f == nil {
		return of, false // the last one was released meanwhile
	}
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

// isCutByOther returns what reports whether another section of the same root, which publishes to the
// same place, publishes pieces of a file, or may publish it under the name of a run.
func (src *Source) isCutByOther() func(p string) bool {
	var others []*Source
	for _, o := range src.uploader.all() {
		names := o.dest.SplitRanges || o.layout.RunPrefix
		if o != src && names && o.dir == src.dir && o.dest.IsWith(&src.dest.Destination) {
			others = append(others, o)
		}
	}
	return func(p string) bool {
		return slices.ContainsFunc(others, func(o *Source) bool {
			return o.pieces.haveFile(p) || o.layout.RunPrefix && o.layout.InRuns(p) && !src.layout.DatesRuns(p)
		})
	}
}

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
