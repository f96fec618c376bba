package publish

import (
	"time"

	"ems-sidecar/media"
)

// A recording never replaces another in the bucket: EMS names files by what is on the disk, so that
// a name comes again after delete_local or a clean-up there, on a new server, or on another host.

// A ClaimState says what may be done with a key for a recording.
type ClaimState uint8

const (
	// Unclaimed means that it is not known yet.
	Unclaimed ClaimState = iota
	// Free means that the bucket has nothing under the key.
	Free
	// Ours means that the bucket has the recording.
	Ours
	// Begun means that the bucket has the beginning of the recording, which went on since.
	Begun
	// AllTaken means that the bucket has other recordings under all keys.
	AllTaken
	// UntoldOwner means that the bucket has an object under one of the keys, and does not tell
	// which.
	UntoldOwner
)

// A Claim is the key of a recording in one version.
type Claim struct {
	Path    string // of the key, without the prefix
	State   ClaimState
	Version media.Version
	Stored  time.Time // Ours: when the bucket got it
}

// A Recording is what is known of the key of a recording.
type Recording struct {
	Claim   Claim
	Refused string // the path that another recording has in the bucket, although a look did not find it
	Spoilt  bool   // the bucket has other content than was sent
}

// settles reports whether c says under which key v may be put.
func (c *Claim) settles(v media.Version) bool {
	return c.Version.Equal(v) && (c.State == Free || c.State == Begun)
}

// recordingLooked notes under which key a recording goes, and what is to be done with it.
func (s *Schedule) recordingLooked(r Result, now time.Time) {
	f := r.file
	if !f.disk.isWhole() || !f.disk.version.Equal(r.Version) {
		if f.disk.isWhole() {
			f.stream.enqueue(f) // it was written again meanwhile
		}
		return
	}
	if r.Claim.State == Free && r.Claim.Path == f.path && s.isAnothers(f) {
		f.recording.Refused = f.path
		f.stream.enqueue(f)
		return
	}
	known := f.recording.Claim.Path
	f.recording.Claim = r.Claim
	switch r.Claim.State {
	case Ours:
		f.recording.Refused = ""
		f.confirm(f.disk.version, byQuestion, now)
		s.discardLater(f, r.Claim.Stored)
	case UntoldOwner:
		f.recording.Claim.Path = known
		f.stream.delay(f, pause{until: now.Add(discardRetry)})
		s.log.Error("recording is not uploaded: the bucket has an object under its key, and does not tell which",
			"stream", f.stream.shown(), "root", f.src.root, "key", f.src.dest.Prefix+f.path,
			"next", "it stays on the disk, and is tried again; allow s3:GetObject and s3:ListBucket",
			"retry_in", discardRetry)
	case AllTaken:
		f.recording.Claim.Path = known
		s.figures.conflicts++
		f.stream.delay(f, pause{until: now.Add(discardRetry)})
		s.log.Error("recording is not uploaded: the bucket has others under all of its keys", "stream", f.stream.shown(),
			"root", f.src.root, "key", f.src.dest.Prefix+f.path,
			"next", "it stays on the disk, and is tried again; give it another name, or another prefix",
			"retry_in", discardRetry)
	default:
		if r.Claim.Path != f.path && r.Claim.Path != known {
			s.figures.conflicts++
			s.log.Error("recording goes under another key: the bucket has another recording under its own",
				"stream", f.stream.shown(),
				"root", f.src.root, "key", f.src.dest.Prefix+f.path, "other_key", f.key(),
				"next", "both are kept; see which server or clean-up lets names begin again, or give each host and directory "+
					"a prefix of its own")
		}
		f.work.task = PutChunk
		f.stream.enqueue(f)
	}
}

// isAnothers reports whether a recording of another root of this host, which goes first, has f's
// key.
func (s *Schedule) isAnothers(f *file) bool {
	for _, o := range f.others() {
		if g := o.Source.files[o.Path]; o.Source.bulk() && g != nil && g.disk.isWhole() && o.Source.root < f.src.root {
			return true
		}
	}
	return false
}

// keyTaken handles that the bucket got another object under a recording's key since it was looked
// at.
func (s *Schedule) keyTaken(r Result, now time.Time) {
	f := r.file
	f.recording.Refused = r.Claim.Path
	f.recording.Claim.State = Unclaimed
	f.work.task = Look
	f.work.failures++
	s.figures.failures++
	if f.disk.isWhole() {
		f.stream.delay(f, pause{until: now.Add(s.settings.Jitter.After(f.work.failures, backoffBase, localRetryCap))})
	}
}
