package uploader

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"ems-sidecar/uploader/publish"
)

// list asks what the bucket has in the directories of the job's files.
func (src *Source) list(ctx context.Context, r *publish.Result) {
	wanted := make(map[string]struct{}, len(r.Listing))
	first := make(map[string]string) // key in each directory
	for _, f := range r.Listing {
		key := f.Key
		wanted[key] = struct{}{}
		dir := key[:strings.LastIndexByte(key, '/')+1]
		if least, ok := first[dir]; !ok || key < least {
			first[dir] = key
		}
	}
	r.Objects = make(map[string]publish.ObjectInfo, len(wanted))
	for dir, key := range first {
		// Names have times in them: what is older than all that is on disk, which may be years, need not be listed.
		_, n := utf8.DecodeLastRuneInString(key)
		r.Err = src.dest.Store.List(ctx, dir, key[:len(key)-n], func(key string, i publish.ObjectInfo) error {
			if _, ok := wanted[key]; ok {
				r.Objects[key] = i
			}
			return nil
		})
		if r.Err != nil {
			return
		}
	}
}

// compare asks whether the bucket has the file, in the version in which it is on disk.
func (src *Source) compare(ctx context.Context, r *publish.Result) {
	if c := r.Candidate; c != nil && isMD5(c.ETag) {
		if r.Same = src.hasMD5(ctx, r, c.ETag); r.Same || r.FileErr != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	i, found, err := src.dest.Store.Stat(ctx, r.Key)
	switch {
	case err != nil:
		r.Err = err
	case !found || i.Size != r.Version.Size:
	case i.Holds(r.Version):
		if r.FileErr = src.isStill(ctx, r); r.FileErr == nil {
			r.Same = true
		}
	case isMD5(i.ETag): // written by another program, or again with the same content
		r.Same = src.hasMD5(ctx, r, i.ETag)
	}
}

// isStill returns errChanged if the file is not in the job's version any more.
func (src *Source) isStill(ctx context.Context, r *publish.Result) error {
	f, err := src.openKept(ctx, r.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unchanged(f, r.Version)
}

// isMD5 reports whether an ETag may be the MD5 of the content: that of an object in parts is not, nor that
// of one that a key of the store's encrypts, which only looks so.
func isMD5(etag string) bool {
	_, err := hex.DecodeString(etag)
	return err == nil && len(etag) == hex.EncodedLen(md5.Size)
}

// hasMD5 reports whether the file's content has that MD5.
func (src *Source) hasMD5(ctx context.Context, r *publish.Result, sum string) bool {
	f, err := src.openKept(ctx, r.Path)
	if err != nil {
		r.FileErr = err
		return false
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, r.Version.Size)); err != nil {
		r.FileErr = err
		return false
	}
	r.FileErr = unchanged(f, r.Version)
	return r.FileErr == nil && hex.EncodeToString(h.Sum(nil)) == sum
}

// discard deletes the file from the disk if the bucket has just this one.
func (src *Source) discard(ctx context.Context, r *publish.Result) {
	f, err := src.open(r.Path)
	if err != nil {
		r.FileErr = err
		return
	}
	defer f.Close()
	if r.FileErr = unchanged(f, r.Version); r.FileErr != nil {
		return
	}
	body := newChunkBody(f, r.Version, src)
	r.Same, err = src.dest.Store.Same(ctx, r.Key, body, r.Version.Size, r.Version.ModTime)
	if r.FileErr = body.first(); r.FileErr != nil {
		return
	}
	if errors.Is(err, ErrIncomparable) {
		r.FileErr = err
		return
	}
	if r.Err = err; err != nil || !r.Same {
		return
	}
	if src.Spare != nil && src.Spare(r.Path) {
		r.FileErr = errSpared
		return
	}
	if r.FileErr = unchanged(f, r.Version); r.FileErr == nil {
		r.FileErr = src.remove(r.Path)
	}
}

// errSpared is that of a file that Source.Spare spares.
var errSpared = errors.New("it may be another's")
