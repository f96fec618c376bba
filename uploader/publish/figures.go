package publish

import (
	"slices"
	"time"

	"ems-sidecar/uploader/health"
)

// Figures are what a Schedule did since it was made, and what it has to do.
type Figures struct {
	Streams    int           // with files that are known
	Chunks     int64         // uploaded
	Manifests  int64         // published
	Bytes      int64         // uploaded
	Failures   int64         // of requests, of reading, of parsing
	Lost       int64         // chunks that can never be uploaded
	Unwritten  int64         // chunks that EMS names and did not write
	Skipped    int64         // chunks that rolled out of their playlist before their upload, where that is asked for
	Found      int64         // chunks that an earlier run had uploaded
	Conflicts  int64         // manifests that another writer publishes, too
	Unfinished int64         // recordings of which only part files are left, or stand still
	Deleted    int64         // objects, as their files were
	Queue      int           // chunks that wait for their upload
	Waiting    int           // manifests with a snapshot that is not published yet
	InFlight   int           // requests
	Names      int           // of files that are remembered
	LagP50     time.Duration // of the last minute: chunk closed to its manifest published, or until now
	LagP99     time.Duration
	Fare       Fare
}

// A Fare is how many streams are in each state, in the order of health.States.
type Fare [7]int

// Sum is the number of streams.
func (f Fare) Sum() (sum int) {
	for _, n := range f {
		sum += n
	}
	return sum
}

// Since returns what was counted since last, and what f has to do, as attributes of a log line.
func (f Figures) Since(last Figures) []any {
	attrs := []any{"streams", f.Fare.Sum()}
	for i, state := range health.States {
		attrs = append(attrs, state.String(), f.Fare[i])
	}
	return append(attrs, "chunks", f.Chunks-last.Chunks,
		"manifests", f.Manifests-last.Manifests, "bytes", f.Bytes-last.Bytes,
		"lag_p50", f.LagP50.Round(time.Millisecond), "lag_p99", f.LagP99.Round(time.Millisecond),
		"queue", f.Queue, "waiting_manifests", f.Waiting,
		"skipped", f.Skipped-last.Skipped, "failures", f.Failures-last.Failures,
		"lost", f.Lost-last.Lost, "unwritten", f.Unwritten-last.Unwritten,
		"unfinished", f.Unfinished-last.Unfinished, "deleted", f.Deleted-last.Deleted,
		"found", f.Found-last.Found, "conflicts", f.Conflicts-last.Conflicts)
}

// figures counts; its lags are those of the current minute.
type figures struct {
	chunks, manifests, bytes, failures, lost int64
	found, conflicts, deleted, unwritten     int64
	unfinished                               int64
	lags                                     []time.Duration
}

// streamFigures are those of one stream.
type streamFigures struct {
	chunks int64 // uploaded
	bytes  int64 // of those chunks
}

// add counts chunks that were uploaded, with so many bytes.
func (f *streamFigures) add(chunks, bytes int64) {
	f.chunks += chunks
	f.bytes += bytes
}

func (f *figures) lag(d time.Duration) {
	if len(f.lags) < maxLags {
		f.lags = append(f.lags, d)
	}
}

// lags returns the lags of the current minute: of the chunks that were published, and of those that
// should have been and are not.
func (s *Schedule) lags(now time.Time) []time.Duration {
	lags := slices.Clip(s.figures.lags)
	for _, st := range s.ring {
		if st.isWatched() {
			lags = append(lags, st.overdue(now)...)
		}
	}
	return lags
}

// overdue returns how long the chunks of st that viewers do not get have been late so far: one for each
// target duration since the oldest was closed, of the last minute.
func (st *stream) overdue(now time.Time) (lags []time.Duration) {
	v := &st.vitals
	oldest := v.ahead
	if held, _ := st.heldSince(now); oldest.IsZero() || !held.IsZero() && held.Before(oldest) {
		oldest = held
	}
	if oldest.IsZero() && (v.state == health.Failing || v.state == health.Lagging) {
		oldest = v.edge // its chunks cannot be seen
	}
	if oldest.IsZero() || v.state == health.Ended || v.state == health.Stale {
		return nil
	}
	target := max(st.targetOf(), time.Second)
	for late := now.Sub(oldest); late > target && time.Duration(len(lags))*target < time.Minute; late -= target {
		lags = append(lags, late)
	}
	return lags
}

// quantile returns the q-quantile of sorted, or 0 if it is empty.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// Figures returns the current figures.
func (s *Schedule) Figures(now time.Time) Figures {
	lags := slices.Sorted(slices.Values(s.lags(now)))
	f := Figures{
		Chunks: s.figures.chunks, Manifests: s.figures.manifests, Bytes: s.figures.bytes,
		Failures: s.figures.failures, Lost: s.figures.lost, Unwritten: s.figures.unwritten,
		Found: s.figures.found, Conflicts: s.figures.conflicts, Unfinished: s.figures.unfinished, Deleted: s.figures.deleted,
		InFlight: s.pools.inFlight[livePool] + s.pools.inFlight[bulkPool], Names: len(s.unnamed),
		LagP50: quantile(lags, 0.5), LagP99: quantile(lags, 0.99),
	}
	for _, src := range s.sources {
		f.Skipped += src.skipped
		f.Names += len(src.files)
	}
	for _, st := range s.ring {
		if st.files > 0 && st.sharing.state != shared {
			f.Streams++
		}
		if st.isWatched() {
			f.Fare[slices.Index(health.States, st.vitals.state)]++
		}
		f.Queue += st.queue()
		for _, m := range st.manifests {
			if len(m.waiting) > 0 {
				f.Waiting++
			}
		}
	}
	return f
}

// CountUnfinished counts a recording that EMS did not finish.
func (s *Schedule) CountUnfinished() { s.figures.unfinished++ }

// NextMinute begins the minute of which Figures tells the lags.
func (s *Schedule) NextMinute() { s.figures.lags = nil }
