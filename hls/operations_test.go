package hls

import (
	"strings"
	"testing"
	"time"
)

const rolling = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-START:TIME-OFFSET=4
#EXT-X-KEY:METHOD=AES-128,URI="k1.key"
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:00.500+00:00
#EXTINF:2.000,
a.ts
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=AES-128,IV=0x1,URI="k,2.key",KEYFORMAT="identity"
#EXT-X-MAP:URI="i.mp4"
#EXTINF:2.000,
b.ts
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:10Z
#EXTINF:2.000,
c.ts
#EXTINF:2.000,
d.ts
# the end of what there is
`

// compare compares the lines of a playlist with those that are wanted.
func compare(t *testing.T, p *Playlist, want string) {
	t.Helper()
	checkRoundTrip(t, p)
	if got := string(p.Bytes()); got != want {
		t.Errorf("it is\n%s\nand not\n%s", got, want)
	}
}

func TestEnd(t *testing.T) {
	p := mustParse(t, rolling)
	ended := p.WithEnd()
	compare(t, ended, rolling+"#EXT-X-ENDLIST\n")
	compare(t, ended.WithoutEnd(), rolling)
	if p.WithoutEnd() != p || ended.WithEnd() != ended {
		t.Error("what changes nothing makes another playlist")
	}
	compare(t, p, rolling)
	dos := strings.ReplaceAll(rolling, "\n", "\r\n")
	compare(t, mustParse(t, dos).WithEnd(), dos+"#EXT-X-ENDLIST\r\n")
}

func TestListOfTypeVODIsOneOfTypeEventAsLongAsItHasNoEnd(t *testing.T) {
	p := mustParse(t, "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n")
	compare(t, p.WithoutEnd(), "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:2,\na.ts\n")
}

func lost(names string) func(string) bool {
	return func(uri string) bool { return strings.Contains(names, uri) }
}

func TestGaps(t *testing.T) {
	p := mustParse(t, rolling)
	if p.WithGaps(lost("")) != p {
		t.Error("nothing is lost, and it is another playlist")
	}
	compare(t, p.WithGaps(lost("c.ts")), strings.Replace(rolling, "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:10Z", "#EXT-X-GAP\n#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:10Z", 1))
	// Those at the head are left out, and what they had set is stated at the new one.
	compare(t, p.WithGaps(lost("a.ts b.ts d.ts")), `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:9
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-START:TIME-OFFSET=4
#EXT-X-KEY:METHOD=AES-128,IV=0x1,URI="k,2.key",KEYFORMAT="identity"
#EXT-X-MAP:URI="i.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:10Z
#EXTINF:2.000,
c.ts
#EXT-X-GAP
#EXTINF:2.000,
d.ts
# the end of what there is
`)
	none := p.WithGaps(lost("a.ts b.ts c.ts d.ts"))
	if len(none.Segments) != 0 || none.Sequence != 11 || none.DiscontinuitySequence != 2 {
		t.Errorf("with everything lost, it is\n%s", none.Bytes())
	}
	compare(t, p, rolling)
}

func TestGapsThatTheWriterMarkedStay(t *testing.T) {
	text := strings.Replace(rolling, "#EXTINF", "#EXT-X-GAP\n#EXTINF", 1)
	if p := mustParse(t, text); p.WithGaps(lost("")) != p || p.WithGaps(lost("a.ts")) != p {
		t.Error("it is another playlist")
	}
}

// The published list goes on from the one with gaps: a segment that was left out does not return, also
// if it was found after all, and one that was a gap may be whole.
func TestSequenceDoesNotFallWhenWhatWasLostIsFound(t *testing.T) {
	run := mustParse(t, rolling)
	shown := run.WithGaps(lost("a.ts c.ts"))
	p, join := Continue(shown, run, Situation{Watched: true})
	if join != Same || p.Sequence != 8 || p.Segments[1].Gap || p.discontinuity(0) != shown.discontinuity(0) {
		t.Errorf("%v\n%s", join, p.Bytes())
	}
	if p.Continued {
		t.Error("it counts as continued, although the writer's own words will do when b.ts has left")
	}
	checkRoundTrip(t, p)
}

func TestCut(t *testing.T) {
	p := mustParse(t, rolling)
	compare(t, p.Cut(9, 9), `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:9
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-KEY:METHOD=AES-128,IV=0x1,URI="k,2.key",KEYFORMAT="identity"
#EXT-X-MAP:URI="i.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:10Z
#EXTINF:2.000,
c.ts
#EXT-X-ENDLIST
`)
	whole := p.Cut(0, 100)
	if len(whole.Segments) != 4 || !whole.Ended || whole.Sequence != 7 || whole.Type != "VOD" {
		t.Errorf("whole:\n%s", whole.Bytes())
	}
	last := p.Cut(10, 10)
	if !strings.Contains(string(last.Bytes()), "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:12.000Z\n#EXTINF:2.000,\nd.ts") &&
		!strings.Contains(string(last.Bytes()), "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:12.000Z\n#EXT-X-KEY") {
		t.Errorf("the time of the last is not stated:\n%s", last.Bytes())
	}
	if p.Cut(11, 20) != nil || p.Cut(0, 6) != nil || p.Cut(9, 8) != nil {
		t.Error("a cut of nothing is a playlist")
	}
	if c := p.WithGaps(lost("b.ts c.ts")).Cut(8, 10); len(c.Segments) != 1 || c.Sequence != 10 || c.DiscontinuitySequence != 2 {
		t.Errorf("it begins with a gap:\n%s", c.Bytes())
	}
	compare(t, p, rolling)
}

func TestURIs(t *testing.T) {
	p := mustParse(t, rolling)
	q := p.WithURIs(func(uri string) string { return "../../" + uri })
	want := strings.NewReplacer("k1.key", "../../k1.key", "k,2.key", "../../k,2.key", "i.mp4", "../../i.mp4",
		"\na.ts", "\n../../a.ts", "\nb.ts", "\n../../b.ts", "\nc.ts", "\n../../c.ts", "\nd.ts", "\n../../d.ts").Replace(rolling)
	compare(t, q, want)
	if q.Segments[3].Keys()[0].URI != "../../k,2.key" || q.Segments[3].Map().URI != "../../i.mp4" {
		t.Errorf("in effect are %v and %v", q.Segments[3].Keys(), q.Segments[3].Map())
	}
	compare(t, p, rolling)
}

func TestSameRun(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	list := func(first int, own string) *Playlist {
		return mustParse(t, strings.ReplaceAll("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:@\n"+own+"#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n#EXTINF:2,\ne\n", "@", uint64String(uint64(first))))
	}
	for _, c := range []struct {
		about      string
		shown, run *Playlist
		away       time.Duration
		proved     bool
	}{
		{"an hour away, 1800 segments later", list(96, ""), list(1896, ""), time.Hour, true},
		{"the same in a playlist that was continued", list(96, "## ems-sidecar offset=50\n"), list(1846, ""), time.Hour, true},
		{"the store's clock tells whole seconds", list(96, ""), list(101, ""), 12900 * time.Millisecond, true},
		{"the numbers fell", list(2000, ""), list(1896, ""), time.Hour, false},
		{"it began while the daemon was away, and has the higher numbers by now", list(6, ""), list(1496, ""), time.Hour, false},
		{"it began just before the daemon left", list(1, ""), list(1801, ""), time.Hour, false},
		{"it stood still for ten minutes, or started again", list(900, ""), list(2400, ""), time.Hour, false},
		{"numbers that are a time do not tell when it began", list(1_795_000_000, ""), list(1_795_001_800, ""), time.Hour, false},
		{"the clock went back", list(96, ""), list(1896, ""), -time.Hour, false},
		{"what viewers have has ended", list(96, "#EXT-X-ENDLIST\n"), list(1896, ""), time.Hour, false},
	} {
		if SameRun(c.shown, c.run, noon, noon.Add(c.away)) != c.proved {
			t.Errorf("%s: it is proved: %v", c.about, !c.proved)
		}
	}
	// A daemon that is told so takes it for a jump.
	shown, run := list(96, "## ems-sidecar offset=50\n"), list(1846, "")
	for i := range run.Segments {
		run.Segments[i].URI += "later"
	}
	if p, join := Continue(shown, run, Situation{Watched: true}); join != Jump || p.Sequence != 1896 {
		t.Errorf("%v\n%s", join, p.Bytes())
	}
	if p, join := Continue(shown, run, Situation{}); join != Seam || p.Segments[0].Discontinuities+int(p.DiscontinuitySequence) != 1 {
		t.Errorf("%v\n%s", join, p.Bytes())
	}
}
