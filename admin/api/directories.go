package api

import (
	"context"
	"net/http"
	"time"
)

// Directories is the answer to GET /api/v1/directories.
type Directories struct {
	At          time.Time   `json:"at"`
	Directories []Directory `json:"directories"` // that are watched, by name
}

// A Directory is a watched directory.
type Directory struct {
	Directory string   `json:"directory"`
	Ready     bool     `json:"ready"`  // it is watched and scanned, and its file system answers
	Unseen    []Unseen `json:"unseen"` // what cannot be read of it, by name; at most 1,000
}

// Unseen is a directory, or the files in one, that cannot be read. What is below it may be a stream
// that no one knows of.
type Unseen struct {
	Directory string     `json:"directory"`
	Since     *time.Time `json:"since"`
	Why       string     `json:"why"`
}

// directories is GET /api/v1/directories.
func directories(d Daemon) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		all := Directories{At: time.Now().UTC(), Directories: d.Directories()}
		if all.Directories == nil {
			all.Directories = []Directory{}
		}
		for i := range all.Directories {
			if all.Directories[i].Unseen == nil {
				all.Directories[i].Unseen = []Unseen{}
			}
		}
		write(w, http.StatusOK, all)
	}
}

// Directories returns the watched directories, and what cannot be read of them.
func (c *Client) Directories(ctx context.Context) (d Directories, err error) {
	return d, c.get(ctx, "/api/v1/directories", &d)
}
