package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A family is a metric whose values are asked for at each scrape.
type family struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func newFamily(kind prometheus.ValueType, name, help string, labels []string) family {
	return family{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), kind}
}

func gauge(name, help string, labels ...string) family {
	return newFamily(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) family {
	return newFamily(prometheus.CounterValue, name, help, labels)
}

// Of each stream. The labels tell two streams of one name apart.
var (
	streamState = gauge("stream_state",
		"1 for the state that the stream is in, 0 for each other one.", "format", "root", "section", "stream", "state")
	chunkAge = gauge("stream_chunk_age_seconds",
		"Time since the newest chunk on the disk was closed.", "format", "root", "section", "stream")
	edgeAge = gauge("stream_edge_age_seconds",
		"Time since the newest chunk was closed that a published manifest names.", "format", "root", "section", "stream")
	targetDuration = gauge("stream_target_duration_seconds",
		"Target duration of the published manifest.", "format", "root", "section", "stream")
	streamLag = gauge("stream_lag_seconds",
		"Of the newest chunk: from its closing to the manifest that names it.", "format", "root", "section", "stream")
	streamBacklog = gauge("stream_backlog",
		"Chunks of the stream that wait for their upload.", "format", "root", "section", "stream")
	streamChunks = counter("stream_uploaded_chunks_total",
		"Chunks of the stream that were uploaded.", "format", "root", "section", "stream")
	streamBytes = counter("stream_uploaded_bytes_total",
		"Bytes of those chunks.", "format", "root", "section", "stream")
)

// Of all streams together.
var (
	streams = gauge("streams",
		"Streams in that state. Those that ended more than an hour ago do not count.", "format", "state")
	queue      = gauge("queue_chunks", "Chunks that wait for their upload.")
	waiting    = gauge("waiting_manifests", "Manifests of which a version waits to be published.")
	inFlight   = gauge("requests_in_flight", "Requests to the store that have no answer yet.")
	knownFiles = gauge("known_files", "Names of files that are remembered.")
	lost       = counter("chunks_lost_total", "Chunks that can never be uploaded: viewers miss them.")
	unwritten  = counter("chunks_unwritten_total", "Chunks that a manifest names and that were never written.")
	skipped    = counter("chunks_skipped_total",
		"Chunks that were left out because no playlist names them any more (backlog = skip).")
	found      = counter("chunks_found_total", "Chunks that an earlier run had uploaded.")
	failures   = counter("failures_total", "Failures of requests to the store, of reading and of parsing.")
	conflicts  = counter("manifest_conflicts_total", "Manifests that another host or directory publishes, too.")
	unfinished = counter("recordings_unfinished_total", "Recordings that were not finished.")
	deleted    = counter("objects_deleted_total", "Objects that were deleted, as their files were (delete = mirror).")
	laneState  = gauge("lane_state",
		"1 for the state of the way into the bucket, 0 for the others: open, silent (it does not answer), "+
			"or refused (it refuses all requests, or those of each stream).", "format", "section", "bucket", "state")
	laneWindow = gauge("lane_window",
		"Requests of live streams to the bucket that may be in flight at once: as many as it answers without delay, "+
			"and at most workers.", "format", "section", "bucket")
	spoolBytes = gauge("spool_bytes",
		"Bytes of deleted files that are kept for their upload, on the file system of that directory.", "root")
	spoolLimit = gauge("spool_limit_bytes",
		"Bytes of deleted files that may be kept there: beyond that, the oldest are lost.", "root")
)

// Of a watched directory.
var (
	rootReady = gauge("root_ready",
		"1 if the directory is watched and scanned, and its file system answers.", "root")
	rootDegraded = gauge("watcher_degraded",
		"1 if the kernel does not watch all of the directory, so that it is scanned again and again.", "root")
	watches   = gauge("watcher_watches", "Directories that the kernel watches.", "root")
	dirs      = gauge("watcher_directories", "Directories that are known below the watched one.", "root")
	files     = gauge("watcher_files", "Files that are known below the watched directory.", "root")
	overflows = counter("watcher_overflows_total",
		"Times that the kernel's queue of changes was full. Each led to a scan.", "root")
	refusals = counter("watcher_lease_refusals_total",
		"Looks at a file of which the kernel refused to tell whether it has a writer.", "root")
)

// Of the media server. They are absent if nothing needs it.
var (
	emsUp        = gauge("ems_api_up", "1 if the media server's API answered when it was last asked.")
	events       = counter("events_total", "Events of the media server that were received.", "type")
	eventsLost   = counter("events_lost_total", "Events that were meant for the daemon and never arrived.")
	idsMissing   = counter("event_ids_missing_total", "Ids of events that never arrived, for whatever sink they were.")
	duplicates   = counter("events_duplicate_total", "Events that arrived twice.")
	dropped      = counter("events_dropped_total", "Events for which there was no room.")
	refused      = counter("events_refused_total", "Requests to the event listener that were refused.")
	broken       = counter("events_broken_total", "Events that were not understood.")
	waitingBytes = gauge("events_waiting_bytes", "Bytes of events that wait.")
)

// Of the daemon.
var (
	buildInfo  = gauge("build_info", "1, with what this daemon is.", "version", "goversion")
	uploaderUp = gauge("uploader_up", "1 if the uploader answers within 2 s.")
	clock      = gauge("clock_timestamp_seconds", "The clock of the daemon's host.")
	troubles   = counter("troubles_total",
		"Troubles of that kind: its failures, and the beginnings of what lasts.", "kind")
	lasting = gauge("troubles_lasting", "Troubles of that kind that last now.", "kind")
)

// A page is what a scrape writes on.
type page chan<- prometheus.Metric

// put adds a value. The labels are in the order of the family's.
func (p page) put(f family, value float64, labels ...string) {
	for i := range labels { // EMS and publishers choose some of them
		labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
	}
	p <- prometheus.MustNewConstMetric(f.Desc, f.kind, value, labels...)
}

// one is 1 if it is true, as metrics say yes and no.
func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
