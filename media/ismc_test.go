package media

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRecordedISMCs(t *testing.T) {
	testRecordings(t, "ismc", ParseISMC, []recording{
		{"start.ismc", Manifest{}, nil},
		{"growing.ismc", Manifest{Segments: 4, Sequence: 1795334976000, Last: 1795334982000, TargetDuration: 6014 * time.Millisecond}, []string{
			"live1/video/198000/1795334976000.fmp4", "live1/video/198000/1795334982000.fmp4",
			"live1/audio/198000/1795334976000.fmp4", "live1/audio/198000/1795334982000.fmp4"}},
		{"uneven.ismc", Manifest{Segments: 11, Sequence: 1795335000014, Last: 1795335030042, TargetDuration: 6014 * time.Millisecond}, []string{
			"live1/video/198000/1795335006028.fmp4", "live1/video/198000/1795335012028.fmp4", "live1/video/198000/1795335018042.fmp4",
			"live1/video/198000/1795335024042.fmp4", "live1/video/198000/1795335030042.fmp4",
			"live1/audio/198000/1795335000014.fmp4",
			"live1/audio/198000/1795335006028.fmp4", "live1/audio/198000/1795335012028.fmp4", "live1/audio/198000/1795335018042.fmp4",
			"live1/audio/198000/1795335024042.fmp4", "live1/audio/198000/1795335030042.fmp4"}},
		{"rolling.ismc", Manifest{Segments: 10, Sequence: 1795335006028, Last: 1795335030042, TargetDuration: 6014 * time.Millisecond}, []string{
			"live1/video/198000/1795335006028.fmp4", "live1/video/198000/1795335012028.fmp4", "live1/video/198000/1795335018042.fmp4",
			"live1/video/198000/1795335024042.fmp4", "live1/video/198000/1795335030042.fmp4",
			"live1/audio/198000/1795335006028.fmp4", "live1/audio/198000/1795335012028.fmp4", "live1/audio/198000/1795335018042.fmp4",
			"live1/audio/198000/1795335024042.fmp4", "live1/audio/198000/1795335030042.fmp4"}},
	})
}

// ismc is a live manifest with one stream in milliseconds.
func ismc(url, content string) string {
	return `<SmoothStreamingMedia TimeScale="1000" IsLive="true"><StreamIndex Url="` + url + `">` + content + `</StreamIndex></SmoothStreamingMedia>`
}

func TestISMCs(t *testing.T) {
	const level = `<QualityLevel Bitrate="7"/>`
	for name, c := range map[string]struct {
		text string
		want Manifest
		uris string
	}{
		"quality levels": {ismc("QualityLevels({bitrate})/Fragments(video={start time})", `<QualityLevel Bitrate="7"/><QualityLevel Bitrate="8"/><c t="5" d="10"/><c d="10"/>`),
			Manifest{Segments: 4, Sequence: 5, Last: 15, TargetDuration: 10 * time.Millisecond},
			"QualityLevels(7)/Fragments(video=5) QualityLevels(7)/Fragments(video=15) QualityLevels(8)/Fragments(video=5) QualityLevels(8)/Fragments(video=15)"},
		"all placeholders": {ismc("{Bitrate}/{bitrate}/{start_time}/{start time}/{CustomAttributes}/{other}/{", `<QualityLevel Bitrate="7"><CustomAttributes>
<Attribute Name="a" Value="1"/><Attribute Name="b" Value="2"/></CustomAttributes></QualityLevel><QualityLevel Bitrate="8"/><c t="5" d="10"/>`),
			Manifest{Segments: 2, Sequence: 5, Last: 5, TargetDuration: 10 * time.Millisecond}, "7/7/5/5/a=1,b=2/{other}/{ 8/8/5/5//{other}/{"},
		"repetitions": {ismc("{start_time}", level+`<c d="10" r="3"/><c d="5"/><c t="100" d="2" r="2"/>`),
			Manifest{Segments: 6, Sequence: 0, Last: 102, TargetDuration: 10 * time.Millisecond}, "0 10 20 30 100 102"},
		"durations that follow from times": {ismc("{start_time}", level+`<c t="4"/><c t="10" r="2"/><c t="31"/><c t="30" d="8"/><c/>`),
			Manifest{Segments: 6, Sequence: 4, Last: 38, TargetDuration: 10 * time.Millisecond}, "4 10 20 31 30 38"},
		"timescales": {`<SmoothStreamingMedia><StreamIndex Url="a{start_time}">` + level + `<c t="20000000" d="15000000"/></StreamIndex>
<StreamIndex Url="b{start_time}" TimeScale="90000">` + level + `<c t="90000" d="90000"/><c d="45000"/></StreamIndex></SmoothStreamingMedia>`,
			Manifest{Segments: 3, Sequence: 1000, Last: 2000, TargetDuration: 1500 * time.Millisecond, Ended: true}, "a20000000 b90000 b180000"},
		"fragments of tracks": {ismc("{start_time}", level+`<c t="4" d="1"><f i="0" s="10" q="1"/></c>`),
			Manifest{Segments: 1, Sequence: 4, Last: 4, TargetDuration: time.Millisecond}, "4"},
		"no quality level": {ismc("{start_time}", `<c t="4" d="1"/>`), Manifest{TargetDuration: time.Millisecond}, ""},
		"a stream without a Url and one with": {`<SmoothStreamingMedia TimeScale="1000"><StreamIndex>` + level + `<c t="4" d="1"/></StreamIndex><StreamIndex Url="{start_time}">` +
			level + `<c t="5" d="1"/></StreamIndex></SmoothStreamingMedia>`, Manifest{Segments: 1, Sequence: 5, Last: 5, TargetDuration: time.Millisecond, Ended: true}, "5"},
		"no fragments":     {ismc("{start_time}", level), Manifest{}, ""},
		"nothing":          {`<SmoothStreamingMedia IsLive="FALSE"/>`, Manifest{Ended: true}, ""},
		"live in capitals": {`<SmoothStreamingMedia IsLive="TRUE"/>`, Manifest{}, ""},
		"embedded tracks and protection": {`<SmoothStreamingMedia IsLive="true"><Protection><ProtectionHeader SystemID="x">AAAA</ProtectionHeader></Protection>
<StreamIndex Type="text"><QualityLevel Bitrate="1"/><c t="1"><f i="0">AAAA</f></c></StreamIndex></SmoothStreamingMedia>`, Manifest{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseISMC([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(uris(m), " "); got != c.uris {
				t.Errorf("references\n%s, want\n%s", got, c.uris)
			}
			checkNames(t, m)
			checkStops(t, m)
			m.references = nil
			if !reflect.DeepEqual(m, c.want) {
				t.Errorf("got %+v, want %+v", m, c.want)
			}
		})
	}
}

func TestBadISMCs(t *testing.T) {
	c := func(attributes string) malformed {
		return malformed{text: ismc("{start_time}", `<QualityLevel Bitrate="1"/><c `+attributes+`/>`)}
	}
	testMalformed(t, ParseISMC, map[string]malformed{
		"empty":                    {"", true},
		"cut":                      {`<SmoothStreamingMedia><StreamIndex Url="a"><c d="4"/>`, true},
		"another manifest":         {`<manifest/>`, false},
		"timescale 0":              {`<SmoothStreamingMedia TimeScale="0"><StreamIndex/></SmoothStreamingMedia>`, false},
		"a negative timescale":     {`<SmoothStreamingMedia TimeScale="-1"/>`, false},
		"no bitrate":               {ismc("{bitrate}", `<QualityLevel Bitrate="x"/>`), false},
		"a negative time":          c(`t="-1"`),
		"a negative duration":      c(`d="-1"`),
		"no repetitions":           c(`d="1" r="0"`),
		"times beyond 64 bits":     c(`t="18446744073709551615" d="1"`),
		"durations beyond 64 bits": c(`d="1000000000000000000" r="1000000000000000000"`),
		"a long Url":               {ismc(strings.Repeat("a", maxURI+1), `<QualityLevel Bitrate="1"/><c d="1"/>`), false},
		"a Url of long attributes": {ismc(strings.Repeat("{CustomAttributes}", 100), `<QualityLevel><CustomAttributes><Attribute Name="a" Value="`+
			strings.Repeat("a", 100)+`"/></CustomAttributes></QualityLevel><c d="1"/>`), false},
	})
}

func FuzzParseISMC(f *testing.F) {
	addRecordings(f, "ismc")
	f.Add([]byte(ismc("../../../{CustomAttributes}/{bitrate}/{start time}{x}", `<QualityLevel Bitrate="7"><CustomAttributes><Attribute Name="a" Value="1"/></CustomAttributes>
</QualityLevel><QualityLevel/><c t="5"/><c t="9" r="3"/><c d="4" n="8"><f/></c>`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := within(t, b, ParseISMC); err == nil {
			checkNames(t, m)
		}
	})
}

func BenchmarkParseISMC(b *testing.B) {
	for _, fragments := range []int{5, 20_000} {
		var text strings.Builder
		text.WriteString(`<SmoothStreamingMedia IsLive="TRUE" TimeScale="1000">`)
		for _, track := range []string{"video", "audio"} {
			fmt.Fprintf(&text, `<StreamIndex Type="%s" Url="live1/%[1]s/{bitrate}/{start_time}.fmp4"><QualityLevel Bitrate="198000"/>`, track)
			for n := range fragments {
				fmt.Fprintf(&text, "            <c d=\"6000\" n=\"%d\" t=\"%d\"/>\n", n, 1795334976000+6014*int64(n))
			}
			text.WriteString(`</StreamIndex>`)
		}
		text.WriteString(`</SmoothStreamingMedia>`)
		b.Run(fmt.Sprint(fragments), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseISMC([]byte(text.String())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
