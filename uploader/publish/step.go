package publish

import "time"

// A Step is one step of a file on its way from the disk into the bucket. Which fields are set
// depends on the Stage; the first group always is.
type Step struct {
	Stage  Stage
	Kind   FileKind
	At     time.Time // as the schedule has it, zero: now
	Root   string    // the watched directory
	Stream string    // what it is called: see NameOf
	Home   string    // of a part of a directory: what that is called; earlier steps may be told of it
	Format string
	Path   string // of the file, below the root
	Key    string // of its object

	Bytes int64 // of the content; 0: not known
	// StageSending, StageSent, StageFailed: which upload of this content it is, from 1 on.
	Attempt int
	// StageSent, StageFailed: from the beginning of the request to its answer.
	Took time.Duration
	// StageSent, StageFailed: whether a second request was sent, and which one was answered first.
	Race Race
	// StageListed: from its closing to now; 0: not known, an earlier run has uploaded it.
	Lag time.Duration
	// Of a manifest: of its newest segment. StageListed: of the chunk, where that is known; else 0.
	Sequence uint64
	// Why is one of a few texts. StageFailed: the kind of failure. StageLost: why it can never
	// arrive. StageConfirmed: by what it is known, which is "upload", "question" or "listing".
	Why string
	Err error // StageFailed: the failure itself; nil if there is no more to say
}

// A Stage is which step of its way a file has made.
type Stage uint8

const (
	// StageClosed means that the file is whole on the disk, or that a manifest was read. Step.At is
	// when it was written last, if this run has seen that.
	StageClosed Stage = iota
	// StageKept means that it is linked into the spool, so that it can be deleted from the disk.
	StageKept
	// StageSending means that an upload begins.
	StageSending
	// StageSent means that the store has answered that it has the object.
	StageSent
	// StageFailed means that the upload failed, or that the file could not be read for it.
	StageFailed
	// StageConfirmed means that the bucket has the content that is meant: as the answer to an
	// upload says, or as the bucket tells of an object that is there already.
	StageConfirmed
	// StageListed means that a published manifest names the chunk for the first time: viewers can
	// see it. Of the chunks of earlier runs, only the newest that a manifest names have this step.
	StageListed
	// StageLost means that the file was given up: it can never arrive.
	StageLost
	// StageSkipped means that it was given up because no manifest names it any more, as
	// Destination.SkipBacklog asks for.
	StageSkipped
	// StageDeleted means that the object was deleted from the bucket.
	StageDeleted
)

func (s Stage) String() string {
	return [...]string{"closed", "kept", "sending", "sent", "failed", "confirmed", "listed", "lost",
		"skipped", "deleted"}[s]
}

// A FileKind is what a file is in its stream.
type FileKind uint8

const (
	// KindChunk is a segment, a fragment or a subtitle.
	KindChunk FileKind = iota
	// KindInit is what a manifest names beside chunks and manifests: an init segment, an AES key.
	KindInit
	// KindManifest is a manifest of any sort, also one that names only manifests.
	KindManifest
	// KindRecording is a recording.
	KindRecording
)

func (k FileKind) String() string { return [...]string{"chunk", "init", "manifest", "recording"}[k] }

// What a Step.Why says of a confirmation.
const (
	byUpload   = "upload"
	byQuestion = "question"
	byListing  = "listing"
)

// vanishedWhy is why an object is lost that was in the bucket.
const vanishedWhy = "the bucket has it no more, and it is not on the disk"

// kind returns what f is in its stream.
func (f *file) kind() FileKind {
	switch {
	case f.src.bulk():
		return KindRecording
	case f.manifest != nil:
		return KindManifest
	case f.naming.role != asSegment:
		return KindInit
	}
	return KindChunk
}

// step adds a step of f to the effects, and returns it for what else is known of it. It returns a
// step that goes nowhere if no one wants to know.
func (s *Schedule) step(f *file, stage Stage) *Step {
	e := &s.effects
	if !s.settings.Observed {
		return &e.unobserved
	}
	e.Steps = append(e.Steps, Step{Stage: stage, Kind: f.kind(), Root: f.src.root, Stream: f.stream.shown(),
		Format: f.src.layout.Format.String(), Path: f.path, Key: f.key(), Bytes: f.disk.version.Size})
	step := &e.Steps[len(e.Steps)-1]
	if home := f.stream.sharing.home; home != nil {
		step.Home = home.shown()
	}
	return step
}

// stepClosed adds that f is whole on the disk. What was written before this run was closed then.
func (s *Schedule) stepClosed(f *file) {
	at := f.disk.writtenAt
	if f.disk.closedAt.Before(at) {
		at = f.disk.closedAt
	}
	s.step(f, StageClosed).At = at
}

// stepRead adds that a manifest was read, and is to be published.
func (s *Schedule) stepRead(snap *snapshot) {
	step := s.step(snap.manifest.file, StageClosed)
	step.At, step.Bytes, step.Sequence = snap.origin.readAt, int64(len(snap.own.content)), snap.parsed.Last
}

// stepSending adds that the upload j begins.
func (s *Schedule) stepSending(j Job) {
	if j.asksOnly() {
		return
	}
	j.file.work.attempts++
	j.describe(s.step(j.file, StageSending))
}

// stepAnswered adds how the upload of r ended.
func (s *Schedule) stepAnswered(r Result) {
	stage, why, err := StageSent, "", error(nil)
	switch {
	case r.asksOnly():
		return
	case r.FileFailure != NoFileFailure:
		stage, why, err = StageFailed, r.FileFailure.String(), r.FileErr
	case r.Failure != NoFailure:
		stage, why, err = StageFailed, r.Failure.String(), r.Err
	}
	step := s.step(r.file, stage)
	r.describe(step)
	step.Took, step.Race, step.Why, step.Err = r.Took, r.Race, why, err
}

// describe adds to step what is known of the upload j.
func (j *Job) describe(step *Step) {
	step.Attempt, step.Bytes = j.file.work.attempts, j.Version.Size
	if j.snapshot != nil {
		step.Bytes, step.Sequence = int64(len(j.Manifest.Bytes)), j.snapshot.parsed.Last
	}
}

// stepListed adds that viewers know of those references of snap that they did not know of before.
func (s *Schedule) stepListed(snap *snapshot, now time.Time) {
	distance, tracks := snap.manifest.file.src.layout.Format.Rows(snap.parsed)
	counted := distance == 1 && tracks == 1 && len(snap.refs)-snap.others == snap.parsed.Segments
	for i, f := range snap.refs {
		if f.manifest != nil || f.naming.listed || f.bucket.isLost() {
			continue
		}
		f.naming.listed = true
		fromEnd := len(snap.refs) - 1 - i
		if f.disk.writtenAt.IsZero() && fromEnd >= mostListed {
			continue
		}
		step := s.step(f, StageListed)
		byEarlierRun := s.predates(f.disk.version, now) && !f.bucket.isConfirmed()
		if !byEarlierRun && !f.disk.writtenAt.IsZero() {
			step.Lag = now.Sub(f.disk.writtenAt)
		}
		if counted && i >= snap.others {
			step.Sequence = snap.parsed.Last - uint64(fromEnd)
		}
	}
}
