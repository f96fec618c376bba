package writers

import (
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// A door sends what is put to the checker of its row.
type door struct {
	mu       sync.Mutex // guards checkers
	checkers map[string]*checker
}

func (d *door) admit(row string, c *checker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checkers[row] = c
}

func (d *door) before(q *s3test.Request, _ http.ResponseWriter) bool {
	row, _, _ := strings.Cut(q.Key, "/")
	d.mu.Lock()
	c := d.checkers[row]
	d.mu.Unlock()
	if c != nil {
		c.before(q)
	}
	return true
}

// Real writers write, and each manifest that reaches the bucket names only what is there, with the
// content that it means; in the end, the bucket has what the disk has, and ffprobe reads the same of
// both. The short form has the rows that differ the most.
func TestWriters(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	d := &door{checkers: map[string]*checker{}}
	proxy.Before = d.before
	rows := slices.Concat(withNeeds([]string{"ffmpeg"}, slices.Concat(ffmpegHLS, ffmpegDASH)),
		rtmpRows, gstreamerRows, docRows())
	var mu sync.Mutex // guards table
	var table []string
	t.Run("rows", func(t *testing.T) {
		for _, r := range rows {
			if !long.Or(r.short, true) {
				continue
			}
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				for _, needed := range append(r.needs, "ffprobe") {
					if _, err := exec.LookPath(needed); err != nil {
						if _, err := os.Stat(needed); err != nil {
							t.Skipf("%s is not installed", needed)
						}
					}
				}
				line := newBench(t, r, server, proxy, d).play()
				mu.Lock()
				defer mu.Unlock()
				table = append(table, line)
			})
		}
	})
	slices.Sort(table)
	t.Logf("| row | files | PUTs of manifests | rewritten | packets | result |\n|---|---|---|---|---|---|\n%s", strings.Join(table, "\n"))
}
