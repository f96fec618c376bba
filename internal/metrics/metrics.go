// Package metrics shows what the daemon does to Prometheus. What is counted as it happens, such as
// the time of a PUT, is counted here. Everything else is asked for once for each scrape. The package
// knows neither the store nor the media server: the daemon gives it facts.
package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

// namespace is what all names begin with.
const namespace = "ems_sidecar"

// Settings configure Metrics.
type Settings struct {
	Version string
	Formats []media.Format // that are published: the counters of their uploads begin at 0
	Plugins []string       // that are on: the counters of their actions begin at 0
	// StreamLabel gives each stream series of its own. Without it, streams are only counted.
	StreamLabel bool
	Facts       Source
	Trouble     *trouble.Reporter // is told what cannot be shown
}

// Metrics are those of one daemon. Their methods may be called from any goroutine.
type Metrics struct {
	settings Settings
	registry *prometheus.Registry
	scrape   *scrape
	uploads  uploads
	actions  *prometheus.CounterVec
	reloads  reloads
	handler  http.Handler
}

// New returns Metrics that have counted nothing yet.
func New(s Settings) *Metrics {
	m := &Metrics{
		settings: s, registry: prometheus.NewRegistry(), uploads: newUploads(s.Formats),
		actions: newActions(s.Plugins), reloads: newReloads(),
		scrape: &scrape{source: s.Facts, version: s.Version, streamLabel: s.StreamLabel, mostStreams: maxStreams},
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.scrape, m.uploads.count, m.uploads.bytes, m.uploads.took, m.uploads.lag, m.uploads.races,
		m.actions, m.reloads.count, m.reloads.successful, m.reloads.succeededAt,
	)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: complaints{s.Trouble}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes, EnableOpenMetrics: true,
	})
	return m
}

// maxScrapes is how many scrapes are answered at once. One of 1,000 streams takes some 8 MB.
const maxScrapes = 3

// notShown is trouble with a scrape: the rest of it is shown.
var notShown = trouble.Failure{
	Kind: "metrics_not_shown", Level: slog.LevelWarn, Message: "metrics cannot be shown",
}

// ServeHTTP answers a scrape. With OpenMetrics, histograms have exemplars.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.handler.ServeHTTP(w, r)
}

// complaints are what promhttp logs.
type complaints struct{ *trouble.Reporter }

func (c complaints) Println(v ...any) {
	c.Report(notShown, trouble.At{}, "err", fmt.Sprint(v...), "next", "other metrics are shown")
}

func newActions(plugins []string) *prometheus.CounterVec {
	actions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "actions_total",
		Help: "What plugins asked media servers to do: done, or failed.",
	}, []string{"plugin", "result"})
	for _, plugin := range plugins {
		for _, done := range []bool{true, false} {
			actions.WithLabelValues(plugin, actionResult(done))
		}
	}
	return actions
}

func actionResult(done bool) string {
	if done {
		return "done"
	}
	return "failed"
}

// Acted counts what a plugin asked a media server to do, and whether that did it.
func (m *Metrics) Acted(plugin string, done bool) {
	m.actions.WithLabelValues(plugin, actionResult(done)).Inc()
}

// A reloads counts how often the config was read again.
type reloads struct {
	count                   *prometheus.CounterVec
	successful, succeededAt prometheus.Gauge
}

func newReloads() reloads {
	r := reloads{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "config_reloads_total",
			Help: "Times that the config was read again: applied, or refused because of mistakes.",
		}, []string{"result"}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "config_last_reload_successful",
			Help: "1 if the config was applied when it was read last, 0 if it was refused.",
		}),
		succeededAt: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "config_last_reload_success_timestamp_seconds",
			Help: "When the config that is in use was read.",
		}),
	}
	for _, result := range []string{"applied", "refused"} {
		r.count.WithLabelValues(result)
	}
	r.successful.Set(1) // that of the start
	r.succeededAt.SetToCurrentTime()
	return r
}

// Reloaded counts that the config was read again at a time, and whether it was applied.
func (m *Metrics) Reloaded(applied bool, at time.Time) {
	if !applied {
		m.reloads.count.WithLabelValues("refused").Inc()
		m.reloads.successful.Set(0)
		return
	}
	m.reloads.count.WithLabelValues("applied").Inc()
	m.reloads.successful.Set(1)
	m.reloads.succeededAt.Set(float64(at.UnixNano()) / 1e9)
}
