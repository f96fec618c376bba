package reconnect

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
)

const (
	// Chunks are short, so that many runs fit into little time. Playlists have as many of them as
	// three target durations, which are whole seconds, need.
	chunk = 300 * time.Millisecond
	list  = 12
	// Of a stream whose target duration grows to 2 s.
	longChunk = 1100 * time.Millisecond
	longList  = 24
	// A first run is so long that all variants of a group have it.
	firstChunks = 8
)

// A group is a set of streams that one encoder feeds. Its runs begin and end together, except for the
// chunks that are being written then.
type group struct {
	name    string
	streams []*emswriter.HLS
	keyed   bool
	mapped  bool // fMP4: chunks need an init segment
	grows   bool
	random  *rand.Rand
	story   *chronicle

	mu    sync.Mutex           // guards what follows
	runs  map[string]int       // by the time in the chunks' names
	ended map[string]time.Time // when the writing of a run ended
	last  map[string]string    // by directory: the newest chunk that a playlist on the disk named
	named int                  // chunks that a playlist on the disk named
}

// newGroups returns groups of all kinds below root, which do not write yet.
func newGroups(root string, random *rand.Rand, story *chronicle) (groups []*group) {
	add := func(name string, dirs []string, change func(g *group, h *emswriter.HLS)) {
		g := &group{name: name, story: story, random: rand.New(rand.NewPCG(random.Uint64(), 0)), runs: map[string]int{},
			ended: map[string]time.Time{}, last: map[string]string{}}
		for _, dir := range dirs {
			h := &emswriter.HLS{Dir: filepath.Join(root, name, dir), List: list, Target: chunk}
			change(g, h)
			g.streams = append(g.streams, h)
		}
		groups = append(groups, g)
	}
	add("rolling", []string{"live"}, func(*group, *emswriter.HLS) {})
	add("appending", []string{"live"}, func(_ *group, h *emswriter.HLS) { h.Appending = true })
	add("keys", []string{"live"}, func(g *group, _ *emswriter.HLS) { g.keyed = true })
	add("fmp4", []string{"live"}, func(g *group, _ *emswriter.HLS) { g.mapped = true })
	add("growing", []string{"live"}, func(g *group, h *emswriter.HLS) { g.grows, h.List = true, longList })
	add("variants", []string{"high", "low", "audio"}, func(*group, *emswriter.HLS) {})
	return groups
}

// directory returns a stream's directory below the root.
func (g *group) directory(h *emswriter.HLS) string { return g.name + "/" + filepath.Base(h.Dir) }

// playlists returns the keys of the Media Playlists.
func (g *group) playlists() (keys []string) {
	for _, h := range g.streams {
		keys = append(keys, g.directory(h)+"/playlist.m3u8")
	}
	return keys
}

// An ending is how a run ends.
type ending int

const (
	drop  ending = iota // the encoder is gone, and the server ends the stream
	crash               // the server is killed
)

func (e ending) String() string { return [...]string{"drop", "crash"}[e] }

// play has the encoder connect again and again, until it is told to stop; its last run ends as a
// run should.
func (g *group) play(stop <-chan struct{}, returned *atomic.Int64) error {
	for n := 1; ; n++ {
		how, chunks := drop, int(g.random.ExpFloat64()*7)
		if g.random.IntN(3) == 0 {
			how = crash
		}
		if n == 1 {
			how, chunks = drop, firstChunks
		}
		stopped := isClosed(stop)
		if stopped {
			how, chunks = drop, 3
		}
		if err := g.run(n, how, chunks); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		if stopped {
			return nil
		}
		away := g.absence()
		g.story.note(g.name, "away for %v", away)
		pause(stop, away)
		returned.Add(1)
	}
}

// absence returns for how long an encoder is away: not at all, for a part of the window, for about
// as long as the end waits, or for longer.
func (g *group) absence() time.Duration {
	part := g.random.Float64()
	switch g.random.IntN(8) {
	case 0, 1, 2:
		return 10 * time.Millisecond
	case 3, 4, 5:
		return time.Duration(part * float64(window))
	case 6:
		return window + time.Duration(part*float64(2*time.Second))
	default:
		return window + 3*time.Second
	}
}

// run writes one run with so many whole chunks in each stream. Streams end with one chunk more or
// less than others.
func (g *group) run(n int, how ending, chunks int) error {
	began := time.Now()
	name := fmt.Sprint(began.UnixMilli())
	g.mu.Lock()
	g.runs[name] = n
	g.mu.Unlock()
	cleanup := g.random.IntN(3) == 0
	for _, h := range g.streams {
		h.Now, h.Cleanup = func() time.Time { return began }, cleanup
		if g.keyed {
			h.Key = fmt.Appendf(nil, "key %d of 16 B.", n%10)
		}
		if g.mapped {
			h.Init = fmt.Appendf(nil, "init %d", n)
		}
		if err := h.Start(); err != nil {
			return err
		}
		g.story.note(g.directory(h), "run %s begins, cleanup %v", name, cleanup)
	}
	if err := g.master(); err != nil {
		return err
	}
	defer func() {
		g.mu.Lock()
		g.ended[name] = time.Now()
		g.mu.Unlock()
	}()
	for i := range chunks {
		last := g.lasts(n, i)
		e2e.Patient.Sleep(last) // so long is a chunk
		for _, h := range g.streams {
			if err := g.fill(h, n, i); err != nil {
				return err
			}
			ended := h.Chunk()
			if err := h.Next(last); err != nil {
				return err
			}
			g.listed(h, ended)
		}
	}
	return g.end(how, name, n, chunks)
}

// lasts returns how long a chunk lasts.
func (g *group) lasts(n, i int) time.Duration {
	if g.grows && n%2 == 0 && i == 1 {
		return longChunk
	}
	return chunk
}

// end ends the run in all streams, after a part of one more chunk.
func (g *group) end(how ending, name string, n, chunks int) error {
	part := time.Duration(g.random.Float64() * float64(chunk))
	e2e.Patient.Sleep(part)
	cut := g.random.IntN(len(g.streams) + 1) // so many streams are at the end of a chunk
	for i, h := range g.streams {
		if err := g.fill(h, n, chunks); err != nil {
			return err
		}
		var err error
		if how == drop {
			if err = h.End(part.Round(time.Millisecond)); err == nil {
				g.listed(h, h.Chunk())
			}
		} else {
			if i < cut {
				h.KillAfter(g.random.IntN(10))
				err = h.Next(part.Round(time.Millisecond)) // so long it was written
				if errors.Is(err, emswriter.ErrKilled) {
					err = nil
				}
			}
			if err == nil {
				err = h.Abandon()
			}
		}
		if err != nil {
			return err
		}
		g.story.note(g.directory(h), "run %s: %v after %d chunks", name, how, chunks)
	}
	return nil
}

// fill writes what tells which chunk it is.
func (g *group) fill(h *emswriter.HLS, n, i int) error {
	_, err := h.Write(emswriter.Content(10*188, fmt.Sprintf("%s run %d chunk %d", g.directory(h), n, i)))
	return err
}

// listed notes the newest chunk of the playlist on the disk.
func (g *group) listed(h *emswriter.HLS, chunk string) {
	name := filepath.Base(chunk)
	g.mu.Lock()
	g.last[g.directory(h)] = name
	g.named++
	g.mu.Unlock()
	g.story.note(g.directory(h), "the disk has %s", name)
}

// master writes the playlist of a group: with several streams, the last one is the others' sound.
func (g *group) master() error {
	var b strings.Builder
	b.WriteString("#EXTM3U\r\n#EXT-X-VERSION:3\r\n")
	video, audio := g.streams, ""
	if n := len(video); n > 1 {
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"%s/playlist.m3u8\"\r\n", filepath.Base(video[n-1].Dir))
		video, audio = video[:n-1], ",AUDIO=\"a\""
	}
	for _, h := range video {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=100000%s\r\n%s/playlist.m3u8\r\n", audio, filepath.Base(h.Dir))
	}
	return os.WriteFile(filepath.Join(filepath.Dir(g.streams[0].Dir), "playlist.m3u8"), []byte(b.String()), 0o644)
}

// endOf returns when the writing of a run ended; it is zero as long as it goes on.
func (g *group) endOf(run string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ended[run]
}

// newest returns the newest chunk that the playlist of a directory named on the disk.
func (g *group) newest(directory string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last[directory]
}
