package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
)

// maxStatusNames is how many streams of a state a status names.
const maxStatusNames = 3

// Status says in one line how the streams fare, such as "42 live, 1 stalled: news/sport; lag 180 ms".
// It returns false if the uploader does not answer before ctx ends.
func (d *Daemon) Status(ctx context.Context) (string, bool) {
	streams, ok := d.up.Streams(ctx)
	return statusOf(streams), ok
}

// Moving returns nil if the daemon does its work, and else what hangs. See uploader.Uploader.Moving.
func (d *Daemon) Moving(ctx context.Context) error { return d.up.Moving(ctx) }

// DrainTimeout is how long the end takes at most, by the config that holds now.
func (d *Daemon) DrainTimeout() time.Duration { return d.config().Upload.DrainTimeout }

func statusOf(streams []uploader.Stream) string {
	count := make(map[health.State]int)
	names := make(map[health.State][]string)
	var lag time.Duration
	for _, s := range streams {
		count[s.State]++
		if s.State.Suffers() && len(names[s.State]) < maxStatusNames {
			names[s.State] = append(names[s.State], oneLine(s.Shown))
		}
		if s.State == health.Live {
			lag = max(lag, s.Lag)
		}
	}
	var parts []string
	for _, state := range []health.State{health.Live, health.Failing, health.Lagging, health.Stalled, health.Starting,
		health.Stale, health.Ended} {
		n := count[state]
		if n == 0 {
			continue
		}
		text := fmt.Sprintf("%d %v", n, state)
		if len(names[state]) > 0 {
			text += ": " + strings.Join(names[state], " ")
			if more := n - len(names[state]); more > 0 {
				text += fmt.Sprintf(" and %d more", more)
			}
		}
		parts = append(parts, text)
	}
	switch {
	case len(parts) == 0:
		return "no stream yet"
	case count[health.Live] > 0 && lag > 0:
		return fmt.Sprintf("%s; lag %d ms", strings.Join(parts, ", "), lag.Round(10*time.Millisecond).Milliseconds())
	}
	return strings.Join(parts, ", ")
}

// oneLine returns a name without line breaks and the like: publishers choose names, and a line break
// in a status begins another message to systemd.
func oneLine(name string) string {
	const most = 80 // characters
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
}
