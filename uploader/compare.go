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
		// Names have times in them. What is older than all files on the disk, perhaps by years, is
		// not listed.
		_, n := utf8.DecodeLastRuneInString(key)
		r.Err = src.store(ctx).List(ctx, dir, key[:len(key)-n], func(key string, i publish.ObjectInfo) error {
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
	if c := r.Candidate; c.Compare(r.Version) == publish.Unclear {
		if r.Same = src.hasMD5(ctx, r, c.ETag); r.Same || r.FileErr != nil {
			return
		}
	}
	i, found, err := src.stat(ctx, r.Key)
	if err != nil || !found {
		r.Err = err
		return
	}
	switch i.Compare(r.Version) {
	case publish.Identical:
		r.FileErr = src.isStill(ctx, r)
		r.Same = r.FileErr == nil
	case publish.Unclear:
		r.Same = src.hasMD5(ctx, r, i.ETag)
	}
}

// stat asks what the bucket has under the key.
func (src *Source) stat(ctx context.Context, key string) (i publish.ObjectInfo, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	return src.store(ctx).Stat(ctx, key)
}

// isStill returns errChanged if the file is no longer in the version of the job.
func (src *Source) isStill(ctx context.Context, r *publish.Result) error {
	f, err := src.openKept(ctx, r.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unchanged(f, r.Version)
}

// hasMD5 reports whether etag is the MD5 of the file's content.
func (src *Source) hasMD5(ctx context.Context, r *publish.Result, etag publish.ETag) bool {
	f, err := src.openKept(ctx, r.Path)
	if err != nil {
		r.FileErr = err
		return false
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, timed(ctx, newChunkBody(f, r.Version, src))); err != nil {
		r.FileErr = err
		return false
	}
	r.FileErr = unchanged(f, r.Version)
	return r.FileErr == nil && etag.Is(hex.EncodeToString(h.Sum(nil)))
}

// discard deletes the file from the disk if the bucket has exactly this one.
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
	r.Same, err = src.store(ctx).Same(ctx, r.Key, body, r.Version.Size, r.Version.ModTime)
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

// errSpared means that Source.Spare spares the file.
var errSpared = errors.New("the file may belong to another program")
