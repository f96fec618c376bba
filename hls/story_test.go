package hls

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what Continue returns into the stories")

// Each story in testdata/continue has the playlists that a writer wrote one after another, and below
// each what viewers get. The words behind "run" are the situation.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/continue/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			comment, chapters, _ := strings.Cut(string(b), "\n-- ")
			told := comment + "\n" + tell(t, strings.Split(chapters, "\n-- "))
			if *update {
				if err := os.WriteFile(file, []byte(told), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if told != string(b) {
				t.Errorf("viewers get something else:\n%s", told)
			}
		})
	}
}

// tell returns the story with what Continue returns now. A chapter is a name, " --" and a playlist.
func tell(t *testing.T, chapters []string) (told string) {
	var shown *Playlist
	for _, chapter := range chapters {
		name, text, _ := strings.Cut(chapter, " --\n")
		words := strings.Fields(name)
		if words[0] != "run" {
			continue
		}
		run := mustParse(t, strings.TrimSuffix(text, "\n")+"\n")
		got, join := Continue(shown, run, situation(t, words[1:]))
		checkRoundTrip(t, got)
		again, joinAgain := Continue(reparsed(t, shown), run, situation(t, words[1:]))
		if join != joinAgain || !bytes.Equal(got.Bytes(), again.Bytes()) {
			t.Errorf("after a restart of the daemon it is %v:\n%s\nand not %v:\n%s", joinAgain, again.Bytes(), join, got.Bytes())
		}
		told += fmt.Sprintf("-- %s --\n%s-- shown %s --\n%s", name, run.Bytes(), join, got.Bytes())
		shown = got
	}
	return told
}

func situation(t *testing.T, words []string) (s Situation) {
	for _, word := range words {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "restarted":
			s.Restarted = true
		case "watched":
			s.Watched = true
		case "old":
			s.TooOld = true
		case "returns": // the names that contain this
			s.Returns = func(uri string) bool { return strings.Contains(uri, value) }
		case "discontinuities":
			if _, err := fmt.Sscan(value, &s.Discontinuities); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	return s
}

func mustParse(t testing.TB, text string) *Playlist {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

func reparsed(t testing.TB, p *Playlist) *Playlist {
	t.Helper()
	if p == nil {
		return nil
	}
	return mustParse(t, string(p.Bytes()))
}

// checkRoundTrip checks that p, written and parsed again, is the same.
func checkRoundTrip(t testing.TB, p *Playlist) {
	t.Helper()
	if q := reparsed(t, p); describe(p) != describe(q) {
		t.Errorf("written and parsed again\n%s\nis\n%s\nin\n%s", describe(p), describe(q), p.Bytes())
	}
}

// describe writes down all that later steps depend on.
func describe(p *Playlist) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d v%d %v=%s %q ended %v, continued %v %d %d\n", p.Sequence, p.DiscontinuitySequence, p.Version,
		p.TargetDuration, p.target, p.Type, p.Ended, p.Continued, p.Offset, p.Run)
	for _, s := range p.Segments {
		fmt.Fprintf(&b, "%s %v %v +%d gap %v %v %q marks %d %q", s.URI, s.Duration, s.Range, s.Discontinuities, s.Gap, s.follows, s.date, s.marks, s.text)
		for _, k := range s.Keys() {
			fmt.Fprintf(&b, " %s", k.line)
		}
		if m := s.Map(); m != nil {
			fmt.Fprintf(&b, " %s under %d", m.line, len(m.keys))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%q %q", p.foot, p.end)
	return b.String()
}
