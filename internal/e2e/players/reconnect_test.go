package players

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
)

var (
	only     = flag.String("only", "", "the scenario with this name")
	watching = flag.String("watching", "", "players and streams whose names, as in \"shaka of rolling\", contain this")
	windows  = flag.String("windows", "60s", "values of reconnect_window, with commas between them; 0 is how it is without it")
	versions = flag.String("versions", "", "directory for all versions of the playlists")
)

const (
	// slack is what a measurement may be late: a look at the player each 50 ms, an upload, and a
	// player that asks for the playlist once more.
	slack = time.Second
	// modules is where npm ci puts the players.
	modules     = "../../../tools/players/node_modules"
	shakaScript = modules + "/shaka-player/dist/shaka-player.compiled.js"
)

// A proof is what the scenarios have in common.
type proof struct {
	lasts    time.Duration // of a chunk
	chunks   int           // that must be seen after the encoder's return
	layouts  []layout
	players  []string
	scripts  map[string]string     // files of the players, by the name under which the page asks for them
	media    [2]map[kind]recording // of the two runs
	watchers []watcher
}

// newProof returns the short form, which needs hls.light.min.js only, or the long one. Without what
// it needs, the test is skipped.
func newProof(t *testing.T) *proof {
	t.Helper()
	long.Browser(t)
	for _, program := range []string{"chromium", "ffmpeg"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s", program)
		}
	}
	p := long.Or(
		&proof{lasts: time.Second, chunks: 5, layouts: layouts[:4], // it plays no audio groups
			players: []string{"hls.js", "ffmpeg"}, scripts: map[string]string{"hls.js": "../../../cmd/ems-demo/page/hls.light.min.js"}},
		&proof{lasts: 2 * time.Second, chunks: 8, layouts: layouts,
			players: []string{"hls.js", "shaka", "ffmpeg"}, scripts: map[string]string{
				"hls.js":   filepath.Join(modules, "hls.js/dist/hls.min.js"),
				"shaka.js": shakaScript,
			}})
	for _, file := range p.scripts {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("run npm ci in tools/players: %v", err)
		}
	}
	for i := range p.media {
		p.media[i] = make(map[kind]recording)
	}
	for _, l := range p.layouts {
		for _, name := range p.players {
			if strings.Contains(name+" of "+l.name, *watching) {
				p.watchers = append(p.watchers, watcher{name, l})
			}
		}
		for _, k := range l.tracks {
			for i := range p.media {
				if p.media[i][k].chunks == nil {
					p.media[i][k] = record(t, k, i+1, p.lasts)
				}
			}
		}
	}
	return p
}

// An encoder drops and returns. No page is loaded again: each player goes on by itself, plays every
// new chunk, and stands still for the time that the encoder was away and one chunk at most.
func TestPlayersGoOnWhenAnEncoderReturns(t *testing.T) {
	p := newProof(t)
	var table strings.Builder
	table.WriteString("| stream | player | encoder | window | stands still | new chunks | remarks |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, s := range long.Or(short, all) {
		if *only != "" && s.String() != *only {
			continue
		}
		for window := range strings.SplitSeq(*windows, ",") {
			t.Run(s.String()+", "+window, func(t *testing.T) {
				st := newStage(t, s, p, window)
				seats := st.show(p.watchers, p.chunks)
				if *versions != "" {
					st.versions(filepath.Join(*versions, fmt.Sprintf("%v, %s", s, window)))
				}
				for i := range seats {
					at := &seats[i]
					fmt.Fprintf(&table, "| %s | %s | %v | %s | %s | %d of %d | %s |\n", at.Stream, at.Player, s, window,
						at.stands(p.lasts), at.New, p.chunks, at.troubles())
					if window != "0" { // which shows what happens without it
						p.judge(t, at, s)
					}
				}
			})
		}
	}
	t.Logf("\n%s", &table)
}

// judge tests what a player has shown. Shaka Player 5.2 has errors of its own on rolling lists while
// no chunk comes. It skips some chunks at a seam, and plays on. Where an encoder only stands still, it
// stops for good, although the list is EMS's own.
func (p *proof) judge(t *testing.T, at *seat, s scenario) {
	t.Helper()
	skips := at.Player == "shaka" && at.Stream != "appending"
	if skips && s.end == frozen {
		return
	}
	if at.New != p.chunks && !skips || !at.goesOn(p.lasts) {
		t.Errorf("%s, %s: %d of %d new chunks; %s; %s", at.Stream, at.Player, at.New, p.chunks, at.stands(p.lasts), at.troubles())
	}
	if limit := s.away + p.lasts + slack; at.Stood > float64(limit.Milliseconds()) && !skips && !e2e.Patient.Busy() {
		t.Errorf("%s, %s: it stood still for %.1f s, want %v at most", at.Stream, at.Player, at.Stood/1000, limit)
	}
}

// A stream that does not return has an end, when the time for its return is over. The model of
// uploader/publish checks that the end is published.
func TestPlayersSeeTheEndOfAStreamThatDoesNotReturn(t *testing.T) {
	long.Only(t)
	p := newProof(t)
	const window = 3 * time.Second
	st := newStage(t, scenario{}, p, window.String())
	stop := st.raise(p.watchers)
	stop()
	for late := e2e.Patient.Deadline(window + 30*p.lasts); ; time.Sleep(100 * time.Millisecond) {
		var seats []seat
		st.page.Read("report()", &seats)
		over := true
		for i := range seats {
			over = over && seats[i].Ended
		}
		if over {
			break
		}
		if late() {
			t.Fatalf("not all players have ended: %+v", seats)
		}
	}
	for _, f := range st.ffmpegs {
		if at := f.leave(st, 0); !at.Ended {
			t.Errorf("%s: ffmpeg still reads", at.Stream)
		}
	}
}

var (
	short = []scenario{
		{away: 3 * time.Second},
		{away: 4 * time.Second, end: crashed, killed: true},
	}
	all = []scenario{
		{away: time.Second},
		{away: 8 * time.Second},
		{away: 20 * time.Second},
		{away: 55 * time.Second},
		{away: 8 * time.Second, end: crashed},
		{away: 8 * time.Second, killed: true},
		{away: 8 * time.Second, end: crashed, killed: true},
		{away: 8 * time.Second, end: frozen}, // shows what is a player's own way of waiting
		{away: 20 * time.Second, end: frozen},
	}
)
