package reconnect

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/hlscheck"
	"ems-sidecar/internal/s3test"
)

// An audience sees each version of each Media Playlist that the bucket has, and lets a strict client
// judge it.
//
// No one can prevent that a store applies a request after its client gave up, over a newer version.
// A version that comes so is a setback: it is not judged, but must be replaced soon.
type audience struct {
	t      *testing.T
	server *s3test.Server
	story  *chronicle

	mu       sync.Mutex // guards what follows
	seats    map[string]*seat
	arrivals int // PUTs of playlists
	listed   map[string]bool
	setbacks []time.Duration
	notes    map[hlscheck.Rule]int
	blamed   int
}

// A seat is of one playlist.
type seat struct {
	key    string
	group  *group
	judge  *hlscheck.Group
	client *hlscheck.Client
	sent   map[[sha256.Size]byte]int // the newest arrival of each version
	newest int                       // arrival of the newest version that was seen
	found  os.FileInfo               // the object as it was seen last
	back   time.Time                 // since when there is a setback; zero if there is none
	whole  string                    // the newest version, for the reader of a finding
}

func newAudience(t *testing.T, server *s3test.Server, groups []*group, story *chronicle) *audience {
	a := &audience{t: t, server: server, story: story, seats: map[string]*seat{}, listed: map[string]bool{},
		notes: map[hlscheck.Rule]int{}}
	for _, g := range groups {
		judge := &hlscheck.Group{Content: parts}
		for _, key := range g.playlists() {
			client := &hlscheck.Client{Name: key, AfterEnd: 1,
				Exists: func(uri string) bool {
					_, err := os.Stat(filepath.Join(server.Dir, path.Dir(key), uri))
					return err == nil
				}}
			a.seats[key] = &seat{key: key, group: g, judge: judge, client: client, sent: map[[sha256.Size]byte]int{}}
		}
	}
	return a
}

// before sees a request on its way to the bucket.
func (a *audience) before(q *s3test.Request, _ http.ResponseWriter) bool {
	s := a.seats[q.Key]
	if s == nil || q.Method != http.MethodPut || int64(len(q.Body)) != q.Length {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.arrivals++
	s.sent[sha256.Sum256(q.Body)] = a.arrivals
	a.timely(s, q.Body)
	return true
}

// timely judges when an end is sent: not before the window has passed since the run ended.
func (a *audience) timely(s *seat, body []byte) {
	p, _ := hlscheck.Parse(body)
	if !p.Ended || len(p.Segments) == 0 {
		return
	}
	run := runOf(p.Segments[len(p.Segments)-1].URI)
	if ended := s.group.endOf(run); ended.IsZero() || time.Since(ended) < window {
		a.blame(s, "the end of run %s is sent %v after the run, and the window is %v:\n%s", run, time.Since(ended), window, body)
	}
}

// after sees a request that the bucket has answered.
func (a *audience) after(q *s3test.Request) {
	if s := a.seats[q.Key]; s != nil && q.Method == http.MethodPut {
		a.look(s)
	}
}

// look sees what the bucket has.
func (a *audience) look(s *seat) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := filepath.Join(a.server.Dir, filepath.FromSlash(s.key))
	found, err := os.Stat(name)
	if err == nil && s.found != nil && os.SameFile(found, s.found) && found.ModTime().Equal(s.found.ModTime()) {
		return
	}
	content, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.found == nil:
		return
	case err != nil:
		a.blame(s, "it cannot be read: %v", err)
		return
	}
	s.found = found
	arrival := s.sent[sha256.Sum256(content)]
	switch {
	case arrival == 0:
		a.blame(s, "the bucket has a version that was not sent:\n%s", content)
		return
	case arrival < s.newest:
		if s.back.IsZero() {
			s.back = time.Now()
		}
		a.story.note(path.Dir(s.key), "the bucket goes back: arrival %d after %d", arrival, s.newest)
		return
	}
	a.forward(s)
	s.newest = arrival
	a.see(s, content)
}

// forward ends a setback.
func (a *audience) forward(s *seat) {
	if !s.back.IsZero() {
		a.setbacks = append(a.setbacks, time.Since(s.back))
		s.back = time.Time{}
	}
}

// see judges a version.
func (a *audience) see(s *seat, content []byte) {
	if s.client.Same(content) {
		return
	}
	s.client.AfterSilence = window // whatever kept the daemon from publishing, viewers have left by then
	if s.outlived(content) {
		s.client.AfterSilence = 1
	}
	found := s.client.See(time.Now(), content)
	found = append(found, s.judge.See(s.client)...)
	p := s.client.Playlist()
	a.story.note(path.Dir(s.key), "the bucket has %s", brief(p))
	for _, segment := range p.Segments {
		a.listed[path.Join(path.Dir(s.key), segment.URI)] = true
		if want := ivOf(segment.URI); segment.IV() != "" && segment.IV() != want {
			a.blame(s, "%s was encrypted with the IV %s, and players use %s", segment.URI, want, segment.IV())
		}
	}
	for _, f := range found {
		if f.Note {
			a.notes[f.Rule]++
			continue
		}
		a.blame(s, "%v\nit was:\n%s\nit is:\n%s", f, s.whole, content)
	}
	s.whole = string(content)
}

// outlived reports whether the run that a version begins with began after the window of the last one:
// if the media server was killed and wrote no end, viewers have left.
func (s *seat) outlived(content []byte) bool {
	old := s.client.Playlist()
	p, _ := hlscheck.Parse(content)
	if old == nil || len(old.Segments) == 0 || len(p.Segments) == 0 {
		return false
	}
	ended := s.group.endOf(runOf(old.Segments[len(old.Segments)-1].URI))
	began, err := strconv.ParseInt(runOf(p.Segments[0].URI), 10, 64)
	return err == nil && !ended.IsZero() && time.UnixMilli(began).Sub(ended) > window
}

// setBack reports whether the bucket has an older version of a playlist than it had.
func (a *audience) setBack() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.seats {
		if !s.back.IsZero() {
			return true
		}
	}
	return false
}

// verify looks at all playlists, and fetches all that viewers may still ask for.
func (a *audience) verify() {
	for _, s := range a.seats {
		a.look(s)
		a.mu.Lock()
		if !s.back.IsZero() && time.Since(s.back) > mendTime {
			a.blame(s, "it went back %v ago", time.Since(s.back))
		}
		for _, f := range s.client.Verify(time.Now()) {
			a.blame(s, "%v", f)
		}
		a.mu.Unlock()
	}
}

// most is how many findings are reported: one fault has many.
const most = 5

func (a *audience) blame(s *seat, format string, args ...any) {
	a.t.Helper()
	a.t.Fail()
	if a.blamed++; a.blamed <= most {
		a.t.Errorf("%s: "+format+"\nwhat happened before:\n%s", append(append([]any{s.key}, args...), a.story.last(40, path.Dir(s.key)))...)
	}
}
