package media

import (
	"fmt"
	"strings"
	"testing"
)

// What the clock tells is found on the disk: by the pattern of the names, in the order of the
// numbers, at the times that follow from them.
func TestSeries(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string // the patterns
		of   string // a name in the directory
		at   string // when that segment begins, in milliseconds
	}{
		"numbers": {mpd(`<SegmentTemplate timescale="10" duration="25" startNumber="3" media="a/$RepresentationID$-$Number%05d$.m4s"/><Representation id="v"/>`),
			"g/a v- .m4s", "v-00007.m4s", "10000"},
		"a number of another width": {mpd(`<SegmentTemplate duration="2" media="$Number%05d$.m4s"/><Representation id="v"/>`), "g  .m4s", "7.m4s", ""},
		"a number before the first": {mpd(`<SegmentTemplate duration="2" startNumber="8" media="$Number$.m4s"/><Representation id="v"/>`), "g  .m4s", "7.m4s", ""},
		"times":                     {mpd(`<SegmentTemplate timescale="10" duration="25" presentationTimeOffset="100" media="$Time$"/><Representation id="v"/>`), "g  ", "150", "5000"},
		"a timeline without an end": {mpd(`<SegmentTemplate media="s$Number$"><SegmentTimeline><S t="10" d="2" r="2"/><S d="4" r="-1"/></SegmentTimeline></SegmentTemplate><Representation id="v"/>`),
			"g s ", "s5", "20000"},
		"in another directory": {`<MPD type="dynamic"><BaseURL>../h/</BaseURL><Period start="PT1S"><AdaptationSet><SegmentTemplate duration="2" media="$Number$.ts?x=y"/><Representation id="v"/>
</AdaptationSet></Period></MPD>`, "h  .ts", "2.ts", "3000"},
		"an end that may still be changed": {`<MPD type="dynamic"><Period start="PT0S" duration="PT1H"><AdaptationSet><SegmentTemplate duration="2" media="$Number$"/><Representation id="v"/></AdaptationSet></Period></MPD>`,
			"g  ", "1", "0"},
		"alternatives": {`<MPD type="dynamic"><BaseURL>a/</BaseURL><BaseURL>http://h/</BaseURL><BaseURL>b%20c/</BaseURL><Period><AdaptationSet><SegmentTemplate duration="2" media="$Number$"/><Representation id="v"/>
</AdaptationSet></Period></MPD>`, "g/a  , g/b c  ", "1", "0"},
		"a number that is a directory": {mpd(`<SegmentTemplate duration="2" media="$Number$/a"/><Representation id="v"/>`), "unordered", "", ""},
		"two numbers":                  {mpd(`<SegmentTemplate duration="2" media="$Number$-$Time$"/><Representation id="v"/>`), "unordered", "", ""},
	} {
		m, err := ParseMPD([]byte(c.text))
		if err != nil || len(m.Series) != 1 || !m.IsOpen() {
			t.Fatalf("%s: %+v, %v", name, m, err)
		}
		patterns, ok := m.Series[0].Patterns(NewNames("g", RootAddresses{}))
		var got []string
		for _, p := range patterns {
			got = append(got, fmt.Sprint(p.Dir, " ", p.Before, " ", p.After))
		}
		if all := strings.Join(got, ", "); ok && all != c.want || ok == (c.want == "unordered") {
			t.Errorf("%s: %q, %v, want %q", name, all, ok, c.want)
		}
		if !ok {
			continue
		}
		n, isNumber := patterns[0].Number(c.of)
		ms, begins := m.Series[0].Begins(n)
		if at := fmt.Sprint(ms); (isNumber && begins) != (c.at != "") || c.at != "" && at != c.at {
			t.Errorf("%s: %s is %d, %v, at %s, %v, want %s", name, c.of, n, isNumber, at, begins, c.at)
		}
	}
}

// Where a presentation is whole, or says what there is, nothing is looked for.
func TestPresentationsWithoutSeries(t *testing.T) {
	for name, text := range map[string]string{
		"static":           `<MPD><Period duration="PT4S"><AdaptationSet><SegmentTemplate duration="2" media="$Number$"/><Representation/></AdaptationSet></Period></MPD>`,
		"a timeline":       mpd(`<SegmentTemplate media="$Number$"><SegmentTimeline><S d="4"/></SegmentTimeline></SegmentTemplate><Representation/>`),
		"a name for all":   mpd(`<SegmentTemplate duration="2" media="a"/><Representation/>`),
		"a list":           mpd(`<SegmentList duration="2"><SegmentURL media="a"/></SegmentList><Representation/>`),
		"unknown parts":    mpd(`<SegmentTemplate duration="2" media="$Number$$x$"/><Representation/>`),
		"no length at all": mpd(`<SegmentTemplate media="$Number$"/><Representation/>`),
	} {
		if m, err := ParseMPD([]byte(text)); err != nil || m.IsOpen() {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	text := mpd(`<SegmentTemplate duration="2" media="$RepresentationID$-$Number$"/>` + strings.Repeat("<Representation/>", maxSeries+1))
	if m, err := ParseMPD([]byte(text)); err != nil || len(m.Series) != maxSeries || m.Unordered == "" {
		t.Errorf("%d series, %q, %v", len(m.Series), m.Unordered, err)
	}
}
