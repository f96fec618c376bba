package publish

import (
	"slices"
	"time"
)

// Figures are what a Schedule did since it was made, and what it has to do.
type Figures struct {
	Streams    int           // directories with files that are known
	Live       int           // of them, those that published within the last minute
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
	LagP50     time.Duration // of the last minute: chunk closed to its manifest published
	LagP99     time.Duration
}

// Since returns what was counted since last, and what f has to do, as attributes of a log line.
func (f Figures) Since(last Figures) []any {
	return []any{
		"streams", f.Live, "chunks", f.Chunks - last.Chunks,
		"manifests", f.Manifests - last.Manifests, "bytes", f.Bytes - last.Bytes,
		"lag_p50", f.LagP50.Round(time.Millisecond), "lag_p99", f.LagP99.Round(time.Millisecond),
		"queue", f.Queue, "waiting_manifests", f.Waiting,
		"skipped", f.Skipped - last.Skipped, "failures", f.Failures - last.Failures,
		"lost", f.Lost - last.Lost, "unwritten", f.Unwritten - last.Unwritten,
		"unfinished", f.Unfinished - last.Unfinished, "deleted", f.Deleted - last.Deleted,
		"found", f.Found - last.Found, "conflicts", f.Conflicts - last.Conflicts,
	}
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
	published time.Time // when a manifest last was; zero: never
	chunks    int64     // uploaded
	bytes     int64     // of those chunks
}

func (f *figures) lag(d time.Duration) {
	if len(f.lags) < maxLags {
		f.lags = append(f.lags, d)
	}
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
	lags := slices.Sorted(slices.Values(s.figures.lags))
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
		if st.files > 0 {
			f.Streams++
		}
		if !st.figures.published.IsZero() && now.Sub(st.figures.published) < time.Minute {
			f.Live++
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
