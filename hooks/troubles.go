package hooks

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// What can go wrong with the media server as a whole.
var serverAway = trouble.Condition{
	Kind: "ems_away", Level: slog.LevelWarn,
	Message: "asking the media server failed", Over: "the media server answers again",
}

// tooManyNames says that maxLookups or maxLookupTime is reached.
var tooManyNames = trouble.Condition{
	Kind: "names_not_looked_up", Level: slog.LevelWarn, Message: "EMS names more hosts than are looked up",
}

// What can go wrong with pushes.
var (
	ownDestination = trouble.Condition{
		Kind: "destination_is_own", Level: slog.LevelInfo,
		Message: "destination is this server itself: it is left out",
	}
	notPushable = trouble.Failure{
		Kind: "not_pushable", Level: slog.LevelWarn, Message: "stream cannot be pushed",
	}
	notArriving = trouble.Condition{
		Kind: "push_failed", Level: slog.LevelWarn,
		Message: "stream does not arrive where it is pushed", Each: true,
	}
	pushStays = trouble.Condition{
		Kind: "push_stays", Level: slog.LevelWarn, Message: "push cannot be removed", Each: true,
	}
)

// What can go wrong with recordings.
var (
	notRecordable = trouble.Failure{
		Kind: "not_recordable", Level: slog.LevelWarn, Message: "stream cannot be recorded",
	}
	notRecorded = trouble.Condition{
		Kind: "not_recorded", Level: slog.LevelWarn, Message: "stream is not recorded", Each: true,
	}
	recordRefused = trouble.Condition{
		Kind: "record_refused", Level: slog.LevelError,
		Message: "EMS refuses to record the stream", Each: true,
	}
	recordedTwice = trouble.Failure{
		Kind: "recorded_twice", Level: slog.LevelWarn,
		Message: "EMS records the stream twice at once",
	}
	// unwritable is the trouble that all streams have at once.
	unwritable = trouble.Condition{
		Kind: "record_directory", Level: slog.LevelError,
		Message: "EMS cannot record into the directory: it does not exist there, or EMS has no right to write to it",
		Over:    "EMS can record again", Each: true,
	}
	recordsNothing = trouble.Condition{
		Kind: "records_nothing", Level: slog.LevelError,
		Message: "stream is not recorded, although EMS has the order", Over: "stream is recorded again",
	}
	recordingStays = trouble.Condition{
		Kind: "recording_stays", Level: slog.LevelWarn,
		Message: "recording cannot be removed", Each: true,
	}
	timersUnlisted = trouble.Condition{
		Kind: "timers_unlisted", Level: slog.LevelWarn,
		Message: "timers cannot be listed", Each: true,
	}
	timerMissing = trouble.Condition{
		Kind: "timer_missing", Level: slog.LevelWarn, Message: "recording has no timer", Each: true,
	}
	timerStays = trouble.Condition{
		Kind: "timer_stays", Level: slog.LevelWarn, Message: "timer cannot be removed", Each: true,
	}
)

// What can go wrong with copies at other servers.
var (
	memberAway = trouble.Condition{
		Kind: "destination_away", Level: slog.LevelWarn,
		Message: "destination does not answer", Over: "destination answers again", Each: true,
	}
	nameTaken = trouble.Condition{
		Kind: "name_taken", Level: slog.LevelWarn,
		Message: "destination has another stream of that name", Each: true,
	}
	notPulled = trouble.Condition{
		Kind: "pull_refused", Level: slog.LevelWarn,
		Message: "destination does not pull the stream", Each: true,
	}
	notReceived = trouble.Condition{
		Kind: "pull_failed", Level: slog.LevelWarn,
		Message: "destination does not get the stream", Each: true,
	}
	copyStays = trouble.Condition{
		Kind: "copy_stays", Level: slog.LevelWarn, Message: "copy cannot be removed", Each: true,
	}
	notBalanceable = trouble.Condition{
		Kind: "not_balanceable", Level: slog.LevelWarn, Message: "stream cannot be balanced",
	}
	unreachable = trouble.Condition{
		Kind: "not_advertised", Level: slog.LevelError,
		Message: "stream cannot be balanced: it was published over an address at which the others do not reach this server",
	}
)

// What can go wrong with transcodes.
var (
	leftAlone = trouble.Condition{
		Kind: "feed_left_alone", Level: slog.LevelInfo,
		Message: "feed of a stream stands still, and the stream is no transcode of EMS",
	}
	tooManyResets = trouble.Condition{
		Kind: "too_many_resets", Level: slog.LevelWarn,
		Message: "more transcodes stand still than are reset in a minute", Each: true,
	}
	notReset = trouble.Failure{
		Kind: "not_reset", Level: slog.LevelWarn, Message: "stream is not reset",
	}
	resetFails = trouble.Condition{
		Kind: "reset_failed", Level: slog.LevelError, Message: "stream cannot be reset", Each: true,
	}
)

// failures are the kinds of trouble that Figures.Failed counts.
var failures = []string{
	notPushable.Kind, notArriving.Kind, pushStays.Kind,
	notRecordable.Kind, notRecorded.Kind, recordRefused.Kind, recordedTwice.Kind, unwritable.Kind,
	recordsNothing.Kind, recordingStays.Kind, timersUnlisted.Kind, timerMissing.Kind, timerStays.Kind,
	memberAway.Kind, notPulled.Kind, notReceived.Kind, copyStays.Kind,
	tooManyResets.Kind, notReset.Kind, resetFails.Kind,
}
