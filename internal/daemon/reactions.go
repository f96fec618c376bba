package daemon

import (
	"context"
	"log/slog"
	"time"
)

// reactions are counts since the start.
type reactions struct {
	events, lost, missing, duplicates, dropped, refused, broken uint64
	orders, failed, conflicts                                   uint64
}

func (x *reactor) reactions() (r reactions) {
	f := x.events.Figures()
	for _, n := range f.Taken {
		r.events += n
	}
	r.lost, r.missing, r.duplicates, r.dropped, r.refused, r.broken = f.Lost, f.Missing, f.Duplicates, f.Dropped,
		f.Refused, f.Broken
	h := x.hooks.Figures()
	r.orders, r.failed, r.conflicts = h.Done, h.Failed, h.Conflicts
	return r
}

// tellReactions logs one line a minute with what has happened since the line before, if anything
// has, until ctx ends.
func (x *reactor) tellReactions(ctx context.Context, log *slog.Logger) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	var last reactions
	for {
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
		}
		now := x.reactions()
		if now == last {
			continue
		}
		log.Info("last minute of EMS", "events", now.events-last.events, "lost", now.lost-last.lost,
			"missing_ids", now.missing-last.missing, "duplicates", now.duplicates-last.duplicates,
			"dropped", now.dropped-last.dropped, "refused", now.refused-last.refused, "broken", now.broken-last.broken,
			"orders", now.orders-last.orders, "failed", now.failed-last.failed, "conflicts", now.conflicts-last.conflicts)
		last = now
	}
}
