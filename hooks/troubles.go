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
	Kind: "names_not_looked_up", Level: slog.LevelWarn,
	Message: "EMS names more hosts than are looked up", Over: "all hosts that EMS names are looked up again",
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
		Message: "stream does not arrive where it is pushed", Over: "stream is pushed again", Each: true,
	}
	pushStays = trouble.Condition{
		Kind: "push_stays", Level: slog.LevelWarn,
		Message: "push cannot be removed", Over: "pushes can be removed again", Each: true,
	}
)

// What can go wrong with recordings.
var (
	notRecordable = trouble.Failure{
		Kind: "not_recordable", Level: slog.LevelWarn, Message: "stream cannot be recorded",
	}
	notRecorded = trouble.Condition{
		Kind: "not_recorded", Level: slog.LevelWarn,
		Message: "stream is not recorded", Over: "stream is recorded after all", Each: true,
	}
	recordRefused = trouble.Condition{
		Kind: "record_refused", Level: slog.LevelError,
		Message: "EMS refuses to record the stream", Over: "EMS records the stream after all", Each: true,
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
		Message: "recording cannot be removed", Over: "recordings can be removed again", Each: true,
	}
	timersUnlisted = trouble.Condition{
		Kind: "timers_unlisted", Level: slog.LevelWarn,
		Message: "timers cannot be listed", Over: "timers can be listed again", Each: true,
	}
	timerMissing = trouble.Condition{
		Kind: "timer_missing", Level: slog.LevelWarn,
		Message: "recording has no timer", Over: "recordings have timers again", Each: true,
	}
	timerStays = trouble.Condition{
		Kind: "timer_stays", Level: slog.LevelWarn,
		Message: "timer cannot be removed", Over: "timers can be removed again", Each: true,
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
		Message: "destination has another stream of that name",
		Over:    "name is free at the destination, and the stream is pulled there", Each: true,
	}
	notPulled = trouble.Condition{
		Kind: "pull_refused", Level: slog.LevelWarn,
		Message: "destination does not pull the stream", Over: "destination pulls the stream again", Each: true,
	}
	notReceived = trouble.Condition{
		Kind: "pull_failed", Level: slog.LevelWarn,
		Message: "destination does not get the stream", Over: "destination gets the stream again", Each: true,
	}
	copyStays = trouble.Condition{
		Kind: "copy_stays", Level: slog.LevelWarn,
		Message: "copy cannot be removed", Over: "copies can be removed again", Each: true,
	}
	notBalanceable = trouble.Condition{
		Kind: "not_balanceable", Level: slog.LevelWarn, Message: "stream cannot be balanced",
	}
	unreachable = trouble.Condition{
		Kind: "not_advertised", Level: slog.LevelError,
		Message: "stream cannot be balanced: it was published over an address at which the others do not reach this server",
	}
)

// pullTroubles are those of one stream at one destination.
var pullTroubles = []trouble.Condition{nameTaken, notReceived, notPulled}

// What can go wrong with transcodes.
var (
	leftAlone = trouble.Condition{
		Kind: "feed_left_alone", Level: slog.LevelInfo,
		Message: "feed of a stream stands still, and the stream is no transcode of EMS",
	}
	tooManyResets = trouble.Condition{
		Kind: "too_many_resets", Level: slog.LevelWarn,
		Message: "more transcodes stand still than are reset in a minute",
		Over:    "transcodes that stand still are reset again", Each: true,
	}
	notReset = trouble.Failure{
		Kind: "not_reset", Level: slog.LevelWarn, Message: "stream is not reset",
	}
	resetFails = trouble.Condition{
		Kind: "reset_failed", Level: slog.LevelError,
		Message: "stream cannot be reset", Over: "stream is reset after all", Each: true,
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
