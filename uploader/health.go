package uploader

import (
	"log/slog"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

// judgeEvery is how often the health of the streams is judged. Between that, each manifest that is
// published is a reason to judge its streams.
const judgeEvery = time.Second

// What is logged while a stream is in a state. The message of the recovery is that of a stream
// which goes on.
var troubled = map[health.State]trouble.Condition{
	health.Stalled: {
		Kind: "stream_stalled", Level: slog.LevelWarn,
		Message: "stream stalled", Over: "stream resumed", Untold: true,
	},
	health.Lagging: {
		Kind: "stream_lagging", Level: slog.LevelWarn,
		Message: "stream lags", Over: "stream is current again", Untold: true,
	},
	health.Failing: {
		Kind: "stream_failing", Level: slog.LevelWarn,
		Message: "stream cannot be published", Over: "stream is published again", Untold: true,
	},
	health.Stale: {
		Kind: "stream_stale", Level: slog.LevelInfo,
		Message: "stream is stale", Over: "stream resumed", Untold: true,
	},
}

// A Change is a stream's way from one state to another.
type Change struct {
	publish.Change
	Root   string
	Format string
}

// noteChange logs that a stream has another state, and tells Settings.Changed.
func (u *Uploader) noteChange(c publish.Change) {
	src := u.sourceOf(c.Source)
	at := trouble.At{Stream: c.Stream, Subject: src.layout.Format.String()}
	if c.Gone {
		was := troubled[c.From]
		was.Over = ""
		src.trouble.End(was, at)
		return
	}
	if was, ok := troubled[c.From]; ok && c.From != c.To {
		switch _, worse := troubled[c.To]; {
		case c.To == health.Ended:
			was.Over = "stream ended"
		case worse && c.To != health.Stalled:
			was.Over = "" // the next line tells
		}
		src.trouble.End(was, at)
	}
	// logged otherwise, or long ago
	known := c.From == health.Starting && c.To == health.Stale || c.To == health.Failing && c.Shared
	if now, ok := troubled[c.To]; ok && !known {
		src.trouble.Begin(now, at, "why", c.Why)
	}
	if u.settings.Changed != nil && c.From != c.To {
		u.settings.Changed(Change{c, src.dir, src.layout.Format.String()})
	}
}
