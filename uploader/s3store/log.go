package s3store

import (
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// An sdkLog passes the SDK's messages to the daemon's log, at level debug. What fails a request is
// also in that request's error.
type sdkLog struct{ log *slog.Logger }

// Logf implements logging.Logger.
func (l sdkLog) Logf(kind logging.Classification, format string, values ...any) {
	message := fmt.Sprintf(format, values...)
	if len(message) > maxSDKMessage {
		message = message[:maxSDKMessage] + "…"
	}
	l.log.Debug("note of the AWS SDK", "kind", string(kind), "note", message)
}
