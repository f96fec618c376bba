package media

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// others is what another parser reads in a manifest: see tools/parsers/read.mjs.
type others struct {
	File, Parser, Refused string
	Set, Ended            bool
	Sequence              uint64
	Segments, Others      []string
}

// differences are what is read otherwise on purpose, by file and parser: URIs that only we name, or
// only the other parser.
var differences = map[string][]string{
	"hlsjs-gap.m3u8 m3u8Parser":              {"fileSequence21.ts"},            // it does not know EXT-X-GAP
	"hlsjs-interstitials.m3u8 m3u8Parser":    {"ads/pre.m3u8", "ads/mid.json"}, // they leave them to players
	"hlsjs-interstitials.m3u8 hlsParser":     {"ads/pre.m3u8", "ads/mid.json"}, // the same
	"roku-thumbnails-master.m3u8 m3u8Parser": {"5x2_320x180/320x180-5x2.m3u8"}, // Roku's tag
	"roku-thumbnails-master.m3u8 hlsParser":  {"5x2_320x180/320x180-5x2.m3u8"}, // the same
	"steering-master.m3u8 m3u8Parser":        {"lyrics.json", "session.key"},   // it does not know them
	"steering-master.m3u8 hlsParser":         {"steering.json"},                // the same
	"variables.m3u8 hlsParser":               nil,                              // it does not know EXT-X-DEFINE
	"dashif-thumbnails.mpd mpdParser":        {"thumbnails_102x58/tile_1.jpg", "thumbnails_102x58/tile_2.jpg"},
	"gstreamer-live.mpd mpdParser":           {"x.mpd"}, // it takes the manifest for an init segment, which there is not
	"dashif-patch.mpd mpdParser":             {"patch.mpp"},
}

const otherBase = "http://host/a/b/c/"

// What we read in manifests of the shapes of other packagers is what other parsers read in them: the
// files, which of them are segments, the number of the first one, and whether more is to come.
func TestOtherParsersReadTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/shapes/*")
	if err != nil || len(files) < 40 {
		t.Fatal("manifests are missing: ", files, err)
	}
	const tool = "../tools/parsers/"
	if _, err := os.Stat(tool + "node_modules"); err != nil {
		t.Skipf("run npm ci in tools/parsers: %v", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), node, append([]string{tool + "read.mjs"}, files...)...).Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v: %s", err, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, file := range files {
		want += 2
		if strings.HasSuffix(file, ".mpd") {
			want--
		}
	}
	read := 0
	for found := json.NewDecoder(bytes.NewReader(out)); ; read++ {
		var o others
		if err := found.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		compareWithOther(t, o)
	}
	if read != want {
		t.Errorf("%d readings of %d files, want %d", read, len(files), want)
	}
}

func compareWithOther(t *testing.T, o others) {
	name := o.File + " " + o.Parser
	except, known := differences[name]
	if known && except == nil {
		return
	}
	if o.Refused != "" {
		t.Errorf("%s refuses it: %s", name, o.Refused)
		return
	}
	content, err := os.ReadFile("testdata/shapes/" + o.File)
	if err != nil {
		t.Fatal(err)
	}
	parse := ParsePlaylist
	if strings.HasSuffix(o.File, ".mpd") {
		parse = ParseMPD
	}
	m, err := parse(content)
	if err != nil {
		t.Errorf("%s: we refuse it: %v", name, err)
		return
	}
	if m.Set != o.Set || m.Ended != o.Ended || o.Parser != "mpdParser" && m.Sequence != o.Sequence {
		t.Errorf("%s: set %v, ended %v, sequence %d; it reads %v, %v, %d", name, m.Set, m.Ended,
			m.Sequence, o.Set, o.Ended, o.Sequence)
	}
	var segments, rest []string
	for r := range m.References() {
		uri := absoluteURI(t, r.URI)
		switch {
		case !strings.HasPrefix(uri, "http://host/"):
		case r.Segment:
			segments = append(segments, uri)
		default:
			rest = append(rest, uri)
		}
	}
	for what, both := range map[string][2][]string{"segments": {segments, o.Segments}, "others": {rest, o.Others}} {
		for i, uris := range both {
			for _, uri := range uris {
				// A file that has both the map and segments is a segment for us.
				is := slices.Contains(both[1-i], uri) || slices.Contains(segments, uri) && slices.Contains(o.Segments, uri) ||
					slices.Contains(except, strings.TrimPrefix(uri, otherBase))
				if !is && (i == 0 || !inSeries(m, uri)) {
					t.Errorf("%s: of the %s, only %s names %s", name, what, []string{"our parser", "the other one"}[i], uri)
				}
			}
		}
	}
}

func absoluteURI(t *testing.T, uri string) string {
	base, err := url.Parse(otherBase)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := base.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// inSeries reports whether uri is a segment that m leaves to the clock.
func inSeries(m Manifest, uri string) bool {
	p := strings.TrimPrefix(uri, "http://host/")
	for _, s := range m.Series {
		patterns, _ := s.Patterns(NewNames("a/b/c", RootAddresses{}))
		for _, pattern := range patterns {
			if _, ok := pattern.Number(filepath.Base(p)); ok && pattern.Dir == filepath.Dir(p) {
				return true
			}
		}
	}
	return false
}
