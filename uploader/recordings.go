package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A recording never replaces another in the bucket: EMS names files by what is on the disk, so that a
// name comes again after delete_local or a clean-up there, on a new server, or on another host.

// otherPath returns the n-th path, from 1, under which a recording goes into the bucket if its own is
// taken. It tells recordings of one name apart, and is the same after a restart.
func otherPath(p string, v media.Version, n int) string {
	ext := path.Ext(p)
	at := v.ModTime.UTC()
	other := fmt.Sprintf("%s-%s-%09d", strings.TrimSuffix(p, ext), at.Format("20060102-150405"), at.Nanosecond())
	if n > 1 {
		other += fmt.Sprintf("-%d", n)
	}
	return other + ext
}

// findKey finds the key of a recording: its own, or one that no other recording has.
func (src *Source) findKey(ctx context.Context, r *publish.Result) {
	store, prefix := src.dest.Store, src.dest.Prefix
	paths := []string{r.Path}
	if r.Claim.Path != "" && r.Claim.Path != r.Path {
		paths = []string{r.Claim.Path, r.Path} // it may go on under the key that an earlier version has
	}
	for n := range maxOtherKeys {
		if p := otherPath(r.Path, r.Version, n+1); p != r.Claim.Path && len(prefix+p) <= publish.MaxKeyLength {
			paths = append(paths, p)
		}
	}
	r.Claim = publish.Claim{State: publish.AllTaken, Version: r.Version}
	var others []publish.ObjectInfo // that the first of paths have
	for _, p := range paths {
		stat, cancel := context.WithTimeout(ctx, attemptTime)
		i, found, err := store.Stat(stat, prefix+p)
		cancel()
		switch {
		case err != nil:
			r.Err = err
			return
		case found && i.Holds(r.Version) && !r.Spoilt:
			r.Claim = publish.Claim{Path: p, State: publish.Ours, Version: r.Version, Stored: i.Stored}
			return
		case !found && i.Untold && r.Refused != "":
			r.Claim.State = publish.UntoldOwner
			return
		case !found && p != r.Refused:
			r.Claim.Path, r.Claim.State = p, publish.Free
		default:
			i.Untold = i.Untold || !found
			others = append(others, i)
			continue
		}
		break
	}
	src.compareRecordings(ctx, r, paths[:len(others)], others)
}

// compareRecordings looks whether the recording is one of those that the bucket has under other times, or the
// continuation of one.
func (src *Source) compareRecordings(ctx context.Context, r *publish.Result, paths []string, others []publish.ObjectInfo) {
	var file io.ReaderAt
	for n, i := range others {
		if i.Untold || i.Size > r.Version.Size {
			continue
		}
		if file == nil {
			f, err := src.openKept(ctx, r.Path)
			if err != nil {
				r.FileErr = err
				return
			}
			defer f.Close()
			body := newChunkBody(f, r.Version, src)
			if r.FileErr = unchanged(f, r.Version); r.FileErr != nil {
				return
			}
			defer func() {
				if r.FileErr == nil {
					r.FileErr = body.first()
				}
			}()
			file = body
		}
		begun := i.Size == 0 || r.Spoilt && i.Holds(r.Version)
		if !begun {
			var err error
			begun, err = src.dest.Store.Same(ctx, src.dest.Prefix+paths[n], io.NewSectionReader(file, 0, i.Size), i.Size, r.Version.ModTime)
			if err != nil && !errors.Is(err, ErrIncomparable) {
				r.Err = err
				return
			}
		}
		switch {
		case begun && i.Size == r.Version.Size && !r.Spoilt:
			r.Claim = publish.Claim{Path: paths[n], State: publish.Ours, Version: r.Version, Stored: i.Stored}
			return
		case begun:
			r.Claim = publish.Claim{Path: paths[n], State: publish.Begun, Version: r.Version}
			return
		}
	}
}

// stampOfOther matches what otherPath adds to a path.
var stampOfOther = regexp.MustCompile(`-\d{8}-\d{6}-\d{9}(-\d)?(\.[^./]*)?$`)

// ownPath returns the path on the disk of a recording that has another key.
func ownPath(p string) string { return stampOfOther.ReplaceAllString(p, "$2") }
