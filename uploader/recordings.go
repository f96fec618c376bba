package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A recording never replaces another in the bucket. EMS names files by what is on the disk, so a
// name returns after delete_local or a clean-up there, on a new server, or on another host.

// otherPath returns the n-th path, from 1, for a recording whose own path is taken in the bucket.
// It differs for recordings of one name, and is the same after a restart.
func otherPath(p string, v media.Version, n int) string {
	ext := path.Ext(p)
	at := v.ModTime.UTC()
	other := fmt.Sprintf("%s-%s-%09d", strings.TrimSuffix(p, ext), at.Format("20060102-150405"), at.Nanosecond())
	if n > 1 {
		other += fmt.Sprintf("-%d", n)
	}
	return other + ext
}

// A takenPath is a path under which the bucket has another recording, or may have one.
type takenPath struct {
	path   string
	object publish.ObjectInfo
}

// findKey finds the key of a recording: its own, or another that no recording has.
func (src *Source) findKey(ctx context.Context, r *publish.Result) {
	paths := src.pathsFor(r)
	r.Claim = publish.Claim{State: publish.AllTaken, Version: r.Version}
	var taken []takenPath // those before the claimed one
	for _, p := range paths {
		i, found, err := src.stat(ctx, src.dest.Prefix+p)
		if err != nil {
			r.Err = err
			return
		}
		switch state := claim(r.Job, p, i, found); state {
		case publish.AllTaken:
			i.Untold = i.Untold || !found
			taken = append(taken, takenPath{p, i})
			continue
		case publish.Ours:
			r.Claim = publish.Claim{Path: p, State: state, Version: r.Version, Stored: i.Stored}
			return
		case publish.UntoldOwner:
			r.Claim.State = state
			return
		case publish.Free:
			r.Claim.Path, r.Claim.State = p, state
		}
		break
	}
	src.compareRecordings(ctx, r, taken)
}

// pathsFor returns the paths that the recording may have in the bucket, in the order of trial.
func (src *Source) pathsFor(r *publish.Result) []string {
	paths := []string{r.Path}
	if r.Claim.Path != "" && r.Claim.Path != r.Path {
		// It may go on under the key that an earlier version has.
		paths = []string{r.Claim.Path, r.Path}
	}
	for n := range maxOtherKeys {
		if p := otherPath(r.Path, r.Version, n+1); p != r.Claim.Path && len(src.dest.Prefix+p) <= publish.MaxKeyLength {
			paths = append(paths, p)
		}
	}
	return paths
}

// claim says what may be done with the path p for the recording of j, if the bucket has the object
// i there. AllTaken means that another recording has it, or may have it, so that the next path is
// tried.
func claim(j publish.Job, p string, i publish.ObjectInfo, found bool) publish.ClaimState {
	switch {
	case found && i.Holds(j.Version) && !j.Spoilt:
		return publish.Ours
	case !found && i.Untold && j.Refused != "":
		return publish.UntoldOwner
	case !found && p != j.Refused:
		return publish.Free
	}
	return publish.AllTaken
}

// compareRecordings finds out whether the bucket has the recording, or its beginning, under a taken
// path.
func (src *Source) compareRecordings(ctx context.Context, r *publish.Result, taken []takenPath) {
	taken = slices.DeleteFunc(taken, func(t takenPath) bool {
		return t.object.Begins(r.Version, r.Spoilt) == publish.Different
	})
	if len(taken) == 0 {
		return // nothing has to be read of the file
	}
	f, err := src.openKept(ctx, r.Path)
	if err != nil {
		r.FileErr = err
		return
	}
	defer f.Close()
	if r.FileErr = unchanged(f, r.Version); r.FileErr != nil {
		return
	}
	body := newChunkBody(f, r.Version, src)
	for _, t := range taken {
		begins, err := src.beginsWith(ctx, r, body, t)
		if err != nil {
			r.Err = err
			break
		}
		if begins {
			r.Claim = publish.Claim{Path: t.path, State: publish.Begun, Version: r.Version}
			if t.object.Size == r.Version.Size && !r.Spoilt {
				r.Claim.State, r.Claim.Stored = publish.Ours, t.object.Stored
			}
			break
		}
	}
	r.FileErr = body.first()
}

// beginsWith reports whether the file begins with the content of the object t.
func (src *Source) beginsWith(ctx context.Context, r *publish.Result, file io.ReaderAt, t takenPath) (bool, error) {
	if known := t.object.Begins(r.Version, r.Spoilt); known != publish.Unclear {
		return known == publish.Identical, nil
	}
	size := t.object.Size
	same, err := src.store(ctx).Same(ctx, src.dest.Prefix+t.path, io.NewSectionReader(file, 0, size), size,
		r.Version.ModTime)
	if errors.Is(err, ErrIncomparable) {
		return false, nil // it may be another recording
	}
	return same, err
}

// stampOfOther matches what otherPath adds to a path.
var stampOfOther = regexp.MustCompile(`-\d{8}-\d{6}-\d{9}(-\d)?(\.[^./]*)?$`)

// ownPath returns the path on the disk of a recording that went under another key.
func ownPath(p string) string { return stampOfOther.ReplaceAllString(p, "$2") }
