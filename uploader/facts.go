package uploader

import (
	"context"
	"slices"
	"time"

	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

// Facts are all that an Uploader tells of itself, as of one moment.
type Facts struct {
	Figures Figures
	Streams []Stream // the worst first
	Lanes   []Lane
	Spools  []spool.Usage
}

// A Lane is the way of a section's sources into their bucket.
type Lane struct {
	Format  string
	Section string // of the config
	Bucket  string
	State   publish.LaneState
	Window  int // requests of live streams that may be in flight at once
}

// Facts returns the current facts, or false once Run has ended.
func (u *Uploader) Facts(ctx context.Context) (Facts, bool) {
	return ask(ctx, u, func(s *publish.Schedule, now time.Time) Facts {
		return Facts{Figures: u.figures(s, now), Streams: u.streams(s, now), Lanes: u.lanes(s), Spools: u.budget.Usage()}
	})
}

// lanes returns the lanes into the destinations of all sources. Sources of one format share one.
func (u *Uploader) lanes(s *publish.Schedule) (lanes []Lane) {
	var known []*Destination
	for _, src := range u.all() {
		if slices.Contains(known, src.dest) {
			continue
		}
		known = append(known, src.dest)
		lanes = append(lanes, Lane{src.layout.Format.String(), src.dest.Section, src.dest.Bucket,
			s.LaneTo(&src.dest.Destination), s.WindowTo(&src.dest.Destination)})
	}
	return lanes
}
