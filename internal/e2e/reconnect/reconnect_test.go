// Package reconnect tests that a live stream does not end for its viewers while encoders, the media
// server, the daemon and the bucket come and go.
package reconnect

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/hlscheck"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

var reconnects = long.Int("reconnects", 20, 1000, "how often encoders of TestReconnects return")

const (
	window = time.Second // reconnect_window
	// What is applied late comes so long after its client gave up, at most.
	latest = 2 * time.Second
	// An old version that came late over a newer one is seen for so long, at most.
	mendTime = 10 * time.Second
)

// Encoders drop and return, the media server and the daemon are killed, and the bucket fails, at
// random. Each version that the bucket ever had follows the rules for live playlists, all that it
// lists is there, and in the end each stream ends with its last chunk.
func TestReconnects(t *testing.T) {
	t.Parallel()
	random := e2e.NewRandom(t)
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := t.TempDir()
	story := &chronicle{began: time.Now()}
	groups := newGroups(root, random, story)
	a := newAudience(t, server, groups, story)
	proxy.Before, proxy.After = a.before, a.after
	w := &weather{t: t, random: rand.New(rand.NewPCG(random.Uint64(), 0)), story: story, proxy: proxy, seen: a,
		counts: map[string]int{},
		command: func() (*exec.Cmd, string) {
			return e2e.SidecarCommand(t, root, proxy.Endpoint, nil, fmt.Sprintf("AmazonHLSUpload reconnect_window = %v", window),
				"AmazonHLSUpload delete = mirror", "AmazonHLSUpload delete_delay = 10s", "Upload drain_timeout = 500ms")
		}}
	w.launch()
	w.side.WaitForReady()

	stop, left := make(chan struct{}), make(chan struct{})
	var returned atomic.Int64
	var playing, blowing, watching sync.WaitGroup
	for _, g := range groups {
		playing.Go(func() {
			if err := g.play(stop, &returned); err != nil {
				t.Error(err)
			}
		})
	}
	a.crowd(left, &watching)
	e2e.Eventually(t, "a first version of each playlist", func() bool { return a.seenAll() || t.Failed() })
	blowing.Go(func() { w.blow(stop) })
	e2e.Within(t, time.Duration(reconnects())*2*time.Second+30*time.Second, "the encoders return", func() bool {
		return returned.Load() >= int64(reconnects()) || t.Failed()
	})
	close(stop)
	playing.Wait()
	blowing.Wait()
	proxy.Settle()
	e2e.Within(t, endTime, "each stream ends with its last chunk", func() bool { return t.Failed() || len(a.unfinished()) == 0 })
	if u := a.unfinished(); len(u) > 0 {
		t.Errorf("these do not end with their last chunk: %q", u)
	}
	close(left)
	watching.Wait()
	a.verify()
	if code := w.side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	versions, named := 0, 0
	for _, g := range groups {
		named += g.named
	}
	for _, s := range a.seats {
		versions += s.client.Versions()
	}
	t.Logf("%d returns in %.1f s; %d versions judged; %d of %d chunks were listed; %d setbacks, the longest %v; weather: %v; notes: %v",
		returned.Load(), time.Since(story.began).Seconds(), versions, len(a.listed), named, len(a.setbacks),
		slices.Max(append(a.setbacks, 0)), w.counts, a.notes)
}

// seenAll reports whether each playlist was seen.
func (a *audience) seenAll() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.seats {
		if s.client.Playlist() == nil {
			return false
		}
	}
	return true
}

// endTime is how long the end of a stream may take: the window, a target duration, and what requests
// without an answer need.
const endTime = window + 15*time.Second

// unfinished returns the playlists that do not end with the last chunk of the last run.
func (a *audience) unfinished() (keys []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, s := range a.seats {
		p := s.client.Playlist()
		if p == nil || !p.Ended || !s.back.IsZero() || p.Segments[len(p.Segments)-1].URI != s.group.newest(path.Dir(key)) {
			keys = append(keys, key)
		}
	}
	return keys
}

// brief describes a version in a line.
func brief(p *hlscheck.Playlist) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d to %d, seam %d, %v:", p.Sequence, p.Sequence+uint64(len(p.Segments))-1, p.Seam, p.Target)
	for i, s := range p.Segments {
		switch {
		case s.Seams > 0:
			b.WriteString(" | ")
		case i > 0 && runOf(p.Segments[i-1].URI) == runOf(s.URI):
			b.WriteString(".")
			if i < len(p.Segments)-1 {
				continue
			}
		}
		run, number := parts(s.URI)
		b.WriteString(run + "_" + number)
		if s.Gap {
			b.WriteString("!")
		}
	}
	if p.Ended {
		b.WriteString(" end")
	}
	return b.String()
}
