package uploader

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ems-sidecar/media"
)

const (
	// Files that are older than this run are gathered for so long before the bucket is asked what it has of
	// them, because a scan reports them one by one; but not for longer than gatherMost.
	gatherTime = 300 * time.Millisecond
	gatherMost = 5 * time.Second

	// askedSingly is how many files are compared with one request each; more, by a listing of their directory.
	askedSingly = 64

	// What a store says of an object's time is cut to whole seconds.
	storedGranularity = time.Second
)

// predates reports whether an earlier run may have uploaded what is in version v.
func (s *schedule) predates(v media.Version, now time.Time) bool {
	return v.ModTime.Before(s.began) || v.ModTime.After(now.Add(time.Minute)) // the clock may have been set since
}

// compareLater has f, which an earlier run may have uploaded, compared with what the bucket has.
func (st *stream) compareLater(f *file, now time.Time) {
	f.state, f.task = queued, compare
	if f.inUncompared {
		return
	}
	if len(st.uncompared) == 0 {
		st.gatheredFrom = now
	}
	f.inUncompared = true
	st.uncompared = append(st.uncompared, f)
	st.compareAt = earlier(now.Add(gatherTime), st.gatheredFrom.Add(gatherMost))
}

// nextComparison chooses what is compared next of the files that no manifest needs: one, or all by a listing.
func (st *stream) nextComparison(now time.Time) (f *file, t task) {
	if len(st.uncompared) == 0 || now.Before(st.compareAt) {
		return nil, 0
	}
	st.uncompared = slices.DeleteFunc(st.uncompared, func(f *file) bool {
		// One that was refused is pending.
		f.inUncompared = f.state == queued && f.task == compare && !now.Before(f.retryAt)
		return !f.inUncompared
	})
	switch n := len(st.uncompared); {
	case n == 0 || st.listing:
		return nil, 0
	case n > askedSingly:
		return st.uncompared[0], list
	}
	return st.uncompared[0], compare
}

// takeUncompared returns the files that a listing is for.
func (st *stream) takeUncompared() []*file {
	files := st.uncompared
	for _, f := range files {
		f.inUncompared = false
	}
	st.uncompared, st.listing = nil, true
	return files
}

// list asks what the bucket has in the directories of the job's files.
func (u *Uploader) list(ctx context.Context, r *result) {
	wanted := make(map[string]struct{}, len(r.listing))
	first := make(map[string]string) // key in each directory
	for _, f := range r.listing {
		key := f.key()
		wanted[key] = struct{}{}
		dir := key[:strings.LastIndexByte(key, '/')+1]
		if least, ok := first[dir]; !ok || key < least {
			first[dir] = key
		}
	}
	r.objects = make(map[string]ObjectInfo, len(wanted))
	for dir, key := range first {
		// Names have times in them: what is older than all that is on disk, which may be years, need not be listed.
		_, n := utf8.DecodeLastRuneInString(key)
		r.err = r.file.src.dest.Store.List(ctx, dir, key[:len(key)-n], func(key string, i ObjectInfo) error {
			if _, ok := wanted[key]; ok {
				r.objects[key] = i
			}
			return nil
		})
		if r.err != nil {
			return
		}
	}
}

// listed takes in what the bucket has of the files of a listing.
func (s *schedule) listed(r result, now time.Time) {
	for _, f := range r.listing {
		if f.state != queued || f.task != compare {
			continue // a manifest needed it, and it was asked for by itself
		}
		o, found := r.objects[f.key()]
		switch {
		case !found || o.Size != f.version.Size:
			f.task = upload
			f.stream.enqueue(f)
		case o.surely(f):
			f.state = idle
			s.foundThere(f, f.version, now)
			s.follow(f, now)
			f.src.forgetIfUnused(f)
		default:
			f.candidate = &o
			f.stream.enqueue(f)
		}
	}
}

// surely reports whether o, of f's size, can be nothing but f: it was stored after f was written, and the name is not
// used for different contents.
func (o ObjectInfo) surely(f *file) bool {
	return f.src.layout.Format.IsImmutable() && o.Stored.Add(storedGranularity).After(f.version.ModTime)
}

// notListed handles a listing that failed.
func (s *schedule) notListed(r result, permanent bool, now time.Time) {
	for _, f := range r.listing {
		switch {
		case f.state != queued || f.task != compare:
		case permanent:
			f.stream.enqueue(f) // one by one
		default:
			f.stream.compareLater(f, now)
		}
	}
}

// compare asks whether the bucket has the file, in the version in which it is on disk.
func (u *Uploader) compare(ctx context.Context, r *result) {
	if c := r.candidate; c != nil && isMD5(c.ETag) {
		if r.same = u.hasMD5(ctx, r, c.ETag); r.same || r.fileErr != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	i, found, err := r.file.src.dest.Store.Stat(ctx, r.file.key())
	switch {
	case err != nil:
		r.err = err
	case !found || i.Size != r.version.Size:
	case i.holds(r.version):
		if r.fileErr = u.isStill(ctx, r); r.fileErr == nil {
			r.same = true
		}
	case isMD5(i.ETag): // written by somebody else, or written anew with the same content
		r.same = u.hasMD5(ctx, r, i.ETag)
	}
}

// isStill returns errChanged if the file is not in the job's version any more.
func (u *Uploader) isStill(ctx context.Context, r *result) error {
	f, err := r.file.src.openKept(ctx, r.file.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unchanged(f, r.version)
}

// compared takes in whether the bucket has f.
func (s *schedule) compared(r result, now time.Time) {
	f := r.file
	f.candidate = nil
	switch {
	case f.confirmed && !r.same && f.version.Equal(r.version) && f.closed: // a deletion was applied late
		f.outdated(now)
		f.task = upload
		f.stream.enqueue(f)
	case f.confirmed || f.lost:
	case f.unreported(r.version):
		f.closed = false
		f.src.expecter.Expect(f.path)
	case r.same && f.version.Equal(r.version):
		s.foundThere(f, r.version, now)
	default:
		f.task = upload
		f.stream.enqueue(f)
	}
}

// foundThere takes in that an earlier run has uploaded f.
func (s *schedule) foundThere(f *file, v media.Version, now time.Time) {
	s.figures.found++
	f.lagKnown = true
	f.confirm(v, now)
}

// isMD5 reports whether an ETag may be the MD5 of the content: that of an object in parts is not, nor that
// of one that a key of the store's encrypts, which only looks so.
func isMD5(etag string) bool {
	_, err := hex.DecodeString(etag)
	return err == nil && len(etag) == hex.EncodedLen(md5.Size)
}

// hasMD5 reports whether the file's content has that MD5.
func (u *Uploader) hasMD5(ctx context.Context, r *result, sum string) bool {
	f, err := r.file.src.openKept(ctx, r.file.path)
	if err != nil {
		r.fileErr = err
		return false
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, r.version.Size)); err != nil {
		r.fileErr = err
		return false
	}
	r.fileErr = unchanged(f, r.version)
	return r.fileErr == nil && hex.EncodeToString(h.Sum(nil)) == sum
}
