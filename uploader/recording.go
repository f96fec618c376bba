package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"time"

	"ems-sidecar/media"
)

// A recording never replaces another in the bucket: EMS names files by what is on the disk, so that a
// name comes again after delete_local or a clean-up there, on a new server, or on another host.

// maxOtherKeys bounds the keys that are tried for one recording.
const maxOtherKeys = 9

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

// keyClaim is what may be done with a key for a recording.
type keyClaim uint8

const (
	unclaimed keyClaim = iota // not known yet
	isFree                    // the bucket has nothing under it
	isOurs                    // it has the recording
	isBegun                   // it has the beginning of the recording, which went on since
	allTaken                  // it has other recordings under all keys
	isUntold                  // it has an object under one of them, and does not tell which
)

// claim is the key of a recording in one version.
type claim struct {
	path    string
	state   keyClaim
	version media.Version
	stored  time.Time // isOurs: when the bucket got it
}

// settles reports whether c says under which key v may be put.
func (c *claim) settles(v media.Version) bool {
	return c.version.Equal(v) && (c.state == isFree || c.state == isBegun)
}

// lookForRecording finds the key of a recording: its own, or one that no other recording has.
func (u *Uploader) lookForRecording(ctx context.Context, r *result) {
	f := r.file
	store, prefix := f.src.dest.Store, f.src.dest.Prefix
	paths := []string{f.path}
	if f.claim.path != "" && f.claim.path != f.path {
		paths = []string{f.claim.path, f.path} // it may go on under the key that an earlier version has
	}
	for n := range maxOtherKeys {
		if p := otherPath(f.path, r.version, n+1); p != f.claim.path && len(prefix+p) <= maxKeyLength {
			paths = append(paths, p)
		}
	}
	r.claim = claim{state: allTaken, version: r.version}
	var others []ObjectInfo // that the first of paths have
	for _, p := range paths {
		stat, cancel := context.WithTimeout(ctx, attemptTime)
		i, found, err := store.Stat(stat, prefix+p)
		cancel()
		switch {
		case err != nil:
			r.err = err
			return
		case found && i.holds(r.version) && !f.spoilt:
			r.claim = claim{p, isOurs, r.version, i.Stored}
			return
		case !found && i.Untold && f.refused != "":
			r.claim.state = isUntold
			return
		case !found && p != f.refused:
			r.claim.path, r.claim.state = p, isFree
		default:
			i.Untold = i.Untold || !found
			others = append(others, i)
			continue
		}
		break
	}
	u.compareRecordings(ctx, r, paths[:len(others)], others)
}

// compareRecordings looks whether the recording is one of those that the bucket has under other times, or the
// continuation of one.
func (u *Uploader) compareRecordings(ctx context.Context, r *result, paths []string, others []ObjectInfo) {
	src := r.file.src
	var file io.ReaderAt
	for n, i := range others {
		if i.Untold || i.Size > r.version.Size {
			continue
		}
		if file == nil {
			f, err := src.openKept(ctx, r.file.path)
			if err != nil {
				r.fileErr = err
				return
			}
			defer f.Close()
			body := newChunkBody(f, r.job)
			if r.fileErr = unchanged(f, r.version); r.fileErr != nil {
				return
			}
			defer func() {
				if r.fileErr == nil {
					r.fileErr = body.first()
				}
			}()
			file = body
		}
		begun := i.Size == 0 || r.file.spoilt && i.holds(r.version)
		if !begun {
			var err error
			begun, err = src.dest.Store.Same(ctx, src.dest.Prefix+paths[n], io.NewSectionReader(file, 0, i.Size), i.Size, r.version.ModTime)
			if err != nil && !errors.Is(err, ErrIncomparable) {
				r.err = err
				return
			}
		}
		switch {
		case begun && i.Size == r.version.Size && !r.file.spoilt:
			r.claim = claim{paths[n], isOurs, r.version, i.Stored}
			return
		case begun:
			r.claim = claim{path: paths[n], state: isBegun, version: r.version}
			return
		}
	}
}

// recordingLooked notes under which key a recording goes, and what is to be done with it.
func (s *schedule) recordingLooked(r result, now time.Time) {
	f := r.file
	if !f.closed || !f.version.Equal(r.version) {
		if f.closed {
			f.stream.enqueue(f) // it was written again meanwhile
		}
		return
	}
	if r.claim.state == isFree && r.claim.path == f.path && s.isAnothers(f) {
		f.refused = f.path
		f.stream.enqueue(f)
		return
	}
	known := f.claim.path
	f.claim = r.claim
	switch r.claim.state {
	case isOurs:
		f.refused = ""
		f.confirm(f.version, now)
		s.discardLater(f, r.claim.stored)
	case isUntold:
		f.claim.path = known
		f.stream.delay(f, now.Add(discardRetry))
		s.log.Error("recording is not uploaded: the bucket has an object under its key, and does not tell which",
			"stream", f.stream.name, "root", f.src.dir, "key", f.src.dest.Prefix+f.path,
			"next", "it stays on the disk, and is tried again; allow s3:GetObject and s3:ListBucket",
			"retry_in", discardRetry)
	case allTaken:
		f.claim.path = known
		s.figures.conflicts++
		f.stream.delay(f, now.Add(discardRetry))
		s.log.Error("recording is not uploaded: the bucket has others under all of its keys", "stream", f.stream.name,
			"root", f.src.dir, "key", f.src.dest.Prefix+f.path, "next", "it stays on the disk, and is tried again; give it another name, or another prefix",
			"retry_in", discardRetry)
	default:
		if r.claim.path != f.path && r.claim.path != known {
			s.figures.conflicts++
			s.log.Error("recording goes under another key: the bucket has another recording under its own", "stream", f.stream.name,
				"root", f.src.dir, "key", f.src.dest.Prefix+f.path, "other_key", f.key(),
				"next", "both are kept; see which server or clean-up lets names begin again, or give each host and directory a prefix of its own")
		}
		f.task = upload
		f.stream.enqueue(f)
	}
}

// isAnothers reports whether a recording of another root of this host, which goes first, has f's key.
func (s *schedule) isAnothers(f *file) bool {
	for o, p := range f.src.others(f.path) {
		if g := o.files[p]; o.bulk() && g != nil && g.closed && o.dir < f.src.dir {
			return true
		}
	}
	return false
}

// keyTaken handles that the bucket got another object under a recording's key since it was looked at.
func (s *schedule) keyTaken(r result, now time.Time) {
	f := r.file
	f.refused = r.claim.path
	f.claim.state = unclaimed
	f.task = look
	f.failures++
	s.figures.failures++
	if f.closed {
		f.stream.delay(f, now.Add(s.jitter.backoff(f.failures, localRetryCap)))
	}
}

// stampOfOther matches what otherPath adds to a path.
var stampOfOther = regexp.MustCompile(`-\d{8}-\d{6}-\d{9}(-\d)?(\.[^./]*)?$`)

// ownPath returns the path on the disk of a recording that has another key.
func ownPath(p string) string { return stampOfOther.ReplaceAllString(p, "$2") }
