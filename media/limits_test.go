package media

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// repeated returns n lines, each of which has its number.
func repeated(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// longAbst returns a bootstrap of n fragments, in one run or in n.
func longAbst(n int, runs bool) []byte {
	be := binary.BigEndian
	box := func(name string, body []byte) []byte {
		return append(append(be.AppendUint32(nil, uint32(8+len(body))), name...), body...)
	}
	segments := be.AppendUint32(be.AppendUint32(be.AppendUint32(append(be.AppendUint32(nil, 0), 0), 1), 1), uint32(n))
	count := 1
	if runs {
		count = n
	}
	table := be.AppendUint32(append(be.AppendUint32(be.AppendUint32(nil, 0), 1000), 0), uint32(count))
	for i := range count {
		table = be.AppendUint32(be.AppendUint64(be.AppendUint32(table, uint32(i+1)), uint64(1000*i)), 1000)
	}
	body := append(be.AppendUint32(be.AppendUint32(nil, 0), 1), 0x20)
	body = be.AppendUint64(be.AppendUint32(body, 1000), uint64(1000*n))
	body = append(be.AppendUint64(body, 0), 0, 0, 0, 0, 0)
	return box("abst", append(append(append(append(body, 1), box("asrt", segments)...), 1), box("afrt", table)...))
}

// Whatever a manifest names, and in whatever way, there is a number beyond which it is refused, and
// up to which it is not. What it takes to find that out does not grow with what it claims.
func TestManifestThatNamesTooMuchIsRefused(t *testing.T) {
	hls := func(line string) func(int) (Manifest, error) {
		return func(n int) (Manifest, error) {
			return ParsePlaylist([]byte("#EXTM3U\n" + repeated(line, n) + "#EXT-X-ENDLIST\n"))
		}
	}
	mpd := func(format string) func(int) (Manifest, error) {
		return func(n int) (Manifest, error) {
			return ParseMPD([]byte(`<MPD mediaPresentationDuration="PT1H"><Period><AdaptationSet>` +
				fmt.Sprintf(format, n) + `</AdaptationSet></Period></MPD>`))
		}
	}
	many := func(before, each, after string, parse func([]byte) (Manifest, error)) func(int) (Manifest, error) {
		return func(n int) (Manifest, error) { return parse([]byte(before + repeated(each, n) + after)) }
	}
	const template = `<SegmentTemplate media="$RepresentationID$-$Time$.m4s" timescale="1000000">`
	for name, c := range map[string]struct {
		limit int
		parse func(n int) (Manifest, error)
	}{
		"segments":                {MaxReferences, hls("#EXTINF:4,\n%d.ts\n")},
		"keys":                    {MaxReferences, hls("#EXT-X-KEY:METHOD=AES-128,URI=\"%d\"\n")},
		"maps":                    {MaxReferences, hls("#EXT-X-MAP:URI=\"%d.mp4\"\n")},
		"parts":                   {MaxReferences, hls("#EXT-X-PART:DURATION=1,URI=\"%d.mp4\"\n")},
		"session keys":            {MaxReferences, hls("#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"%d\"\n")},
		"session data":            {MaxReferences, hls("#EXT-X-SESSION-DATA:DATA-ID=\"x\",URI=\"%d\"\n")},
		"variants":                {MaxManifests, hls("#EXT-X-STREAM-INF:BANDWIDTH=1\n%d\n")},
		"renditions":              {MaxManifests, hls("#EXT-X-MEDIA:TYPE=AUDIO,URI=\"%x\"\n")},
		"I-frame playlists":       {MaxManifests, hls("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"%d.m3u8\"\n")},
		"children of an F4M":      {MaxManifests, many("<manifest>", `<media href="%d"/>`, "</manifest>", ParseF4M)},
		"media of an F4M":         {MaxReferences, many("<manifest>", `<media url="%d"/>`, "</manifest>", ParseF4M)},
		"DRM headers":             {MaxReferences, many("<manifest>", `<drmAdditionalHeader url="%d"/>`, "</manifest>", ParseF4M)},
		"bootstraps":              {MaxReferences, many("<manifest>", `<bootstrapInfo url="%d"/>`, "</manifest>", ParseF4M)},
		"a run of fragments":      {MaxReferences, bootstrapped(false)},
		"runs of fragments":       {MaxReferences, bootstrapped(true)},
		"fragments of many media": {MaxReferences / 1000, fragmentsOfMedia},
		"a bootstrap within":      {MaxReferences, inlined},
		"a timeline's repetitions": {MaxReferences, func(n int) (Manifest, error) {
			return mpd(`<Representation>` + template + `<SegmentTimeline><S d="1" r="%d"/></SegmentTimeline></SegmentTemplate></Representation>`)(n - 1)
		}},
		"a timeline's segments":     {MaxReferences, many(`<MPD><Period><AdaptationSet><Representation>`+template+`<SegmentTimeline>`, `<S t="%d" d="1"/>`, `</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`, ParseMPD)},
		"representations":           {MaxReferences, many(`<MPD><Period><AdaptationSet>`, `<Representation><BaseURL>%d.mp4</BaseURL></Representation>`, `</AdaptationSet></Period></MPD>`, ParseMPD)},
		"representations' segments": {MaxReferences / 1000, many(`<MPD><Period><AdaptationSet>`+template+`<SegmentTimeline><S d="1" r="999"/></SegmentTimeline></SegmentTemplate>`, `<Representation id="%d"/>`, `</AdaptationSet></Period></MPD>`, ParseMPD)},
		"numbered segments": {MaxReferences, func(n int) (Manifest, error) {
			return ParseMPD(fmt.Appendf(nil, `<MPD mediaPresentationDuration="PT%dS"><Period><AdaptationSet><Representation><SegmentTemplate media="$Number$" duration="1"/></Representation></AdaptationSet></Period></MPD>`, n))
		}},
		"segments with index files": {MaxReferences / 2, func(n int) (Manifest, error) {
			return mpd(`<Representation><SegmentTemplate media="$Time$" index="i$Time$"><SegmentTimeline><S d="1" r="%d"/></SegmentTimeline></SegmentTemplate></Representation>`)(n - 1)
		}},
		"a list of segments": {MaxReferences, many(`<MPD><Period><AdaptationSet><Representation><SegmentList>`, `<SegmentURL media="%d"/>`, `</SegmentList></Representation></AdaptationSet></Period></MPD>`, ParseMPD)},
		"segments of one name": {MaxReferences, func(n int) (Manifest, error) {
			return mpd(`<Representation><SegmentTemplate media="x"><SegmentTimeline><S d="1" r="%d"/></SegmentTimeline></SegmentTemplate></Representation>`)(n - 1)
		}},
		"places of segments": {MaxReferences / 4, func(n int) (Manifest, error) {
			return mpd(`<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><Representation><BaseURL>c/</BaseURL><BaseURL>d/</BaseURL>` + template + `<SegmentTimeline><S d="1" r="%d"/></SegmentTimeline></SegmentTemplate></Representation>`)(n - 1)
		}},
		"Smooth Streaming's chunks": {MaxReferences, many(`<SmoothStreamingMedia><StreamIndex Url="{start time}"><QualityLevel/>`, `<c t="%d" d="1"></c>`, `</StreamIndex></SmoothStreamingMedia>`, ParseISMC)},
		"its repetitions": {MaxReferences, func(n int) (Manifest, error) {
			return ParseISMC(fmt.Appendf(nil, `<SmoothStreamingMedia><StreamIndex Url="{start time}"><QualityLevel/><c d="1" r="%d"/></StreamIndex></SmoothStreamingMedia>`, n))
		}},
		"its quality levels' chunks": {MaxReferences / 1000, many(`<SmoothStreamingMedia><StreamIndex Url="{bitrate}/{start time}">`, `<QualityLevel Bitrate="%d"/>`, `<c d="1" r="1000"/></StreamIndex></SmoothStreamingMedia>`, ParseISMC)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := named(c.parse(c.limit)); err != nil {
				t.Errorf("with %d: %v", c.limit, err)
			}
			var many *TooManyError
			if err := named(c.parse(c.limit + 1)); !errors.As(err, &many) || many.Count <= many.Limit {
				t.Errorf("with one more: %v", err)
			}
		})
	}
}

// named goes through what m names, as far as that may be.
func named(m Manifest, err error) error {
	if err != nil {
		return err
	}
	var tally Tally
	for r := range m.References() {
		if err := tally.Add(r); err != nil {
			return err
		}
	}
	return nil
}

func bootstrapped(runs bool) func(int) (Manifest, error) {
	return func(n int) (Manifest, error) {
		b, err := ParseBootstrap(longAbst(n, runs))
		return b.Manifest([]string{"a"}), err
	}
}

func fragmentsOfMedia(n int) (Manifest, error) {
	b, err := ParseBootstrap(longAbst(1000, false))
	media := make([]string, n)
	for i := range media {
		media[i] = fmt.Sprint(i)
	}
	return b.Manifest(media), err
}

func inlined(n int) (Manifest, error) {
	content := base64.StdEncoding.EncodeToString(longAbst(n, false))
	return ParseF4M([]byte(`<manifest><bootstrapInfo>` + content + `</bootstrapInfo><media url="a"/></manifest>`))
}

// An element that names nothing takes memory, too, when it is decoded.
func TestDocumentOfTooManyElementsIsNotDecoded(t *testing.T) {
	for name, text := range map[string]string{
		"representations":     "<MPD>" + strings.Repeat("<Representation/>", 400_000) + "</MPD>",
		"elements of no kind": "<MPD>" + strings.Repeat("<x></x>", 200_000) + "</MPD>",
		"nested elements":     "<MPD>" + strings.Repeat("<x>", 300_000),
		"attributes":          "<MPD " + strings.Repeat(`a="" `, 600_000) + "/>",
		"attributes of many":  "<MPD>" + strings.Repeat(`<x a="" b="" c="" d="" e="" f=""/>`, 100_000) + "</MPD>",
	} {
		var many *TooManyError
		if _, err := ParseMPD([]byte(text)); !errors.As(err, &many) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
