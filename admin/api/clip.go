package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// A ClipRequest is the body of POST /api/v1/streams/{id}/clips.
type ClipRequest struct {
	From string `json:"from"`           // RFC 3339, or how long ago, such as -10m
	To   string `json:"to,omitempty"`   // as From; empty: now
	Name string `json:"name,omitempty"` // of the clip; empty: its times
}

// A Clip is the answer to POST /api/v1/streams/{id}/clips.
type Clip struct {
	Name     string    `json:"name"`
	Bucket   string    `json:"bucket"`
	Key      string    `json:"key"`  // of its playlist
	From     time.Time `json:"from"` // when its first segment began
	To       time.Time `json:"to"`   // when its last segment ended
	Segments int       `json:"segments"`
	Seams    int       `json:"seams"` // where one segment does not follow from the other
}

// A Refusal says why a request is not carried out.
type Refusal struct {
	Status int // of HTTP
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

// maxRequest bounds the body of a request, in bytes.
const maxRequest = 4 << 10

// clip serves POST /api/v1/streams/{id}/clips.
func clip(d Daemon) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request ClipRequest
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&request); err != nil {
			write(w, http.StatusBadRequest, Problem{"the body must be JSON with from, to and name: " + err.Error()})
			return
		}
		made, err := d.Clip(r.Context(), r.PathValue("id"), request)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			write(w, refusal.Status, Problem{refusal.Text})
		case err != nil:
			write(w, http.StatusBadGateway, Problem{err.Error()})
		default:
			write(w, http.StatusCreated, made)
		}
	}
}
