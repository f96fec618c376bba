package uploader

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// A growingFile is a stream in one file, of which a playlist lists ranges.
type growingFile struct {
	d     *desk
	name  string // of the file; empty: all.ts
	run   string // is in the content of each range
	lines string
	size  int
}

// grow appends a range to the file, which stays open, and closes the playlist that lists it.
func (g *growingFile) grow(n int) {
	g.d.t.Helper()
	content := fmt.Sprintf("%s, range %d. ", g.run, n)
	flags := os.O_APPEND | os.O_WRONLY | os.O_CREATE
	if n == 0 {
		flags |= os.O_TRUNC
		g.lines, g.size = "", 0
	}
	name := cmp.Or(g.name, "all.ts")
	path := filepath.Join(g.d.dir, "g/s", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.d.t.Fatal(err)
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		g.d.t.Fatal(err)
	}
	_, err = f.WriteString(content)
	if f.Close(); err != nil {
		g.d.t.Fatal(err)
	}
	g.lines += fmt.Sprintf("#EXTINF:4.000,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", len(content), g.size, name)
	g.size += len(content)
	g.d.close("g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:EVENT\n"+g.lines)
}

// listed returns the contents that the bucket's playlist lists, one after the other.
func (g *growingFile) listed() (all string) {
	g.d.t.Helper()
	for line := range strings.Lines(g.d.bucket.content("g/s/playlist.m3u8")) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			if !g.d.bucket.has("g/s/" + line) {
				g.d.t.Errorf("the playlist lists %s, which the bucket does not have", line)
			}
			all += g.d.bucket.content("g/s/" + line)
		}
	}
	return all
}

// A stream in one file that grows is live: each range is an object as soon as it is listed.
func TestRangesOfAFileThatGrowsArePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.SplitRanges = true
		d.start()
		g := &growingFile{d: d, run: "run 1"}
		want := ""
		for n := range 3 {
			g.grow(n)
			settle()
			want += fmt.Sprintf("run 1, range %d. ", n)
			if got := g.listed(); got != want {
				t.Errorf("after range %d viewers get %q", n, got)
			}
		}
		if got := d.bucket.content("g/s/playlist.m3u8"); strings.Contains(got, "BYTERANGE") {
			t.Errorf("the playlist is %q", got)
		}
		d.closed("g/s/all.ts")
		time.Sleep(time.Minute)
		if d.bucket.has("g/s/all.ts") {
			t.Error("the file was uploaded once more")
		}
		if d.lost() > 0 {
			t.Errorf("%d are lost", d.lost())
		}
	})
}

// A playlist that is cut short is told by its last line, which the one with other names would end.
func TestR1PlaylistOfRangesThatWasCutOffIsNotPublished(t *testing.T) {
	const key = "g/s/playlist.m3u8"
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.SplitRanges = true
		d.start()
		g := &growingFile{d: d, run: "run 1"}
		g.grow(0)
		settle()
		whole := d.bucket.content(key)
		d.close(key, "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:EVENT\n"+g.lines+
			`#EXT-X-KEY:METHOD=AES-128,URI="a.ke`)
		time.Sleep(10 * time.Second)
		if got := d.bucket.content(key); got != whole {
			t.Errorf("the bucket has %q, want %q", got, whole)
		}
	})
}

// R6: ranges arrive also if their file is deleted in an outage.
func TestR6RangesOfAFileThatIsDeletedInAnOutageArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.SplitRanges = true
		away := d.bucket.outage()
		d.start()
		g := &growingFile{d: d, run: "run 1"}
		g.grow(0)
		g.grow(1)
		settle()
		d.remove("g/s/all.ts")
		time.Sleep(time.Minute)
		away.Store(false)
		time.Sleep(time.Minute)
		if got := g.listed(); got != "run 1, range 0. run 1, range 1. " {
			t.Errorf("viewers get %q", got)
		}
		if left := d.inSpool(); len(left) > 0 {
			t.Errorf("%q are still in the spool", left)
		}
	})
}

// R7: after a restart, ranges have the same names, and are not sent again.
func TestR7RangesAreNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.SplitRanges = true
		ended := d.start()
		g := &growingFile{d: d, run: "run 1"}
		g.grow(0)
		g.grow(1)
		settle()
		d.end()
		<-ended
		d.restart()
		d.start()
		d.closed("g/s/playlist.m3u8")
		time.Sleep(time.Minute)
		g.grow(2)
		time.Sleep(time.Minute)
		if got := g.listed(); got != "run 1, range 0. run 1, range 1. run 1, range 2. " {
			t.Errorf("viewers get %q", got)
		}
		for _, key := range d.bucket.keys() {
			if n := d.bucket.count(key); strings.HasSuffix(key, ".ts") && n != 1 {
				t.Errorf("%s was sent %d times", key, n)
			}
		}
	})
}

// R10: a stream of ranges is live soon after a start, too. Only those that are read first may be an
// earlier run's, and as old, and only if their file is older than the start.
func TestR10StreamOfRangesIsLiveSoonAfterAStart(t *testing.T) {
	for _, begins := range []time.Duration{0, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.dest.SplitRanges = true
			d.start()
			time.Sleep(begins)
			g := &growingFile{d: d, run: "run 1"}
			for n := range 8 {
				time.Sleep(4 * time.Second)
				g.grow(n)
				settle()
				d.wantState("g/s", health.Live, "")
			}
		})
	}
}

// A writer that returns begins its file again: what it wrote before keeps its names.
func TestRangesOfAFileThatBeginsAgainHaveOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.SplitRanges = true
		d.dest.ReconnectWindow = time.Minute
		d.start()
		g := &growingFile{d: d, run: "run 1"}
		g.grow(0)
		g.grow(1)
		settle()
		g.run = "run 2"
		time.Sleep(5 * time.Second)
		g.grow(0)
		settle()
		if got := g.listed(); got != "run 1, range 0. run 1, range 1. run 2, range 0. " {
			t.Errorf("viewers get %q", got)
		}
	})
}

const growsMessage = "live playlist waits for a file that grows"

// R10: a live playlist that lists ranges of a file that is still written says so within 5 s, once; one
// whose file is closed in time does not.
func TestR10FileThatGrowsIsExplained(t *testing.T) {
	for _, closes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.bucket.mayMiss["g/s/all.ts"] = true
			d.src.expecter = silentExpecter{} // no one closes the file
			d.start()
			g := &growingFile{d: d, run: "run 1"}
			g.grow(0)
			if closes {
				d.closed("g/s/all.ts")
			}
			want := 1
			if closes {
				want = 0
			}
			for _, wait := range []time.Duration{5 * time.Second, time.Minute} {
				time.Sleep(wait)
				if lines := d.log.lines(slog.LevelWarn, growsMessage); len(lines) != want {
					t.Errorf("closes %v, after %v: %q", closes, wait, d.log.lines(slog.LevelWarn, ""))
				}
				g.grow(1)
				if closes {
					d.closed("g/s/all.ts")
				}
			}
		})
	}
}

// The goroutine of Run may release the last piece of a file whose name goes for the second time.
func TestPiecesOfAFileAreForgottenBeforeItsNameGoesAgain(t *testing.T) {
	var ps pieces
	ps.add("g/s/all.ts", media.Version{Size: 9, Inode: 1}, map[string]piece{"g/s/all-0-1.ts": {file: "g/s/all.ts"}})
	if of, arrived := ps.remove("g/s/all.ts"); len(of) != 1 || arrived {
		t.Errorf("pieces %v, and arrived %v", of, arrived)
	}
	if file, last := ps.released("g/s/all-0-1.ts"); file != "g/s/all.ts" || !last || ps.haveFile(file) {
		t.Errorf("of %s, it was the last one: %v", file, last)
	}
	if of, arrived := ps.remove("g/s/all.ts"); len(of) > 0 || arrived {
		t.Errorf("pieces %v, and arrived %v", of, arrived)
	}
}

// With [HLS] and [DASH] over one root, segments in fragmented MP4 are DASH's, as their names tell. Ranges
// of a file are HLS's, which cut them, and the file itself is not uploaded.
func TestR6RangesArriveBesideASectionThatOwnsFilesOfTheirName(t *testing.T) {
	for _, dashFirst := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newCMAFDesk(t, dashFirst)
			for _, src := range []*Source{d.src, d.twin} {
				src.dest.SplitRanges = src.layout.Format == media.HLS
			}
			d.start()
			g := &growingFile{d: d, run: "run 1", name: "all.m4s"}
			g.grow(0)
			g.grow(1)
			settle()
			if got := g.listed(); got != "run 1, range 0. run 1, range 1. " {
				t.Errorf("viewers get %q", got)
			}
			d.closed("g/s/all.m4s")
			time.Sleep(time.Minute)
			if d.bucket.has("g/s/all.m4s") || d.lost() > 0 {
				t.Errorf("the file was uploaded: %t; %d are lost", d.bucket.has("g/s/all.m4s"), d.lost())
			}
			d.remove("g/s/all.m4s")
			settle()
			if kept := d.inSpool(); len(kept) > 0 {
				t.Errorf("the spool keeps %q", kept)
			}
		})
	}
}
