package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// Uploads are counted as they happen.
type uploads struct {
	count *prometheus.CounterVec
	bytes *prometheus.CounterVec
	took  *prometheus.HistogramVec
	lag   *prometheus.HistogramVec
	races *prometheus.CounterVec
}

// buckets are those of the classic histograms, in seconds: from a store in the same room to an
// upload that no viewer waits for any more.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Of the native histograms, each bucket is at most a tenth wider than the one before. There are at
// most so many. Beyond that, a histogram begins again, or its buckets get wider.
const (
	nativeFactor   = 1.1
	nativeBuckets  = 160
	nativeMinReset = time.Hour
)

// ok is the result of an upload that went well.
const ok = "ok"

// results are those that the counters begin with at 0, so that the first of its kind is an increase.
var results = []string{ok, failed(publish.NoAnswer.String()), failed(publish.Refused.String()),
	failed(publish.BucketRefused.String()), failed(publish.FileChanged.String()), failed(publish.FileUnreadable.String())}

// failed is the result of an upload that failed: one of the few texts of publish.Step.
func failed(why string) string { return strings.ReplaceAll(why, " ", "_") }

func newUploads(formats []media.Format) uploads {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets,
			NativeHistogramMinResetDuration: nativeMinReset,
		}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	u := uploads{
		races: counter("raced_uploads_total",
			"Uploads of which a second request was sent, by which request was answered first.", "format", "winner"),
		count: counter("uploads_total", "Attempts to upload a file, by how they ended.", "format", "kind", "result"),
		bytes: counter("uploaded_bytes_total", "Bytes of the files that were uploaded.", "format", "kind"),
		took: histogram("put_duration_seconds",
			"Of an upload that went well: from the beginning of the request to the store's answer.", "format", "kind"),
		lag: histogram("chunk_lag_seconds",
			"Of a chunk: from its closing to the answer to the first manifest that names it.", "format"),
	}
	for _, format := range formats {
		kinds, name := []publish.FileKind{publish.KindChunk, publish.KindInit, publish.KindManifest}, format.String()
		if format.IsRecorded() {
			kinds = []publish.FileKind{publish.KindRecording}
		} else {
			u.lag.WithLabelValues(name)
			for _, winner := range []publish.Race{publish.FirstWins, publish.SecondWins, publish.NeitherWins} {
				u.races.WithLabelValues(name, winner.String())
			}
		}
		for _, kind := range kinds {
			for _, result := range results {
				u.count.WithLabelValues(name, kind.String(), result)
			}
			u.bytes.WithLabelValues(name, kind.String())
			u.took.WithLabelValues(name, kind.String())
		}
	}
	return u
}

// Observe counts a step of a file on its way into the bucket.
func (m *Metrics) Observe(s publish.Step) {
	kind := s.Kind.String()
	if s.Race != publish.NotRaced {
		m.uploads.races.WithLabelValues(s.Format, s.Race.String()).Inc()
	}
	switch s.Stage {
	case publish.StageSent:
		m.uploads.count.WithLabelValues(s.Format, kind, ok).Inc()
		m.uploads.bytes.WithLabelValues(s.Format, kind).Add(float64(s.Bytes))
		observe(m.uploads.took.WithLabelValues(s.Format, kind), s.Took, s.Key)
	case publish.StageFailed:
		m.uploads.count.WithLabelValues(s.Format, kind, failed(s.Why)).Inc()
	case publish.StageListed:
		if s.Lag > 0 { // else it was uploaded by an earlier run
			observe(m.uploads.lag.WithLabelValues(s.Format), s.Lag, s.Key)
		}
	}
}

// observe adds a duration to a histogram, with the key as an example.
func observe(h prometheus.Observer, d time.Duration, key string) {
	h.(prometheus.ExemplarObserver).ObserveWithExemplar(d.Seconds(), prometheus.Labels{"key": ending(key, maxExemplar)})
}

// ending returns the last n characters of s: those of a key tell most.
func ending(s string, n int) string {
	characters := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(characters) <= n {
		return string(characters)
	}
	return "…" + string(characters[len(characters)-n+1:])
}
