package publish

import "time"

// A few PUTs of each store take many times as long as the others, and viewers wait for each. So a
// second request is sent, over another connection, when the first one takes longer than nearly all
// do. The one that loses may be applied later, also if it is cancelled. That does no harm where the
// key never gets other content. A late request of a manifest would bring back an old one (R3): it says
// what it replaces, so that the store refuses it when it is late. Where the store does not, both
// answers are waited for, and the next manifest is not sent before.

const (
	// raceFrom is which part of the PUTs takes less time than a first request has. The others are less
	// than the twentieth that may be raced, so that some are left when many are late at once.
	raceFrom = 0.96
	// earliestRace is the least that a first request has. No viewer would notice the difference.
	earliestRace = 50 * time.Millisecond
	// enoughPUTs is how many PUTs of about the size tell what is slow, and manyPUTs how many tell what
	// is slowest.
	enoughPUTs = 50
	manyPUTs   = 200
	// throttledTime is how long no request is raced after the bucket wanted fewer.
	throttledTime = 30 * time.Second

	// An attempt has timesAnswer as long as the part slowestFrom of all PUTs takes at most.
	timesAnswer = 3
	slowestFrom = 0.99
)

// The bounds of that. An attempt that is given up may be applied later, so it is not given up early.
// One that is never answered tells of an outage.
const (
	LeastAnswerTime = 2 * time.Second
	MostAnswerTime  = 10 * time.Second
)

// A Race is what became of an upload that may have a second request.
type Race uint8

// How a race ends.
const (
	NotRaced    Race = iota // there was one request
	FirstWins               // the first one was answered first
	SecondWins              // or the second one
	NeitherWins             // both failed
)

func (r Race) String() string { return [...]string{"", "first", "second", "none"}[r] }

// setTimes gives j, an upload of so many bytes, the times that the bucket's PUTs took lately. Only a
// chunk that never changes is raced, and a manifest.
func (l *lane) setTimes(j *Job, size int64, now time.Time) {
	j.AnswerTime = l.answerTime(size)
	if (j.Task == PutChunk && j.Immutable || j.Task == PutManifest) && !j.Source.bulk() {
		j.RaceAfter = l.raceAfter(size, now)
	}
}

// raceAfter returns how long the first request has for so many bytes, before a second one is sent; 0:
// there is none.
func (l *lane) raceAfter(size int64, now time.Time) time.Duration {
	if l.state != open || l.failures.count > 0 || now.Before(l.throttled.Add(throttledTime)) {
		return 0
	}
	d := l.latencies.of(size)
	if d.total < enoughPUTs {
		return 0
	}
	return max(earliestRace, d.quantile(raceFrom))
}

// answerTime returns how long an attempt to put so many bytes has, besides what they take on the
// way.
func (l *lane) answerTime(size int64) time.Duration {
	d := l.latencies.of(size)
	if d.total < manyPUTs {
		return LeastAnswerTime
	}
	return min(MostAnswerTime, max(LeastAnswerTime, timesAnswer*d.quantile(slowestFrom)))
}

// noteLatency learns from how an upload ended. It reports whether it tells how long one takes. One
// without an answer counts as well, since it took so long at least. But if one follows the other,
// the bucket is not slow: it is away.
func (l *lane) noteLatency(r Result, now time.Time) (known bool) {
	if r.Throttled {
		l.throttled = now
		l.window.throttled(now)
	}
	if r.asksOnly() || r.FileFailure != NoFileFailure || r.Took == 0 {
		return false
	}
	known = r.Failure == NoFailure || r.Failure == NoAnswer && !r.Throttled && l.failures.count == 0
	if known {
		l.latencies.of(r.Bytes).note(r.answered())
	}
	return known
}

// noteLatency learns from how r ended how many requests its bucket bears.
func (s *Schedule) noteLatency(r Result, now time.Time) {
	l := s.lane(r.file.src.dest)
	if l.noteLatency(r, now) && !r.file.src.bulk() {
		l.window.answered(r.Bytes, r.answered(), s.pools.workers[livePool], now)
	}
}
