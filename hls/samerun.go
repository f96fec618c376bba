package hls

import "time"

// SameRun says whether it is proved that run is the run of which viewers have shown, although the two
// share no segment: the daemon was away, and the window has moved on. shown was published at
// published, and run's last segment was closed at closed.
//
// The proof is the pace. A run's numbers grow by one in each segment's duration: from what shown has to what
// run has, they must have grown by as much as time has passed; and the run, counted from number 0 or
// 1, must have begun before shown was published. If a clock jumped, or durations are not what they
// say, there is no proof.
func SameRun(shown, run *Playlist, published, closed time.Time) bool {
	if len(shown.Segments) == 0 || len(run.Segments) == 0 || shown.Ended {
		return false
	}
	before := int64(shown.Last()) - shown.Offset // the writer's numbers
	now := int64(run.Last())
	away := closed.Sub(published)
	average := duration(run.Segments) / time.Duration(len(run.Segments))
	if before < 0 || now <= before || away <= 0 || average <= 0 || now > int64(longest/average) {
		return false
	}
	margin := max(shown.TargetDuration, run.TargetDuration) + storeSecond + away/100
	began := closed.Add(-time.Duration(now) * average)
	grown := time.Duration(now-before) * average
	return began.Before(published.Add(-margin)) && (grown-away).Abs() <= margin
}

// storeSecond is how much earlier than it was a store may say that something was published: its times
// are whole seconds (RFC 9110, section 5.6.7).
const storeSecond = time.Second

// longest bounds how long a run may have lasted. Numbers that would take longer do not begin at 0 or
// 1, and tell nothing.
const longest = 366 * 24 * time.Hour
