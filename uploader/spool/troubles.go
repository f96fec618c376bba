package spool

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// What can go wrong with a spool as a whole.
var (
	noLinks = trouble.Condition{
		Kind: "spool_no_links", Level: slog.LevelWarn,
		Message: "files cannot be linked into the spool", Over: "files are linked into the spool again",
	}
	exposed = trouble.Condition{
		Kind: "spool_exposed", Level: slog.LevelError,
		Message: "files can neither be linked nor held open: what is deleted before its upload is lost",
		Over:    "what is deleted before its upload is kept again",
	}
	tooManyHeld = trouble.Condition{
		Kind: "spool_too_many_held", Level: slog.LevelError,
		Message: "too many files wait for their upload to hold them all open: what is deleted before it is lost",
		Over:    "all files that wait for their upload are kept again",
	}
	contended = trouble.Condition{
		Kind: "spool_contended", Level: slog.LevelError,
		Message: "another ems-sidecar uploads from the same directory: each sends everything",
		Over:    "the other ems-sidecar has ended",
	}
	rootUnmounted = trouble.Condition{
		Kind: "spool_root_unmounted", Level: slog.LevelWarn,
		Message: "root is an empty directory on another device now: its spool is away",
		Over:    "root's file system is mounted again",
	}
	rootReplaced = trouble.Failure{
		Kind: "spool_root_replaced", Level: slog.LevelError,
		Message: "root was replaced by another directory, which does not have the spool of the former one",
	}
	lostAtEnd = trouble.Failure{
		Kind: "spool_lost_at_end", Level: slog.LevelError,
		Message: "files that only this process still had are lost with its end",
	}
)

// What can go wrong with one file or directory. The subject is its path.
var (
	notRemoved = trouble.Failure{
		Kind: "spool_not_removed", Level: slog.LevelWarn, Message: "file stays in the spool although it is uploaded",
	}
	unread = trouble.Failure{
		Kind: "spool_unread", Level: slog.LevelWarn, Message: "spool cannot be read",
	}
	leftAlone = trouble.Failure{
		Kind: "spool_left_alone", Level: slog.LevelWarn,
		Message: "file stays in the spool: it is not known whether it still has its name",
	}
	notMoved = trouble.Failure{
		Kind: "spool_not_moved", Level: slog.LevelWarn,
		Message: "file in the spool cannot get the name of its run",
	}
	nameTaken = trouble.Failure{
		Kind: "spool_name_taken", Level: slog.LevelError,
		Message: "another file has taken the name of one that waits for its upload",
	}
	lostToName = trouble.Failure{
		Kind: "spool_lost_to_name", Level: slog.LevelError,
		Message: "a file that waited for its upload is lost: another one has taken its name",
	}
)

// begin reports that c holds for the spool.
func (s *Spool) begin(c trouble.Condition, attrs ...any) {
	s.Trouble.Begin(c, trouble.At{Subject: s.Dir}, append([]any{"spool", s.Dir}, attrs...)...)
}

// end reports that c does not hold for the spool.
func (s *Spool) end(c trouble.Condition, attrs ...any) {
	s.Trouble.End(c, trouble.At{Subject: s.Dir}, append([]any{"spool", s.Dir}, attrs...)...)
}

// fail reports a failure with the path p.
func (s *Spool) fail(f trouble.Failure, p string, attrs ...any) {
	s.Trouble.Report(f, trouble.At{Subject: s.Dir + "/" + p}, append([]any{"spool", s.Dir, "path", p}, attrs...)...)
}
