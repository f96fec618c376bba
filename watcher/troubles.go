package watcher

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// What can go wrong with a root.
var (
	rootAbsent = trouble.Condition{
		Kind: "root_absent", Level: slog.LevelWarn, Message: "root does not exist yet", Over: "root exists now",
	}
	rootGone = trouble.Condition{
		Kind: "root_gone", Level: slog.LevelWarn, Message: "root is gone", Over: "root is back",
	}
	rootReplaced = trouble.Failure{
		Kind: "root_replaced", Level: slog.LevelWarn, Message: "root was replaced by another directory",
	}
	rootUnmounted = trouble.Condition{
		Kind: "root_unmounted", Level: slog.LevelWarn,
		Message: "root is an empty directory on another device now", Over: "root's file system is mounted again",
	}
	mountGone = trouble.Condition{
		Kind: "mount_gone", Level: slog.LevelWarn,
		Message: "file system is not mounted below the root any more, scanning all",
		Over:    "file system is mounted below the root again",
	}
	fileSystemUnknown = trouble.Condition{
		Kind: "file_system_unknown", Level: slog.LevelWarn,
		Message: "cannot tell the root's file system", Over: "root's file system is known again",
	}
)

// What can go wrong with watching. None of it loses an event: the tree is scanned.
var (
	backendMissing = trouble.Condition{
		Kind: "backend_missing", Level: slog.LevelError, Message: "this system does not have the backend",
	}
	cannotWatch = trouble.Condition{
		Kind: "cannot_watch", Level: slog.LevelError,
		Message: "cannot watch, scanning instead", Over: "watching instead of scanning again",
	}
	tooFewInstances = trouble.Condition{
		Kind: "too_few_instances", Level: slog.LevelError,
		Message: "not enough inotify instances or file descriptors, scanning instead",
		Over:    "watching instead of scanning again",
	}
	tooFewWatches = trouble.Condition{
		Kind: "too_few_watches", Level: slog.LevelError,
		Message: "not enough watches, scanning the whole tree instead", Over: "all directories are watched again",
	}
	watchFailed = trouble.Failure{
		Kind: "watch_failed", Level: slog.LevelWarn, Message: "watching failed, scanning all",
	}
	overflow = trouble.Failure{
		Kind: "event_overflow", Level: slog.LevelWarn, Message: "event queue overflowed, scanning all",
	}
	noLeases = trouble.Condition{
		Kind: "no_leases", Level: slog.LevelWarn,
		Message: "kernel does not say which files are being written: it refuses leases on them",
	}
)

// What can go wrong with one file or directory. The subject is its path.
var (
	dirUnwatched = trouble.Condition{
		Kind: "dir_unwatched", Level: slog.LevelWarn,
		Message: "cannot watch directory, scanning it instead", Over: "directory is watched again",
	}
	dirUnread = trouble.Condition{
		Kind: "dir_unread", Level: slog.LevelWarn,
		Message: "cannot read directory, trying again", Over: "directory can be read again",
	}
	fileUnseen = trouble.Condition{
		Kind: "file_unseen", Level: slog.LevelWarn,
		Message: "cannot look at files, trying again", Over: "files can be looked at again",
	}
	fileHeld = trouble.Condition{
		Kind: "file_held", Level: slog.LevelWarn,
		Message: "file is not reported as closed: a file beside it says that it is unfinished",
		Over:    "file is finished: the file beside it is gone",
	}
	notRegular = trouble.Condition{
		Kind: "not_regular", Level: slog.LevelWarn, Message: "not a regular file, ignored",
	}
)

// begin reports that c holds for the path p.
func (t *tree) begin(c trouble.Condition, p string, attrs ...any) {
	t.trouble.Begin(c, trouble.At{Subject: p}, append([]any{"path", p}, attrs...)...)
}

// end reports that c does not hold for the path p.
func (t *tree) end(c trouble.Condition, p string) {
	t.trouble.End(c, trouble.At{Subject: p}, "path", p)
}

// forgetTrouble forgets what concerns the path p, which is gone.
func (t *tree) forgetTrouble(p string, conditions ...trouble.Condition) {
	for _, c := range conditions {
		t.trouble.Forget(c, trouble.At{Subject: p})
	}
}
