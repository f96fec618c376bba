package api

import (
	"time"

	"ems-sidecar/internal/history"
	"ems-sidecar/internal/paths"
)

// A Detail is the answer to GET /api/v1/streams/{id}.
type Detail struct {
	Stream
	Recent    []paths.Chunk   `json:"recent_chunks"` // the last ones, in the order of their closing
	Manifests []Manifest      `json:"manifests"`     // those that name its chunks
	Events    []history.Event `json:"events"`        // the last ones of the stream, oldest first
}

// A Manifest is what viewers have of one.
type Manifest struct {
	Name      string     `json:"name"` // of the file
	Key       string     `json:"key"`
	Set       bool       `json:"set"`          // it names other manifests only
	Published *time.Time `json:"published_at"` // null: it is not
	Sequence  uint64     `json:"sequence"`     // of the first segment that the published one names
	Last      uint64     `json:"last_sequence"`
	Segments  int        `json:"segments"` // how many it names
	Edge      string     `json:"edge_key"` // of the newest segment; empty: it names none
	Ended     bool       `json:"ended"`
	Waiting   *time.Time `json:"waiting_since"` // a version of it waits to be published; null: none does
	// Of a live HLS playlist: how often its stream started again, as players count it; how many of
	// these seams it lists; and until when a stream that stopped is waited for, null if it is not.
	Runs      uint64     `json:"runs"`
	Seams     int        `json:"seams"`
	ReturnsBy *time.Time `json:"returns_by"`
}

// Ended is the answer to POST /api/v1/streams/{id}/end.
type Ended struct {
	Playlists int `json:"playlists"` // that get their end; 0: none was live
}

// Plugins is the answer to GET /api/v1/plugins.
type Plugins struct {
	Plugins []string `json:"plugins"` // that are on, as in the config
	EMS     *EMS     `json:"ems"`     // null: the config does not need it
	Actions []Action `json:"actions"` // the last ones, oldest first
}

// EMS is whether the media server answers.
type EMS struct {
	API     string     `json:"api"` // the address of its API, without credentials
	Answers bool       `json:"answers"`
	Since   *time.Time `json:"since"` // it does, or does not; null: it was not asked yet
	Error   string     `json:"error,omitempty"`
}

// An Action is something that a plugin asked a server to do.
type Action struct {
	At       time.Time `json:"at"`
	Plugin   string    `json:"plugin"`
	API      string    `json:"api"`      // of the server that was asked, without credentials
	Function string    `json:"function"` // of the API
	Stream   string    `json:"stream,omitempty"`
	Done     bool      `json:"done"`
	Answer   string    `json:"answer"` // what the server made, or why it did not
	Took     float64   `json:"took_seconds"`
}
