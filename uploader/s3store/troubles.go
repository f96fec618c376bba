package s3store

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
)

// Failures that fail no request.
var (
	untold = trouble.Condition{
		Kind: "store_untold", Level: slog.LevelWarn, Message: "bucket does not tell whether it has an object",
	}
	unlisted = trouble.Condition{
		Kind: "store_unlisted", Level: slog.LevelWarn, Message: "unfinished uploads cannot be listed",
	}
	unconditional = trouble.Condition{
		Kind: "store_unconditional", Level: slog.LevelWarn, Message: "store does not support If-None-Match",
	}
	notAborted = trouble.Failure{
		Kind: "upload_not_aborted", Level: slog.LevelWarn, Message: "upload that is no longer needed cannot be aborted",
	}
	keysNotRenewed = trouble.Condition{
		Kind: "credentials_not_renewed", Level: slog.LevelWarn,
		Message: "credentials cannot be renewed", Over: "credentials are renewed",
	}
	keysNotRead = trouble.Failure{
		Kind: "credentials_not_read", Level: slog.LevelWarn,
		Message: "credentials that the store refuses cannot be read again",
	}
)
