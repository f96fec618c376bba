package s3store

import (
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// An sdkLog has the SDK write to the daemon's log and not to standard error. What fails a request
// is in the request's error, too, and the rest concerns who looks for an error in this program.
type sdkLog struct{ log *slog.Logger }

// Logf implements logging.Logger.
func (l sdkLog) Logf(kind logging.Classification, format string, values ...any) {
	message := fmt.Sprintf(format, values...)
	if len(message) > maxSDKMessage {
		message = message[:maxSDKMessage] + "…"
	}
	l.log.Debug("note of the AWS SDK", "kind", string(kind), "note", message)
}
