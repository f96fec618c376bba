package media

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRecordedMPDs(t *testing.T) {
	began := time.Date(2026, 11, 22, 8, 9, 35, 0, time.UTC)
	testRecordings(t, "mpd", ParseMPD, []recording{
		{"start.mpd", Manifest{Began: began}, []string{"live1/video/198000/seg_init.mp4", "live1/audio/198000/seg_init.mp4"}},
		{"growing.mpd", Manifest{Segments: 4, Sequence: 0, Last: 4017, TargetDuration: 4017 * time.Millisecond, Began: began}, []string{
			"live1/video/198000/seg_init.mp4", "live1/video/198000/segment_0.m4s", "live1/video/198000/segment_4000.m4s",
			"live1/audio/198000/seg_init.mp4", "live1/audio/198000/segment_0.m4s", "live1/audio/198000/segment_4017.m4s"}},
		{"rolling.mpd", Manifest{Segments: 10, Sequence: 24085, Last: 40170, TargetDuration: 4017 * time.Millisecond, Began: began}, []string{
			"live1/video/198000/seg_init.mp4",
			"live1/video/198000/segment_24085.m4s", "live1/video/198000/segment_28102.m4s", "live1/video/198000/segment_32119.m4s",
			"live1/video/198000/segment_36136.m4s", "live1/video/198000/segment_40153.m4s",
			"live1/audio/198000/seg_init.mp4",
			"live1/audio/198000/segment_24102.m4s", "live1/audio/198000/segment_28119.m4s", "live1/audio/198000/segment_32136.m4s",
			"live1/audio/198000/segment_36153.m4s", "live1/audio/198000/segment_40170.m4s"}},
	})
}

// mpd is an MPD with one Period of one AdaptationSet.
func mpd(set string) string {
	return `<MPD type="dynamic"><Period start="PT0S"><AdaptationSet>` + set + `</AdaptationSet></Period></MPD>`
}

func TestMPDs(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Manifest
		uris string
	}{
		"times that follow from durations": {mpd(`<Representation id="v" bandwidth="7"><SegmentTemplate timescale="10" media="$Time$">
<SegmentTimeline><S d="40"/><S d="30" r="2"/><S t="200" d="50" r="1"/><S d="10"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{Segments: 7, Sequence: 0, Last: 30000, TargetDuration: 5 * time.Second}, "0 40 70 100 200 250 300"},
		"all identifiers": {mpd(`<Representation id="v%" bandwidth="70"><SegmentTemplate startNumber="9" initialization="$RepresentationID$/$Bandwidth%04d$/init"
media="$RepresentationID$/$Bandwidth$-$Number%03d$-$Number$-$Time%05d$-$Time%01d$-$$%d"><SegmentTimeline><S t="1234" d="1" r="1"/></SegmentTimeline>
</SegmentTemplate></Representation>`),
			Manifest{Segments: 2, Sequence: 1234000, Last: 1235000, TargetDuration: time.Second},
			"v%/0070/init v%/70-009-9-01234-1234-$%d v%/70-010-10-01235-1235-$%d"},
		"as many as fit before the next": {mpd(`<Representation id="v"><SegmentTemplate media="$Time$"><SegmentTimeline>
<S t="0" d="4" r="-1"/><S t="16" d="4" r="-1"/><S t="21" d="3"/><S d="2" r="-1"/><S t="20" d="1"/><S d="1" r="-1"/><S d="1"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{Segments: 11, Sequence: 0, Last: 22000, TargetDuration: 4 * time.Second}, "0 4 8 12 16 20 21 24 20 21 22"},
		"as many as fit, to an end that is not known": {mpd(`<Representation id="v"><SegmentTemplate media="$Time$"><SegmentTimeline>
<S t="8" d="4" r="-1"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{Segments: 1, Sequence: 8000, Last: 8000, TargetDuration: 4 * time.Second}, "8"},
		"as many as fit into the Period": {`<MPD><Period duration="PT10.5S"><AdaptationSet><Representation id="v"><SegmentTemplate timescale="10" presentationTimeOffset="100"
media="$Time$"><SegmentTimeline><S t="100" d="40" r="-1"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 3, Sequence: 0, Last: 8000, TargetDuration: 4 * time.Second, Ended: true}, "100 140 180"},
		"Periods": {`<MPD mediaPresentationDuration="PT60S" type="static">
<Period duration="PT8S"><AdaptationSet><SegmentTemplate media="a$Time$" duration="4"/><Representation id="v"/></AdaptationSet></Period>
<Period><AdaptationSet><SegmentTemplate media="b$Time$" presentationTimeOffset="1000"><SegmentTimeline><S t="1004" d="4" r="-1"/></SegmentTimeline></SegmentTemplate>
<Representation id="v"/></AdaptationSet></Period>
<Period start="PT20S"><AdaptationSet><SegmentTemplate media="c$Number$" startNumber="7" duration="20"/><Representation id="v"/></AdaptationSet></Period>
</MPD>`, Manifest{Segments: 6, Sequence: 0, Last: 40000, TargetDuration: 20 * time.Second, Ended: true}, "a0 a4 b1004 b1008 c7 c8"},
		"Periods of which one has no known time": {`<MPD mediaPresentationDuration="PT60S" type="dynamic">
<Period><AdaptationSet><SegmentTemplate media="a$Number$" initialization="i" duration="4"/><Representation id="v"/></AdaptationSet></Period>
<Period><AdaptationSet><SegmentTemplate media="b$Number$" initialization="j" duration="4"/><Representation id="v"/></AdaptationSet></Period>
</MPD>`, Manifest{TargetDuration: 4 * time.Second}, "i j"},
		"inheritance": {`<MPD><Period duration="PT4S"><SegmentTemplate timescale="10" duration="20" startNumber="5" initialization="$RepresentationID$.init" media="none"/>
<AdaptationSet><SegmentTemplate media="$RepresentationID$-$Number$"/>
<Representation id="a"/><Representation id="b"><SegmentTemplate startNumber="0" initialization="b.mp4"/></Representation>
<Representation id="c"><SegmentTemplate><SegmentTimeline><S t="3" d="1"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>
<AdaptationSet><Representation id="d"><SegmentTemplate duration="40"/></Representation></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 6, Sequence: 0, Last: 2000, TargetDuration: 4 * time.Second, Ended: true},
			"a.init a-5 a-6 b.mp4 b-0 b-1 c.init c-5 d.init none"},
		"inherited files": {mpd(`<SegmentTemplate media="$Number$" index="$Number$.idx" bitstreamSwitching="switch" presentationTimeOffset="3">
<SegmentTimeline><S t="3" d="1" r="1"/></SegmentTimeline><Initialization sourceURL="init"/><RepresentationIndex sourceURL="sidx"/><BitstreamSwitching sourceURL="bs"/></SegmentTemplate>
<Representation id="v"><SegmentTemplate timescale="2"/></Representation>`),
			Manifest{Segments: 2, Sequence: 0, Last: 500, TargetDuration: 500 * time.Millisecond}, "init switch bs sidx 1 1.idx 2 2.idx"},
		"a duration, dynamic": {mpd(`<Representation id="v"><SegmentTemplate duration="4" initialization="init" media="$Number$"/></Representation>`),
			Manifest{TargetDuration: 4 * time.Second}, "init"},
		"a duration, dynamic, in a Period with an end": {`<MPD type="dynamic"><Period start="PT100S"><AdaptationSet>
<SegmentTemplate duration="4" initialization="init" media="$Number$"/><Representation id="v"/></AdaptationSet></Period><Period start="PT109S"/></MPD>`,
			Manifest{TargetDuration: 4 * time.Second}, "init"},
		"a template for one segment": {`<MPD><Period start="PT3S"><AdaptationSet><SegmentTemplate media="$RepresentationID$.$Number$.vtt"/>
<Representation id="en"/></AdaptationSet></Period></MPD>`, Manifest{Segments: 1, Sequence: 3000, Last: 3000, Ended: true}, "en.1.vtt"},
		"a template for init segments": {mpd(`<Representation id="v"><SegmentTemplate initialization="init"><SegmentTimeline><S d="1"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{TargetDuration: time.Second}, "init"},
		"a template for init segments and index files": {`<MPD><Period duration="PT1H"><AdaptationSet><SegmentTemplate initialization="init" index="$Number$" duration="1"/><Representation id="v"/>
</AdaptationSet></Period></MPD>`, Manifest{TargetDuration: time.Second, Ended: true}, "init"},
		"a template that makes no name": {mpd(`<Representation><SegmentTemplate media="$RepresentationID$" initialization="$RepresentationID$"><SegmentTimeline><S d="1"/></SegmentTimeline>
</SegmentTemplate></Representation>`), Manifest{TargetDuration: time.Second}, ""},
		"a list": {`<MPD><Period><AdaptationSet><SegmentList timescale="10" duration="45"><Initialization sourceURL="init"/><RepresentationIndex sourceURL="sidx"/>
<SegmentURL media="a" index="a.idx"/><SegmentURL media="b" mediaRange="0-9"/><SegmentURL media="c"/></SegmentList>
<Representation id="v"/></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 3, Sequence: 0, Last: 9000, TargetDuration: 4500 * time.Millisecond, Ended: true}, "init sidx a a.idx b c"},
		"a list with times": {mpd(`<Representation id="v"><SegmentList><SegmentTimeline><S t="100" d="2" r="2"/></SegmentTimeline>
<SegmentURL media="a"/><SegmentURL media="b"/><SegmentURL media="c"/></SegmentList></Representation>`),
			Manifest{Segments: 3, Sequence: 100000, Last: 104000, TargetDuration: 2 * time.Second}, "a b c"},
		"a list without times": {mpd(`<SegmentList startNumber="4"><SegmentURL media="a"/><SegmentURL media="b"/></SegmentList><Representation id="v"/>`),
			Manifest{Segments: 2, Sequence: 4, Last: 5}, "a b"},
		"a list of ranges": {mpd(`<Representation id="v"><BaseURL>all.mp4</BaseURL><SegmentList><Initialization range="0-9"/>
<SegmentURL mediaRange="10-19"/><SegmentURL mediaRange="20-29"/><SegmentURL media="b"/></SegmentList></Representation>`),
			Manifest{Segments: 3, Sequence: 1, Last: 3}, "all.mp4 all.mp4 b"},
		"a list of ranges of no file": {mpd(`<Representation id="v"><SegmentList><SegmentURL mediaRange="10-19"/><SegmentURL media="b"/></SegmentList></Representation>`),
			Manifest{Segments: 1, Sequence: 1, Last: 1}, "b"},
		"an inherited list": {mpd(`<SegmentList><SegmentURL media="a"/></SegmentList><Representation id="v"><SegmentList><Initialization sourceURL="init"/></SegmentList></Representation>
<Representation id="w"><SegmentList><SegmentURL media="b"/></SegmentList></Representation>`),
			Manifest{Segments: 2, Sequence: 1, Last: 1}, "init a b"},
		"lists with and without times": {mpd(`<Representation id="v"><SegmentList startNumber="100000"><SegmentURL media="a"/></SegmentList></Representation>
<Representation id="w"><SegmentList duration="2"><SegmentURL media="b"/><SegmentURL media="c"/></SegmentList></Representation>`),
			Manifest{Segments: 3, Sequence: 0, Last: 2000, TargetDuration: 2 * time.Second}, "a b c"},
		"a whole file": {`<MPD><Period><AdaptationSet><Representation id="v"><BaseURL> v.mp4 </BaseURL><SegmentBase indexRange="0-9"><Initialization range="0-9"/></SegmentBase></Representation>
<Representation id="a"><BaseURL>a.mp4</BaseURL><SegmentBase><Initialization sourceURL="a.init"/><RepresentationIndex sourceURL="a.sidx"/></SegmentBase></Representation>
<Representation id="t"><BaseURL>t.vtt</BaseURL></Representation><Representation id="n"/></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 3, Ended: true}, "v.mp4 a.init a.sidx a.mp4 t.vtt"},
		"BaseURLs of all levels": {`<MPD><BaseURL>a/</BaseURL><Period><BaseURL>b/</BaseURL><AdaptationSet><BaseURL>c/x</BaseURL><Representation id="v"><BaseURL>d/</BaseURL>
<SegmentTemplate initialization="init" media="../m"/></Representation><Representation id="w"><SegmentTemplate media="/n"/></Representation>
<Representation id="x"><BaseURL/><SegmentTemplate media="http://h/o"/></Representation></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 3, Ended: true}, "a/b/c/d/init a/b/c/d/../m /n http://h/o"},
		"alternative BaseURLs": {`<MPD><BaseURL>a/</BaseURL><BaseURL>http://h/b/</BaseURL><Period><AdaptationSet><Representation id="v"><BaseURL>c/</BaseURL><BaseURL>d/</BaseURL>
<SegmentTemplate initialization="i" media="m"/></Representation></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 4, Ended: true}, "a/c/i http://h/b/c/i a/d/i http://h/b/d/i a/c/m http://h/b/c/m a/d/m http://h/b/d/m"},
		"as many alternatives as there may be": {`<MPD>` + strings.Repeat(`<BaseURL>a/</BaseURL>`, maxBases/2) + `<Period>` + strings.Repeat(`<BaseURL>b/</BaseURL>`, 2) +
			`<AdaptationSet><SegmentTemplate media="c"/><Representation/></AdaptationSet></Period></MPD>`,
			Manifest{Segments: maxBases, Ended: true}, strings.Repeat(" a/b/c", maxBases)[1:]},
		"the lower kind of segments": {mpd(`<SegmentTemplate media="none"/><Representation id="v"><SegmentList><SegmentURL media="a"/></SegmentList></Representation>`),
			Manifest{Segments: 1, Sequence: 1, Last: 1}, "a"},
		"other files": {`<MPD xmlns:xlink="http://www.w3.org/1999/xlink"><Location>http://h/x.mpd</Location><Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>
<Period><EventStream><Event><AdaptationSet><Representation id="no"><BaseURL>no</BaseURL></Representation></AdaptationSet></Event></EventStream>
<AdaptationSet xlink:href="http://h/set.xml"/><AdaptationSet><Representation id="v"><BaseURL>yes</BaseURL></Representation></AdaptationSet></Period></MPD>`,
			Manifest{Segments: 1, Ended: true}, "yes"},
		"files that players can do without": {`<MPD type="dynamic" xmlns:xlink="http://www.w3.org/1999/xlink"><PatchLocation ttl="60">patch.mpp?t=1</PatchLocation>
<Period xlink:href="ad.xml" xlink:actuate="onLoad"/><Period start="PT0S"><AdaptationSet xlink:href="set.xml"/></Period>
<ContentSteering defaultServiceLocation="a">steer.json?a=1</ContentSteering><ServiceDescription><ContentSteering>s/t.json</ContentSteering></ServiceDescription>
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time.txt http://h/time"/><UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026"/></MPD>`,
			Manifest{}, "patch.mpp?t=1 steer.json?a=1 s/t.json time.txt ad.xml set.xml"},
		"an offset below 0": {mpd(`<Representation id="v"><SegmentTemplate media="$Number$" presentationTimeOffset="-1"><SegmentTimeline><S t="0" d="2"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{Segments: 1, TargetDuration: 2 * time.Second}, "1"},
		"identifiers that are not known": {mpd(`<Representation id="v"><SegmentTemplate media="$Number$-$SubNumber$" initialization="init" bitstreamSwitching="$Number%5d$"><SegmentTimeline><S t="0" d="2"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{TargetDuration: 2 * time.Second, Unordered: "$Number$-$?$"}, "init"},
		"a number below 0": {mpd(`<Representation id="v"><SegmentTemplate media="$Number$" initialization="init" startNumber="-1"><SegmentTimeline><S t="0" d="2" r="-1"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{TargetDuration: 2 * time.Second, Unordered: "$Number$"}, "init"},
		"nothing":      {`<MPD type="dynamic"/>`, Manifest{}, ""},
		"another type": {`<MPD type="static"><Period/></MPD>`, Manifest{Ended: true}, ""},
		"a time before the Period": {mpd(`<Representation id="v"><SegmentTemplate media="$Time$" presentationTimeOffset="10"><SegmentTimeline><S t="8" d="4" r="1"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{Segments: 2, Sequence: 0, Last: 2000, TargetDuration: 4 * time.Second}, "8 12"},
		"segments without a length": {mpd(`<Representation id="v"><SegmentTemplate media="$Number$"><SegmentTimeline><S t="8" d="0" r="1"/><S d="0" r="-1"/><S t="9" d="1"/></SegmentTimeline></SegmentTemplate></Representation>`),
			Manifest{Segments: 4, Sequence: 8000, Last: 9000, TargetDuration: time.Second}, "1 2 3 4"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMPD([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(uris(m), " "); got != c.uris {
				t.Errorf("references\n%s, want\n%s", got, c.uris)
			}
			checkNames(t, m)
			checkStops(t, m)
			m.references, m.Series = nil, nil // see TestSeries
			if !reflect.DeepEqual(m, c.want) {
				t.Errorf("got %+v, want %+v", m, c.want)
			}
		})
	}
}

// A few bytes can name any number of segments; they are counted without going through them.
func TestHugeMPD(t *testing.T) {
	m, err := ParseMPD([]byte(mpd(`<SegmentTemplate media="$Time$"><SegmentTimeline><S t="1000000000000000000" d="1" r="9000000000000000000"/>
<S d="0" r="9223372036854775807"/></SegmentTimeline></SegmentTemplate><Representation id="v"/><Representation id="w"/>`)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Segments != math.MaxInt {
		t.Errorf("%d segments", m.Segments)
	}
	for r := range m.References() {
		if r.URI != "1000000000000000000" {
			t.Error(r.URI)
		}
		break
	}
}

// Players know more identifiers than we do, or leave those that are wrong as they are. Neither is a
// reason to hold the manifest back; but such names tell no file.
func TestIdentifiersThatAreNotKnownNameNoSegments(t *testing.T) {
	for _, name := range []string{
		"$Foo$", "$number$", "a$Number", "$Number%05x$", "$Number%5d$", "$Number%d$",
		"$Number%0256d$", "$RepresentationID%05d$", "$%05d$",
	} {
		m, err := ParseMPD([]byte(mpd(`<Representation id="v"><SegmentTemplate initialization="init" media="` + name +
			`"><SegmentTimeline><S d="1"/></SegmentTimeline></SegmentTemplate></Representation>`)))
		if err != nil || m.Unordered == "" || m.Segments != 0 || !slices.Equal(uris(m), []string{"init"}) {
			t.Errorf("%s: %v, %d segments, %q, unordered %q", name, err, m.Segments, uris(m), m.Unordered)
		}
	}
}

func TestBadMPDs(t *testing.T) {
	template := func(attributes string) malformed {
		return malformed{text: mpd(`<Representation id="v"><SegmentTemplate ` + attributes + `/></Representation>`)}
	}
	s := func(attributes string) malformed {
		return malformed{text: mpd(`<Representation id="v"><SegmentTemplate media="$Time$"><SegmentTimeline><S ` + attributes + `/></SegmentTimeline></SegmentTemplate></Representation>`)}
	}
	alternatives := strings.Repeat(`<BaseURL>a</BaseURL>`, 6)
	testMalformed(t, ParseMPD, map[string]malformed{
		"empty":                         {"", true},
		"cut":                           {`<MPD><Period><AdaptationSet><Representation><SegmentTemplate><SegmentTimeline><S d="4"/>`, true},
		"another manifest":              {`<SmoothStreamingMedia/>`, false},
		"timescale 0":                   template(`timescale="0"`),
		"a negative number":             template(`timescale="-1"`),
		"a number of 65 bits":           template(`timescale="18446744073709551616"`),
		"a fraction":                    template(`duration="1.5"`),
		"duration 0":                    template(`duration="0" media="$Number$"`),
		"a long template":               template(`media="` + strings.Repeat("a", maxURI+1) + `"`),
		"a template of long names":      {mpd(`<Representation id="` + strings.Repeat("a", maxURI/2) + `"><SegmentTemplate initialization="$RepresentationID$/$RepresentationID$/"/></Representation>`), false},
		"a segment without a duration":  s(`t="1"`),
		"a negative time":               s(`t="-1" d="1"`),
		"a negative duration":           s(`d="-1"`),
		"no number of repetitions":      s(`d="1" r="x"`),
		"too many repetitions":          s(`d="1" r="9223372036854775808"`),
		"times beyond 64 bits":          s(`t="18446744073709551615" d="1"`),
		"durations beyond 64 bits":      s(`d="1000000000000000000" r="1000000000000000000"`),
		"numbers beyond 64 bits":        {mpd(`<Representation><SegmentList presentationTimeOffset="18446744073709551615" duration="1"><SegmentURL media="a"/></SegmentList></Representation>`), false},
		"no duration":                   {`<MPD mediaPresentationDuration="1 hour"/>`, false},
		"no start":                      {`<MPD><Period start="x"/></MPD>`, false},
		"too many BaseURLs":             {`<MPD>` + alternatives + `<Period>` + alternatives + `</Period></MPD>`, false},
		"too many BaseURLs of a set":    {`<MPD>` + alternatives + `<Period><AdaptationSet>` + alternatives + `</AdaptationSet></Period></MPD>`, false},
		"too many BaseURLs of a track":  {`<MPD>` + alternatives + `<Period><AdaptationSet><Representation>` + alternatives + `</Representation></AdaptationSet></Period></MPD>`, false},
		"too many BaseURLs of the file": {`<MPD>` + strings.Repeat(alternatives, 6) + `</MPD>`, false},
		"a long BaseURL":                {`<MPD><BaseURL>` + strings.Repeat("a", maxURI+1) + `</BaseURL></MPD>`, false},
	})
}

func FuzzParseMPD(f *testing.F) {
	addRecordings(f, "mpd")
	f.Add([]byte(`<MPD mediaPresentationDuration="PT60S"><BaseURL>a/</BaseURL><BaseURL>../../../b</BaseURL><Period duration="PT8S"><SegmentTemplate duration="4" startNumber="3"
presentationTimeOffset="2" timescale="10" index="$Number$.i" bitstreamSwitching="b" initialization="i"/><AdaptationSet><SegmentTemplate media="$RepresentationID$/$Bandwidth$/$Time%05d$$$"/>
<Representation id="v" bandwidth="7"/><Representation id="../../.."><SegmentTemplate><SegmentTimeline><S t="3" d="2" r="-1"/><S d="3" r="2"/></SegmentTimeline></SegmentTemplate>
</Representation></AdaptationSet></Period></MPD>`))
	f.Add([]byte(`<MPD type="static"><Period start="P1DT1H"><AdaptationSet><SegmentList duration="4"><Initialization sourceURL="i"/><SegmentURL media="/m" index="x"/>
<SegmentURL mediaRange="1-2"/></SegmentList><Representation><BaseURL>b</BaseURL></Representation></AdaptationSet><AdaptationSet><SegmentBase><RepresentationIndex sourceURL="r"/>
</SegmentBase><Representation/><Representation><BaseURL>http://h</BaseURL></Representation></AdaptationSet></Period></MPD>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := within(t, b, ParseMPD); err == nil {
			checkNames(t, m)
		}
	})
}

func BenchmarkParseMPD(b *testing.B) {
	for _, segments := range []int{5, 20_000} {
		var text strings.Builder
		text.WriteString(`<?xml version="1.0" encoding="utf-8"?><MPD type="dynamic" xmlns="urn:mpeg:dash:schema:mpd:2011"><Period id="rms-dash" start="PT0S">`)
		for _, track := range []string{"video", "audio"} {
			fmt.Fprintf(&text, `<AdaptationSet><Representation bandwidth="198000" id="live1%s198000"><SegmentTemplate initialization="live1/%[1]s/198000/seg_init.mp4"
media="live1/%[1]s/198000/segment_$Time$.m4s" timescale="1000">
                    <SegmentTimeline>
`, track)
			for n := range segments {
				fmt.Fprintf(&text, "                        <S d=\"4000\" t=\"%d\"/>\n", n*4017)
			}
			text.WriteString(`</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>`)
		}
		text.WriteString(`</Period></MPD>`)
		b.Run(fmt.Sprint(segments), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseMPD([]byte(text.String())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
