package metrics

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
)

// A series is one value of a stream. A thousand streams have 15,000 of them: their labels are made
// once for each stream, in the order that Prometheus' library wants.
type series struct {
	family
	labels []*dto.LabelPair
	value  float64
}

// Desc returns the family's.
func (s *series) Desc() *prometheus.Desc { return s.family.Desc }

// Write fills out.
func (s *series) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.kind == prometheus.CounterValue {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

// A labelled is a stream with its labels.
type labelled struct {
	uploader.Stream
	format, root, section, stream *dto.LabelPair
	all                           []*dto.LabelPair
}

func pair(name, value string) *dto.LabelPair {
	value = strings.ToValidUTF8(value, "\uFFFD") // publishers choose some of them
	return &dto.LabelPair{Name: &name, Value: &value}
}

// label gives streams their labels, and sorts them by these.
func label(all []uploader.Stream) []labelled {
	out := make([]labelled, len(all))
	for i, s := range all {
		l := labelled{Stream: s,
			format: pair("format", s.Format), root: pair("root", s.Root),
			section: pair("section", s.Section), stream: pair("stream", s.Shown)}
		l.all = []*dto.LabelPair{l.format, l.root, l.section, l.stream}
		out[i] = l
	}
	slices.SortFunc(out, func(a, b labelled) int {
		return cmp.Or(cmp.Compare(*a.format.Value, *b.format.Value), cmp.Compare(*a.root.Value, *b.root.Value),
			cmp.Compare(*a.stream.Value, *b.stream.Value))
	})
	return out
}

// streams writes the series of each stream, one family after the other: Prometheus' library sorts
// them, which costs little if they are sorted.
func (p page) streams(of []uploader.Stream, now time.Time) {
	all := label(of)
	for _, state := range slices.Sorted(slices.Values(states())) {
		named := pair("state", state)
		for _, s := range all {
			labels := []*dto.LabelPair{s.format, s.root, s.section, named, s.stream}
			p <- &series{streamState, labels, one(s.State.String() == state)}
		}
	}
	each := func(f family, known func(*labelled) bool, value func(*labelled) float64) {
		for i := range all {
			if s := &all[i]; known(s) {
				p <- &series{f, s.all, value(s)}
			}
		}
	}
	always := func(*labelled) bool { return true }
	each(chunkAge, func(s *labelled) bool { return !s.Chunk.IsZero() },
		func(s *labelled) float64 { return now.Sub(s.Chunk).Seconds() })
	each(edgeAge, func(s *labelled) bool { return !s.Edge.IsZero() },
		func(s *labelled) float64 { return now.Sub(s.Edge).Seconds() })
	each(targetDuration, func(s *labelled) bool { return s.Target > 0 },
		func(s *labelled) float64 { return s.Target.Seconds() })
	each(streamLag, func(s *labelled) bool { return s.Lag > 0 }, func(s *labelled) float64 { return s.Lag.Seconds() })
	each(streamBacklog, always, func(s *labelled) float64 { return float64(s.Backlog) })
	each(streamChunks, always, func(s *labelled) float64 { return float64(s.Chunks) })
	each(streamBytes, always, func(s *labelled) float64 { return float64(s.Bytes) })
}

// states returns the names of all states of a stream.
func states() (names []string) {
	for _, s := range health.States {
		names = append(names, s.String())
	}
	return names
}
