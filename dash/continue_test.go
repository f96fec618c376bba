package dash

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

func read(t testing.TB, name string) *MPD {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".mpd")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, b)
}

func parse(t testing.TB, text []byte) *MPD {
	t.Helper()
	m, err := Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

// written is an MPD as EMS writes it, of a run that began so long after the first, with segments of
// 4 s, the first of which has that number.
func written(t testing.TB, after time.Duration, first, count int) *MPD {
	t.Helper()
	var s strings.Builder
	for n := range count {
		fmt.Fprintf(&s, "\n<S d=\"4000\" t=\"%d\"/>", 4000*(first+n))
	}
	return parse(t, fmt.Appendf(nil, `<?xml version="1.0" encoding="utf-8"?>
<MPD
type="dynamic"
xmlns="urn:mpeg:dash:schema:mpd:2011"
minimumUpdatePeriod="PT5S"
availabilityStartTime="%s">
    <Period id="rms-dash" start="PT0S">
        <AdaptationSet>
            <Representation bandwidth="1" id="sVideo1">
                <SegmentTemplate initialization="s/video/1/seg_init.mp4" media="s/video/1/segment_$Time$.m4s" timescale="1000">
                    <SegmentTimeline>%s</SegmentTimeline>
                </SegmentTemplate>
            </Representation>
        </AdaptationSet>
    </Period>
</MPD>
`, began.Add(after).Format(time.RFC3339), &s))
}

var began = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// periods says which Periods m has: id, start and segments.
func periods(m *MPD) string {
	var all []string
	for i := range m.Periods {
		p := &m.Periods[i]
		all = append(all, fmt.Sprintf("%s at %v with %d", p.ID, p.Start, p.Segments))
	}
	return strings.Join(all, ", ")
}

// uris returns what m names.
func uris(t testing.TB, m *MPD) (all []string) {
	t.Helper()
	parsed, err := media.ParseMPD(m.Bytes())
	if err != nil {
		t.Fatalf("%v in\n%s", err, m.Bytes())
	}
	for r := range parsed.References() {
		all = append(all, r.URI)
	}
	return all
}

// follows reports errors if players of shown cannot go on with next.
func follows(t testing.TB, shown, next *MPD) {
	t.Helper()
	if !shown.Start.Equal(next.Start) {
		t.Errorf("availabilityStartTime changes from %v to %v", shown.Start, next.Start)
	}
	starts, ids := map[string]time.Duration{}, map[string]bool{}
	for i := range shown.Periods {
		starts[shown.Periods[i].ID] = shown.Periods[i].Start
	}
	end := time.Duration(0)
	for i := range next.Periods {
		p := &next.Periods[i]
		if was, ok := starts[p.ID]; ok && was != p.Start {
			t.Errorf("Period %s moves from %v to %v", p.ID, was, p.Start)
		}
		if ids[p.ID] {
			t.Errorf("two Periods are called %s", p.ID)
		}
		if p.Start < end {
			t.Errorf("Period %s begins at %v, before the end of the media before it, %v", p.ID, p.Start, end)
		}
		ids[p.ID], end = true, p.Start+p.Length
	}
	if was := shown.last().Start + shown.last().Length; end < was {
		t.Errorf("it ends at %v, and ended at %v", end, was)
	}
}

// What EMS wrote before an encoder dropped, and some time after it had returned.
func TestRecordedReconnects(t *testing.T) {
	const run = "20261129T121328Z"
	for _, c := range []struct{ name, want, depth string }{
		{"dashapp", "rms-dash at 0s with 1, rms-dash--" + run + " at 52s with 18", "PT10M"},
		{"dashnames", "rms-dash at 0s with 1, rms-dash--" + run + " at 52s with 5", "PT17.888S"},
	} {
		before, after := read(t, c.name+"-before"), read(t, c.name+"-after")
		shown, join := Continue(nil, before, Situation{Named: true})
		if join != Fresh || periods(shown) != periods(before) {
			t.Errorf("%s: %v: %s", c.name, join, periods(shown))
		}
		next, join := Continue(shown, after, Situation{Named: true})
		if join != Seam || periods(next) != c.want {
			t.Errorf("%s: %v: %s, want %s", c.name, join, periods(next), c.want)
		}
		follows(t, shown, next)
		// All else is as EMS wrote it.
		text := string(next.Bytes())
		if len(next.Periods) > 1 {
			text = strings.Replace(text, string(next.Periods[0].text)+"\n    ", "", 1)
		}
		for _, r := range [][2]string{{before.Start.Format(time.RFC3339), after.Start.Format(time.RFC3339)},
			{"rms-dash--" + run, "rms-dash"}, {"PT52S", "PT0S"}, {run + "/", ""}, {c.depth, "PT10M"}} {
			text = strings.ReplaceAll(text, r[0], r[1])
		}
		if text != string(after.Bytes()) {
			t.Errorf("%s: without what was to be changed, it is\n%s", c.name, text)
		}
	}
}

func TestNamesOfARunAreThoseOfItsObjects(t *testing.T) {
	for _, name := range []string{"dashapp-before", "dashnames-after"} {
		own := read(t, name)
		var want []string
		for _, uri := range uris(t, own) {
			want = append(want, strings.TrimPrefix(media.InRun(path.Join("g", uri), own.Run()), "g/"))
		}
		named, _ := Continue(nil, own, Situation{Named: true})
		if got := uris(t, named); !slices.Equal(got, want) {
			t.Errorf("%s: it names\n%q, want\n%q", name, got, want)
		}
		if !named.Periods[0].Named || own.Periods[0].Named {
			t.Errorf("%s: it is not seen that names have the run's in front", name)
		}
	}
}

func TestWithoutNamesTheWritersOwnBytesArePublished(t *testing.T) {
	own := written(t, 0, 0, 3)
	if next, join := Continue(nil, own, Situation{}); next != own || join != Fresh {
		t.Errorf("%v\n%s", join, next.Bytes())
	}
	later := written(t, 0, 1, 4)
	if next, join := Continue(own, later, Situation{}); next != later || join != Same {
		t.Errorf("%v\n%s", join, next.Bytes())
	}
}

func TestUniqueNamesOfFormerRunsStayListed(t *testing.T) {
	first, second := written(t, 0, 0, 3), written(t, 30*time.Second, 0, 1)
	shown, _ := Continue(nil, first, Situation{Unique: true})
	if shown != first {
		t.Error("the first run is rewritten")
	}
	next, join := Continue(shown, second, Situation{Unique: true})
	if join != Seam || len(next.Periods) != 2 || !next.Start.Equal(first.Start) {
		t.Fatalf("%v: %s", join, next.Bytes())
	}
	if now := next.last(); now.Start != 30*time.Second || now.Named ||
		!bytes.Contains(next.Bytes(), []byte(`duration="PT11.75S"`)) {
		t.Errorf("%s", next.Bytes())
	}
	if next, _ = Continue(shown, second, Situation{}); len(next.Periods) != 1 {
		t.Errorf("names that return are listed: %s", next.Bytes())
	}
}

func TestARunWithoutAClockOfItsOwnBeginsAnMPD(t *testing.T) {
	shown, again := written(t, 0, 0, 3), written(t, 0, 0, 1)
	if next, join := Continue(shown, again, Situation{Unique: true, Restarted: true}); join != Fresh || next != again {
		t.Errorf("%v: %s", join, next.Bytes())
	}
	if next, join := Continue(shown, again, Situation{Unique: true}); join != Same || next != shown {
		t.Errorf("%v: %s", join, next.Bytes())
	}
}

func TestRunsFollowOneAnother(t *testing.T) {
	const second, third = "rms-dash--20261130T090100Z", "rms-dash--20261130T090130Z"
	shown := written(t, 0, 0, 5)
	for _, step := range []struct {
		what string
		run  *MPD
		s    Situation
		join Join
		want string
	}{
		{"a new run without segments", written(t, time.Minute, 0, 0), Situation{Named: true}, Same, "rms-dash at 0s with 5"},
		{"its first segment", written(t, time.Minute, 0, 1), Situation{Named: true}, Seam,
			"rms-dash at 0s with 1, " + second + " at 1m0s with 1"},
		{"its next one", written(t, time.Minute, 0, 2), Situation{Named: true}, Same,
			"rms-dash at 0s with 1, " + second + " at 1m0s with 2"},
		{"an older version of it", written(t, time.Minute, 0, 1), Situation{Named: true}, Same,
			"rms-dash at 0s with 1, " + second + " at 1m0s with 2"},
		{"a third run", written(t, 90*time.Second, 0, 1), Situation{Named: true}, Seam,
			"rms-dash at 0s with 1, " + second + " at 1m0s with 2, " + third + " at 1m30s with 1"},
		{"the third run rolls", written(t, 90*time.Second, 1, 5), Situation{Named: true}, Same,
			"rms-dash at 0s with 1, " + second + " at 1m0s with 1, " + third + " at 1m30s with 5"},
		{"a minute has passed", written(t, 90*time.Second, 11, 5), Situation{Named: true}, Same, third + " at 1m30s with 5"},
		{"a run whose viewers have left", written(t, time.Hour, 0, 1), Situation{Named: true, TooOld: true}, Seam,
			"rms-dash--20261130T100000Z at 1h0m0s with 1"},
		{"a run whose clock was set back", written(t, time.Hour-3*time.Second, 0, 1), Situation{Named: true}, Seam,
			"rms-dash--20261130T100000Z at 1h0m0s with 1, rms-dash--20261130T095957Z at 1h0m4s with 1"},
		{"a run without names of its own", written(t, 2*time.Hour, 0, 1), Situation{}, Seam,
			"rms-dash--20261130T110000Z at 2h0m0s with 1"},
	} {
		next, join := Continue(shown, step.run, step.s)
		if join != step.join || periods(next) != step.want {
			t.Fatalf("%s: %v: %s, want %v: %s", step.what, join, periods(next), step.join, step.want)
		}
		follows(t, shown, next)
		again, _ := Continue(parse(t, bytes.Clone(shown.Bytes())), step.run, step.s)
		if !bytes.Equal(again.Bytes(), next.Bytes()) {
			t.Errorf("%s: after a restart it is\n%s", step.what, again.Bytes())
		}
		once, _ := Continue(next, step.run, step.s)
		if step.run.Periods[0].Segments > 0 && !bytes.Equal(once.Bytes(), next.Bytes()) {
			t.Errorf("%s: once more, it is\n%s", step.what, once.Bytes())
		}
		shown = next
	}
}

// Players with the right time would wait for an hour.
func TestARunWhoseClockWasSetBackFarBeginsAnMPD(t *testing.T) {
	shown, run := written(t, time.Hour, 0, 5), written(t, 0, 0, 1)
	next, join := Continue(shown, run, Situation{Named: true})
	if join != Fresh || !next.Start.Equal(run.Start) || periods(next) != "rms-dash at 0s with 1" ||
		!next.Periods[0].Named {
		t.Errorf("%v: %v: %s", join, next.Start, periods(next))
	}
}

// An encoder may drop once a second for a day.
func TestPeriodsAreBounded(t *testing.T) {
	shown := written(t, 0, 0, 1)
	for n := range 3 * maxPeriods {
		next, join := Continue(shown, written(t, time.Duration(n+1)*5*time.Second, 0, 1), Situation{Named: true})
		follows(t, shown, next)
		if shown = next; join != Seam || len(shown.Periods) > maxPeriods {
			t.Fatalf("run %d: %v with %d Periods", n, join, len(shown.Periods))
		}
	}
	if len(shown.Periods) != maxPeriods {
		t.Errorf("%d Periods stay", len(shown.Periods))
	}
}

func TestAnEndIsStatic(t *testing.T) {
	shown, _ := Continue(written(t, 0, 0, 5), written(t, time.Minute, 0, 2), Situation{Named: true})
	ended := shown.WithEnd()
	text := string(ended.Bytes())
	if !ended.Ended || !strings.Contains(text, `type="static"`) || strings.Contains(text, "minimumUpdatePeriod") ||
		strings.Contains(text, "timeShiftBufferDepth") ||
		!strings.Contains(text, `mediaPresentationDuration="PT68S"`) || periods(ended) != periods(shown) {
		t.Errorf("%s\n%s", periods(ended), text)
	}
	if ended.WithEnd() != ended {
		t.Error("it is ended twice")
	}
	// The same run goes on all the same, and so does another one.
	next, join := Continue(ended, written(t, time.Minute, 0, 3), Situation{Named: true})
	if join != Same || next.Ended || len(next.Periods) != 2 {
		t.Errorf("%v: %s", join, periods(next))
	}
	next, join = Continue(ended, written(t, 2*time.Minute, 0, 1), Situation{Named: true})
	if join != Seam || next.Ended || len(next.Periods) != 1 {
		t.Errorf("%v: %s", join, periods(next))
	}
}

func TestMPDsThatCannotBeContinued(t *testing.T) {
	own := string(written(t, 0, 0, 2).Bytes())
	for what, text := range map[string]string{
		"no availabilityStartTime": strings.Replace(own, "availabilityStartTime", "publishTime", 1),
		"a time that is none":      strings.Replace(own, began.Format(time.RFC3339), "yesterday", 1),
		"a part in another file": strings.Replace(own, "<AdaptationSet>",
			`<AdaptationSet xlink:href="http://h/a.xml">`, 1),
		"a BaseURL": strings.Replace(own, "<SegmentTemplate", "<BaseURL>a/</BaseURL><SegmentTemplate", 1),
		"a list": strings.Replace(own, "<SegmentTemplate",
			`<SegmentList><SegmentURL media="a"/></SegmentList><SegmentTemplate`, 1),
		"segments that follow a clock": strings.Replace(own, `timescale="1000"`, `timescale="1000" duration="4"`, 1),
		"an absolute address":          strings.Replace(own, `media="s/`, `media="https://h/s/`, 1),
		"a name in the root":           strings.Replace(own, `media="s/`, `media="/s/`, 1),
		"a query":                      strings.Replace(own, `.m4s"`, `.m4s?a=/b"`, 1),
		"an id that is a path":         strings.Replace(own, `id="sVideo1"`, `id="s/1"`, 1),
		"times out of range":           strings.Replace(own, `t="4000"`, `t="99999999999999999999"`, 1),
		"as many as fit":               strings.Replace(own, `d="4000"`, `d="4000" r="-1"`, 1),
		"a timescale of 0":             strings.Replace(own, `timescale="1000"`, `timescale="0"`, 1),
		"a DOCTYPE":                    strings.Replace(own, "<MPD", "<!DOCTYPE MPD><MPD", 1),
		"another root":                 "<SmoothStreamingMedia/>",
		"an end that did not begin":    strings.Replace(own, "</Period>", "</AdaptationSet></Period>", 1),
		"no Period":                    `<MPD type="dynamic" availabilityStartTime="2026-11-30T09:00:00Z"/>`,
		"half of it":                   own[:len(own)/2],
		"nothing":                      "",
	} {
		if text == own {
			t.Fatalf("%s: nothing was changed", what)
		}
		if m, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: it is read as %s", what, periods(m))
		}
	}
	if m, err := Parse([]byte(strings.Replace(own, "</Period>", `</Period><Period start="PT9S"/>`, 1))); err != nil {
		t.Error(err)
	} else if next, join := Continue(written(t, 0, 0, 2), m, Situation{Named: true}); next != m || join != Fresh {
		t.Errorf("Periods of the writer's own: %v: %s", join, periods(next))
	}
	if _, err := os.ReadFile("testdata/growing-recording.mpd"); err != nil {
		t.Error(err)
	} else if b, _ := os.ReadFile("testdata/growing-recording.mpd"); true {
		if _, err := Parse(b); err == nil {
			t.Error("a recording that grows is no live stream")
		}
	}
}

// What is unusual and right is kept.
func TestUnusualXMLIsKept(t *testing.T) {
	own := string(written(t, 0, 0, 2).Bytes())
	for _, r := range [][2]string{
		{"<Period ", "<!-- <Period> --><Period "},
		{"</Period>", "<![CDATA[</Period>]]></Period>"},
		{`id="rms-dash"`, `id='rms-dash'`},
		{"<AdaptationSet>", `<AdaptationSet note="a > b">`},
		{`start="PT0S"`, `start = "PT0S"`},
	} {
		run := parse(t, []byte(strings.Replace(strings.Replace(own, r[0], r[1], 1), "T09:00:00Z", "T09:01:00Z", 1)))
		next, join := Continue(written(t, 0, 0, 5), run, Situation{Named: true})
		if join != Seam || len(next.Periods) != 2 || !strings.Contains(string(next.Bytes()),
			strings.Replace(r[1], "rms-dash'", "rms-dash--20261130T090100Z'", 1)) &&
			!strings.Contains(r[1], "PT0S") {
			t.Errorf("%q: %v: %s\n%s", r[1], join, periods(next), next.Bytes())
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT0S": 0, "PT52S": 52 * time.Second, "PT1H2M3.5S": time.Hour + 2*time.Minute + 3500*time.Millisecond,
		"P1DT1S": 24*time.Hour + time.Second, "PT100000S": 100000 * time.Second,
	} {
		d, err := parseDuration(text)
		if err != nil || d != want {
			t.Errorf("%s is %v, %v", text, d, err)
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Errorf("%v is written as %s", d, formatDuration(d))
		}
	}
	for _, text := range []string{"", "P", "PT", "5S", "P1Y", "P1M", "-PT1S", "PT1", "PTS",
		"PT1.2.3S", "PT9999999999999S", "PT1D"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}
