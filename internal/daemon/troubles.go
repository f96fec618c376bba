package daemon

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// What can go wrong with the watched directories.
var (
	historyUnkept = trouble.Failure{
		Kind: "history_unkept", Level: slog.LevelWarn,
		Message: "history of events cannot be kept",
	}
	rootStuck = trouble.Condition{
		Kind: "root_stuck", Level: slog.LevelError,
		Message: "watched directory does not answer", Over: "watched directory answers again",
	}
	notScanned = trouble.Failure{
		Kind: "root_not_scanned", Level: slog.LevelWarn, Message: "directory is not scanned yet",
	}
	leftBehind = trouble.Failure{
		Kind: "root_left_behind", Level: slog.LevelError, Message: "a directory's file system does not answer at the end",
	}
)

// What can go wrong with what EMS says.
var (
	notPublished = trouble.Condition{
		Kind: "directory_not_published", Level: slog.LevelError,
		Message: "directory that EMS writes to is not published", Over: "directory that EMS writes to is published now",
	}
	notNoted = trouble.Condition{
		Kind: "directories_not_noted", Level: slog.LevelWarn,
		Message: "directories that EMS names cannot be saved", Over: "directories that EMS names are saved again",
	}
	noteUnread = trouble.Failure{
		Kind: "directories_not_read", Level: slog.LevelWarn,
		Message: "saved directories that EMS has named cannot be read",
	}
	hintRefused = trouble.Condition{
		Kind: "event_path_refused", Level: slog.LevelWarn, Message: "event names a file that is not looked at",
	}
)
