package publish

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// What goes wrong with single files, again and again: the first of a stream is a log line, and the
// others are summed up.
var (
	objectDiffers = trouble.Failure{
		Kind: "object_differs", Level: slog.LevelWarn,
		Message: "recording's object differs from its file",
	}
	incomparable = trouble.Failure{
		Kind: "file_incomparable", Level: slog.LevelWarn,
		Message: "file stays on the disk: it cannot be compared with its object",
	}
	undeletable = trouble.Failure{
		Kind: "file_undeletable", Level: slog.LevelWarn,
		Message: "file cannot be deleted from the disk",
	}
	unreadable = trouble.Failure{
		Kind: "file_unreadable", Level: slog.LevelWarn,
		Message: "file cannot be read",
	}
	wentBack = trouble.Failure{
		Kind: "playlist_went_back", Level: slog.LevelWarn,
		Message: "playlist is older than the one before it",
	}
	objectMissing = trouble.Failure{
		Kind: "object_missing", Level: slog.LevelWarn,
		Message: "object is missing: the bucket had it",
	}
	manifestMissing = trouble.Failure{
		Kind: "manifest_missing", Level: slog.LevelWarn,
		Message: "manifest is missing: the bucket had it",
	}
	givenUp = trouble.Failure{
		Kind: "manifest_given_up", Level: slog.LevelWarn,
		Message: "manifest is dropped: files that it names are gone",
	}
	neverSeenChunks = trouble.Failure{
		Kind: "chunks_never_seen", Level: slog.LevelWarn,
		Message: "chunks were never seen: the server wrote and deleted them meanwhile",
	}
	appliedLate = trouble.Failure{
		Kind: "request_applied_late", Level: slog.LevelWarn,
		Message: "bucket has an old version of a manifest, perhaps from a request without an answer",
	}
	chunkLost = trouble.Failure{
		Kind: "chunk_lost", Level: slog.LevelWarn,
		Message: "chunk is lost",
	}
	fileUnpublishable = trouble.Failure{
		Kind: "file_unpublishable", Level: slog.LevelWarn,
		Message: "file cannot be published",
	}
	manifestUnpublishable = trouble.Failure{
		Kind: "manifest_unpublishable", Level: slog.LevelWarn,
		Message: "manifest cannot be published",
	}
	fileGrows = trouble.Failure{
		Kind: "file_grows", Level: slog.LevelWarn,
		Message: "live playlist waits for a file that grows: it lists byte ranges, and a bucket cannot append",
	}
	manifestUnreadable = trouble.Failure{
		Kind: "manifest_unreadable", Level: slog.LevelWarn,
		Message: "manifest cannot be read",
	}
	objectsUndeletable = trouble.Failure{
		Kind: "objects_undeletable", Level: slog.LevelWarn,
		Message: "objects cannot be deleted from the bucket",
	}
	variantAbsent = trouble.Failure{
		Kind: "variant_absent", Level: slog.LevelWarn,
		Message: "master playlist is published without waiting for a variant that does not come",
	}
	uploadFailed = trouble.Failure{
		Kind: "upload_failed", Level: slog.LevelWarn,
		Message: "upload failed",
	}
	bucketUnlistable = trouble.Failure{
		Kind: "bucket_unlistable", Level: slog.LevelWarn,
		Message: "bucket cannot be listed",
	}
	questionFailed = trouble.Failure{
		Kind: "question_failed", Level: slog.LevelWarn,
		Message: "request about an object failed",
	}
)

// What goes wrong once, and is not tried again by itself.
var (
	objectLost = trouble.Failure{
		Kind: "object_lost", Level: slog.LevelError,
		Message: "object is lost: the bucket has it no more, and it is not on the disk",
	}
	manifestLost = trouble.Failure{
		Kind: "manifest_lost", Level: slog.LevelError,
		Message: "manifest is lost: the bucket has it no more, and it is not on the disk",
	}
	chunksUnwritten = trouble.Failure{
		Kind: "chunks_unwritten", Level: slog.LevelWarn,
		Message: "manifest names chunks that were never written",
	}
	optionalAbsent = trouble.Failure{
		Kind: "optional_file_absent", Level: slog.LevelWarn,
		Message: "manifest names a file that is neither on the disk nor in the bucket; players go on without it",
	}
	anotherWriter = trouble.Failure{
		Kind: "another_writer", Level: slog.LevelError,
		Message: "another writer publishes the same stream: viewers get now one and now the other",
	}
	noRoom = trouble.Failure{
		Kind: "manifest_too_large", Level: slog.LevelError,
		Message: "manifest is not published: large manifests take too much memory",
	}
)

// What lasts.
var (
	// bucketSilent and bucketRefused are one condition with two beginnings.
	bucketSilent = trouble.Condition{
		Kind: "bucket_unreachable", Level: slog.LevelError,
		Message: "bucket serves no requests, uploads to it wait", Over: "bucket accepts requests again",
	}
	bucketRefused = trouble.Condition{
		Kind: "bucket_unreachable", Level: slog.LevelError,
		Message: "bucket refuses requests, uploads to it are stopped", Over: "bucket accepts requests again",
	}
	spoolFull = trouble.Condition{
		Kind: "spool_full", Level: slog.LevelError,
		Message: "chunks are lost, the oldest first: the spool is full",
		Over:    "no chunk was lost for a minute: the spool has room again",
	}
	fileSystemStuck = trouble.Condition{
		Kind: "file_system_stuck", Level: slog.LevelError,
		Message: "file system does not answer", Over: "file system answers again",
	}
)

var bucketBack = trouble.Notice{
	Kind: "bucket_back", Level: slog.LevelError,
	Message: "bucket is back, and its streams are current again",
}

// begin notes that c holds for the subject, which is no stream.
func (s *Schedule) begin(c trouble.Condition, subject string, attrs ...any) {
	s.noteCondition(Note{Condition: c, Message: c.Message, Attrs: attrs, Subject: subject})
}

// end notes that c does not hold for the subject.
func (s *Schedule) end(c trouble.Condition, subject string, attrs ...any) {
	s.noteCondition(Note{Condition: c, Message: c.Over, Attrs: attrs, Subject: subject, Ends: true})
}

func (s *Schedule) noteCondition(n Note) {
	n.Level = n.Condition.Level
	s.effects.Notes = append(s.effects.Notes, n)
}

// note tells the operator of n.
func (s *Schedule) note(n trouble.Notice, attrs ...any) {
	s.effects.Notes = append(s.effects.Notes, Note{Notice: n, Level: n.Level, Message: n.Message, Attrs: attrs})
}

// report notes that something went wrong in st.
func (s *Schedule) report(f trouble.Failure, st *stream, attrs ...any) {
	s.reportOf("", f, st, attrs...)
}

// reportOf is report for one of several subjects in st, such as a key: each has a line of its own.
func (s *Schedule) reportOf(subject string, f trouble.Failure, st *stream, attrs ...any) {
	s.effects.Notes = append(s.effects.Notes, failureNote(subject, f, st, attrs))
}

func failureNote(subject string, f trouble.Failure, st *stream, attrs []any) Note {
	return Note{Level: f.Level, Message: f.Message, Attrs: attrs, Failure: f, Source: st.src, Stream: st.shown(),
		Subject: subject}
}
