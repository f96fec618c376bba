// Package api is the HTTP API of the daemon, /api/v1: what the status page and the command "status"
// show, and what other tools may read and order. openapi.yaml describes it.
package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/history"
	"ems-sidecar/uploader/health"
)

// description is what this API is, for people and tools.
//
//go:embed openapi.yaml
var description []byte

// A Stream is how one stream fares.
type Stream struct {
	ID       string       `json:"id"`     // of the stream in this API: its section, and its key
	Stream   string       `json:"stream"` // its directory below the root, or the root; see Directory
	Group    string       `json:"group,omitempty"`
	Name     string       `json:"name"`
	Section  string       `json:"section"` // of the config, as it is written there
	Format   string       `json:"format"`
	Root     string       `json:"root"` // the watched directory
	Bucket   string       `json:"bucket"`
	Key      string       `json:"key"` // what the keys of its objects begin with
	State    health.State `json:"state"`
	Since    time.Time    `json:"since"`         // when it entered that state
	Why      string       `json:"why,omitempty"` // it is in that state
	Chunk    *time.Time   `json:"chunk_at"`      // when its newest chunk on the disk was closed; null: there is none
	Edge     *time.Time   `json:"edge_at"`       // of the newest chunk that viewers know of; null: they know of none
	Target   float64      `json:"target_seconds"`
	Lag      float64      `json:"lag_seconds"` // of the newest chunk: from its closing to the manifest that names it
	Sequence uint64       `json:"sequence"`    // of the newest segment that is published
	Segments int          `json:"segments"`    // that the published manifest names
	Backlog  int          `json:"backlog"`     // chunks that wait for their upload
	Chunks   int64        `json:"chunks"`      // uploaded since the daemon was started
	Bytes    int64        `json:"bytes"`       // uploaded since the daemon was started
	Failure  string       `json:"failure,omitempty"`
	FailedAt *time.Time   `json:"failed_at"` // when the last request or reading failed; null: none has
	// LagHistory is the worst lag of each ten seconds of the last ten minutes, in seconds, the current
	// ones last; null where no chunk was listed. Changes do not have it.
	LagHistory []*float64 `json:"lag_history,omitempty"`
	// Directory is that of the stream, below the root, if it has others, too; else it is empty. The name of
	// the stream's playlist is then the last part of Stream.
	Directory string `json:"directory,omitempty"`
}

// Streams is the answer to GET /api/v1/streams.
type Streams struct {
	At      time.Time `json:"at"`
	Streams []Stream  `json:"streams"` // the worst first, and then by name
}

// Events is the answer to GET /api/v1/events.
type Events struct {
	Events []history.Event `json:"events"` // oldest first
	Next   uint64          `json:"next"`   // what to ask for with since= next
}

// Version is the answer to GET /api/v1/version.
type Version struct {
	Version string    `json:"version"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Reloads Reloads   `json:"reloads"`
}

// Reloads are the reloads of the config since the start.
type Reloads struct {
	OK      uint64     `json:"ok"`
	Failed  uint64     `json:"failed"`
	At      *time.Time `json:"last_at"`           // null: there was none
	Failure string     `json:"failure,omitempty"` // of the last one
}

// Config is the answer to GET /api/v1/config. It has no secret.
type Config struct {
	File     string           `json:"file"`
	Settings []config.Setting `json:"settings"` // of all sections that are in use, by section
}

// A Problem is the answer where something is wrong.
type Problem struct {
	Error string `json:"error"`
}

// A Daemon is asked by the handlers. Its methods are called from several goroutines at once.
type Daemon interface {
	// Streams returns how the streams fare, the worst first, or false if the uploader does not
	// answer.
	Streams(ctx context.Context) ([]Stream, bool)
	// Stream returns one stream. found is false if there is none with this id, and ok if the uploader
	// does not answer.
	Stream(ctx context.Context, id string) (d Detail, found, ok bool)
	// EndStream ends the live playlists of a stream, and returns how many that are. found and ok are as
	// for Stream.
	EndStream(ctx context.Context, id string) (n int, found, ok bool)
	LagHistory(of Stream) []*float64
	Directories() []Directory
	Plugins() Plugins
	Events(since uint64) ([]history.Event, <-chan struct{})
	Version() Version
	// Config returns the settings that hold.
	Config() Config
	// Clip makes a clip of the stream with this id. The error is a Refusal if the request is wrong,
	// else it is about the bucket.
	Clip(ctx context.Context, id string, r ClipRequest) (Clip, error)
}

const (
	// answerTimeout is how long the uploader may take to answer.
	answerTimeout = 2 * time.Second
	// maxEvents is how many events one answer has at most.
	maxEvents = 1000
)

// Register adds the handlers of the API to mux.
func Register(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /api/v1/streams", func(w http.ResponseWriter, r *http.Request) {
		streams, ok := ask(r, d)
		if !ok {
			write(w, http.StatusServiceUnavailable, Problem{"the uploader does not answer"})
			return
		}
		if streams == nil {
			streams = []Stream{}
		}
		for i := range streams {
			streams[i].LagHistory = d.LagHistory(streams[i])
		}
		write(w, http.StatusOK, Streams{At: time.Now().UTC(), Streams: streams})
	})
	mux.HandleFunc("GET /api/v1/streams/{id...}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		switch detail, found, ok := d.Stream(ctx, r.PathValue("id")); {
		case !ok:
			write(w, http.StatusServiceUnavailable, Problem{"the uploader does not answer"})
		case !found:
			write(w, http.StatusNotFound, Problem{"no stream has this id; /api/v1/streams lists all"})
		default:
			write(w, http.StatusOK, detail)
		}
	})
	mux.HandleFunc("POST /api/v1/streams/{id}/end", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		switch n, found, ok := d.EndStream(ctx, r.PathValue("id")); {
		case !ok:
			write(w, http.StatusServiceUnavailable, Problem{"the uploader does not answer"})
		case !found:
			write(w, http.StatusNotFound, Problem{"no stream has this id; /api/v1/streams lists all"})
		default:
			write(w, http.StatusOK, Ended{Playlists: n})
		}
	})
	mux.HandleFunc("POST /api/v1/streams/{id}/clips", clip(d))
	mux.HandleFunc("GET /api/v1/directories", directories(d))
	mux.HandleFunc("GET /api/v1/plugins", func(w http.ResponseWriter, _ *http.Request) {
		p := d.Plugins()
		if p.Plugins == nil {
			p.Plugins = []string{}
		}
		if p.Actions == nil {
			p.Actions = []Action{}
		}
		write(w, http.StatusOK, p)
	})
	mux.HandleFunc("GET /api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		since, err := strconv.ParseUint(r.FormValue("since"), 10, 64)
		if err != nil && r.FormValue("since") != "" {
			write(w, http.StatusBadRequest, Problem{"since must be the id of an event, a number"})
			return
		}
		all, _ := d.Events(since)
		e := Events{Events: all[:min(len(all), maxEvents)], Next: since}
		if n := len(e.Events); n > 0 {
			e.Next = e.Events[n-1].ID
		}
		if e.Events == nil {
			e.Events = []history.Event{}
		}
		write(w, http.StatusOK, e)
	})
	mux.HandleFunc("GET /api/v1/changes", newFeed(d).serve)
	mux.HandleFunc("GET /api/v1/version", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, d.Version())
	})
	mux.HandleFunc("GET /api/v1/config", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, d.Config())
	})
	mux.HandleFunc("GET /api/v1/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml") // RFC 9512
		_, _ = w.Write(description)                        // the client may be gone
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, Problem{"the API has no such resource, or not with this method"})
	})
}

func ask(r *http.Request, d Daemon) ([]Stream, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	return d.Streams(ctx)
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}
