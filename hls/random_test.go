package hls

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A writer writes playlists as media servers do, each run in its own way.
type writer struct {
	choose func(n int) int // 0 to n-1

	run                                   int
	window                                int // 0: appending
	first, number                         int
	target                                int
	version                               int
	names                                 string
	encrypted, numbered, formats          bool
	mapped, ranges, follow, dates, ownTag bool
	eol                                   string
	segments                              []written
	offset                                int
}

type written struct {
	uri       string
	duration  float64
	key       int
	offset, n int
	tag       bool
}

func (w *writer) restart() {
	c := func() bool { return w.choose(2) == 0 }
	names := w.names
	*w = writer{choose: w.choose, run: w.run + 1, window: 3 + w.choose(5), first: w.choose(3), target: 1 + w.choose(4), version: 3 + w.choose(4), eol: "\n"}
	w.number = w.first
	if w.names = fmt.Sprintf("r%d_", w.run); names == "s" || w.choose(8) == 0 {
		w.names = "s" // names return from now on
	}
	if w.choose(3) == 0 {
		w.window = 0
	}
	w.encrypted, w.mapped, w.dates = c(), w.choose(3) == 0, c()
	w.numbered, w.formats = w.encrypted && c(), w.encrypted && c()
	w.ranges = w.choose(4) == 0
	w.follow, w.ownTag = w.ranges && c(), w.choose(4) == 0
	if c() {
		w.eol = "\r\n"
	}
}

// add closes a segment.
func (w *writer) add() {
	s := written{duration: float64(w.target*1000-w.choose(400)) / 1000, key: len(w.segments) / 3, tag: w.ownTag && w.choose(9) == 0}
	file := w.number
	if w.ranges {
		if file = len(w.segments) / 3; len(w.segments)%3 == 0 {
			w.offset = 0
		}
		s.offset, s.n = w.offset, 100+w.choose(50)
		w.offset += s.n
	}
	s.uri = fmt.Sprintf("%s%d.ts", w.names, file)
	w.segments = append(w.segments, s)
	w.number++
}

func (w *writer) text(ended bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+w.eol, args...) }
	from := 0
	if w.window > 0 {
		from = max(len(w.segments)-w.window, 0)
	}
	line("#EXTM3U")
	line("#EXT-X-VERSION:%d", w.version)
	if w.window == 0 {
		line("#EXT-X-PLAYLIST-TYPE:EVENT")
	}
	line("#EXT-X-TARGETDURATION:%d", w.target)
	line("#EXT-X-MEDIA-SEQUENCE:%d", w.first+from)
	tags := 0
	for _, s := range w.segments[:from] {
		if s.tag {
			tags++
		}
	}
	if tags > 0 {
		line("#EXT-X-DISCONTINUITY-SEQUENCE:%d", tags)
	}
	if w.mapped && !w.encrypted {
		line(`#EXT-X-MAP:URI="init%d.mp4"`, w.run)
	}
	at := time.Date(2026, 11, 30, 4, 0, w.run, 0, time.UTC)
	for i, s := range w.segments {
		at = at.Add(time.Duration(s.duration * float64(time.Second)))
		if i < from {
			continue
		}
		if s.tag {
			line("#EXT-X-DISCONTINUITY")
		}
		if w.encrypted && (i == from || w.segments[i-1].key != s.key) {
			vector := fmt.Sprintf(",IV=0x%d%d", w.run, s.key)
			if w.numbered {
				vector = ""
			}
			line(`#EXT-X-KEY:METHOD=AES-128,URI="%d_%d.key"%s`, w.run, s.key, vector)
			if w.formats {
				line(`#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://%d",KEYFORMAT="com.apple"`, w.run)
			}
			if w.mapped && !w.numbered { // an encrypted init section has a stated vector
				line(`#EXT-X-MAP:URI="init%d_%d.mp4"`, w.run, s.key)
			}
		}
		if w.dates && i == from {
			line("#EXT-X-PROGRAM-DATE-TIME:%s", at.Format("2006-01-02T15:04:05.000Z07:00"))
		}
		line("#EXTINF:%.3f,", s.duration)
		switch {
		case s.n == 0:
		case w.follow && s.offset > 0 && i > from:
			line("#EXT-X-BYTERANGE:%d", s.n)
		default:
			line("#EXT-X-BYTERANGE:%d@%d", s.n, s.offset)
		}
		line("%s", s.uri)
	}
	if ended {
		line("#EXT-X-ENDLIST")
	}
	return b.String()
}

// viewersFollow lets a writer write, drop and return, and the daemon watch it, be killed and be away, as choose
// says; a viewer holds each version against the rules.
func viewersFollow(t *testing.T, steps int, choose func(n int) int) {
	w := &writer{choose: choose}
	w.restart()
	w.add()
	var shown *Playlist
	var v viewer
	watched, restarted, reconnects := false, false, 0
	var story strings.Builder
	for range steps {
		switch choose(6) {
		case 0:
			w.restart()
			w.add()
			restarted = true
			reconnects++
		case 1:
			for range choose(20) {
				w.add()
			}
		case 2: // the daemon is killed
			watched = false
			shown = reparsed(t, shown)
			continue
		default:
			w.add()
		}
		text := w.text(choose(8) == 0)
		run := mustParse(t, text)
		s := Situation{Watched: watched, Restarted: restarted && watched, TooOld: choose(20) == 0}
		switch {
		case choose(10) > 0:
		case shown == nil:
			s.Discontinuities = uint64(choose(12))
		case len(shown.Segments) > 0:
			s.Discontinuities = shown.discontinuity(len(shown.Segments)-1) + uint64(choose(12))
		}
		// A daemon that was away knows of names that return from the files.
		if restarted && w.names == "s" {
			s.Restarted = true
		}
		p, join := Continue(shown, run, s)
		fmt.Fprintf(&story, "\n---- run %d, %+v\n%s---- %v\n%s", w.run, s, text, join, p.Bytes())
		again, _ := Continue(reparsed(t, shown), run, s)
		if string(again.Bytes()) != string(p.Bytes()) {
			t.Fatalf("after a restart of the daemon it is\n%s%s", again.Bytes(), &story)
		}
		checkRoundTrip(t, p)
		if choose(3) > 0 {
			p = p.WithoutEnd()
		}
		whole := p
		if lost := choose(12); lost < 2 {
			p = p.WithGaps(func(uri string) bool { return len(uri)%2 == lost && uri[len(uri)-4]%4 == 0 })
			checkRoundTrip(t, p)
			if len(p.Segments) == 0 {
				return // everything is lost: there is nothing to publish
			}
		}
		if reconnects == 0 && !w.ranges && shown != nil && join == Same && !p.Continued && p.Sequence == run.Sequence && p.Ended == run.Ended && !strings.Contains(string(p.Bytes()), "GAP") &&
			string(p.Bytes()) != text {
			t.Fatalf("a stream that never reconnected is rewritten:%s", &story)
		}
		// The list may lose what it had if nothing can stand behind it.
		forced := p != whole || !s.Watched && w.ranges || s.TooOld || shown == nil || shown.Ended || join == Jump || join == Fresh || w.names == "s" || s.Discontinuities > 0 ||
			shown.Segments[len(shown.Segments)-1].Map() != nil && run.Segments[0].Map() == nil
		v.poll(string(p.Bytes()), forced, w.names == "s")
		if join == Seam && p.Last() != shown.Last()+uint64(len(run.Segments)) {
			v.problem("the new run ends with number %d", p.Last())
		}
		if first := v.version.segments[0].discontinuity; shown == nil && first < s.Discontinuities {
			v.problem("the discontinuity number is %d, and %d in other variants", first, s.Discontinuities)
		}
		if n, had := len(v.version.segments), len(v.had.segmentsOrNone()); join == Seam && had > 0 &&
			v.version.segments[n-1].discontinuity <= v.had.segments[had-1].discontinuity {
			v.problem("players do not know that a new run begins")
		}
		truth(&v, w, run)
		if len(v.problems) > 0 {
			t.Fatalf("%s%s", strings.Join(v.problems, "\n"), &story)
		}
		shown, watched, restarted = p, true, false
	}
}

// truth compares what a viewer decrypts with what the writer says.
func truth(v *viewer, w *writer, run *Playlist) {
	own, err := read(string(run.Bytes()))
	if err != nil {
		v.problem("%v", err)
		return
	}
	for _, s := range own.segments {
		if got := v.version.find(s.uri); got != nil && w.names != "s" && (got.decrypted != s.decrypted || got.duration != s.duration) {
			v.problem("the writer's is %+v, viewers get %+v", s, *got)
		}
	}
	last := own.segments[len(own.segments)-1]
	if got := v.version.segments[len(v.version.segments)-1]; got.uri != last.uri {
		v.problem("the newest segment is %s, and viewers get %s", last.uri, got.uri)
	}
}

// seeds is small: -seeds 20000 takes some minutes.
var seeds = flag.Uint64("seeds", 150, "how many random streams are followed")

func TestR3PublishedPlaylistObeysTheRulesOverRandomReconnects(t *testing.T) {
	for seed := range *seeds {
		r := rand.New(rand.NewPCG(seed, 0))
		if viewersFollow(t, 60, r.IntN); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
