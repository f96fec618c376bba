package events

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// What can go wrong with events. None of it loses more than time: the media server is looked at.
var (
	connectionRefused = trouble.Failure{
		Kind: "event_connection_refused", Level: slog.LevelWarn, Message: "connection to the event listener refused",
	}
	eventRefused = trouble.Failure{Kind: "event_refused", Level: slog.LevelWarn, Message: "event refused"}
	eventBroken  = trouble.Failure{Kind: "event_broken", Level: slog.LevelWarn, Message: "event cannot be read"}
	eventDropped = trouble.Failure{Kind: "event_dropped", Level: slog.LevelWarn, Message: "event dropped"}
	eventsLost   = trouble.Failure{Kind: "events_lost", Level: slog.LevelWarn, Message: "events were lost"}

	// idsSkipped is logged once for good: anyone with access can post as many process ids as they
	// like, and each looks like a new run of the server.
	idsSkipped = trouble.Condition{
		Kind: "event_ids_skipped", Level: slog.LevelInfo,
		Message: "EMS does not send all the events that it numbers: losses cannot be detected",
	}
)

// nowhere: trouble with events is the daemon's as a whole.
var nowhere = trouble.At{}
