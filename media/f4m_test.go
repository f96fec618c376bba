package media

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRecordedF4Ms(t *testing.T) {
	testRecordings(t, "f4m", ParseF4M, []recording{
		{"manifest.f4m", Manifest{Set: true}, []string{"live1/live1.f4m"}},
		{"manifest_v1.f4m", Manifest{Media: []BootstrappedMedia{{"live1/bootstrap", "live1/f4v"}}}, []string{"live1/bootstrap"}},
		{"live1.f4m", Manifest{Media: []BootstrappedMedia{{"bootstrap", "f4v"}}}, []string{"bootstrap"}},
	})
}

func TestF4Ms(t *testing.T) {
	vod := base64.StdEncoding.EncodeToString(abst{timescale: 1000, now: 10000,
		asrt: []abstTable{{runs: runs{{1, 3}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 4000}, {3, 8000, 2000}}}}}.bytes())
	later := base64.StdEncoding.EncodeToString(abst{timescale: 1000, now: 26000,
		asrt: []abstTable{{runs: runs{{1, 2}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{5, 16000, 5000}}}}}.bytes())
	for name, c := range map[string]struct {
		text string
		want Manifest
		uris []string
	}{
		"nothing, at the end of a stream": {`<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns="http://ns.adobe.com/f4m/1.0">
<id>f4v</id>
<streamType>live</streamType>
</manifest>`, Manifest{}, nil},
		"a set of 2.0": {`<manifest xmlns="http://ns.adobe.com/f4m/2.0"><baseURL>sub</baseURL>
<media href="low/low.f4m" bitrate="1"/><media href="http://h/high.f4m" bitrate="2"/></manifest>`,
			Manifest{Set: true}, []string{"sub/low/low.f4m", "http://h/high.f4m"}},
		"adaptive sets of 3.0": {`<f:manifest xmlns:f="http://ns.adobe.com/f4m/3.0">
<f:adaptiveSet alternate="true"><f:media href="a.f4m"/></f:adaptiveSet><f:adaptiveSet><f:media href="b.f4m"/></f:adaptiveSet></f:manifest>`,
			Manifest{Set: true}, []string{"a.f4m", "b.f4m"}},
		"a bootstrap that media share": {`<manifest><bootstrapInfo id="b1" url="x/boot"/><bootstrapInfo id="b2" url="boot2"/>
<media bootstrapInfoId="b1" url="low"/><media bootstrapInfoId="b2" url="other"/><media bootstrapInfoId="b1" url="high"/></manifest>`,
			Manifest{Media: []BootstrappedMedia{{"x/boot", "low"}, {"boot2", "other"}, {"x/boot", "high"}}}, []string{"x/boot", "boot2"}},
		"a bootstrap without id": {`<manifest><media url="a"/><media bootstrapInfoId="b" url="b"/>
<bootstrapInfo url="boot"/><bootstrapInfo id="b" url="boot2"/></manifest>`,
			Manifest{Media: []BootstrappedMedia{{"boot", "a"}, {"boot2", "b"}}}, []string{"boot", "boot2"}},
		"a bootstrap that is not there": {`<manifest><media bootstrapInfoId="b" url="b"/></manifest>`, Manifest{}, nil},
		"a base": {`<manifest><baseURL> http://h/d </baseURL><bootstrapInfo id="b" url="boot"/>
<bootstrapInfo id="c" url="/top/boot"/><media bootstrapInfoId="b" url="f4v"/><media bootstrapInfoId="c" url="https://i/f4v"/></manifest>`,
			Manifest{Media: []BootstrappedMedia{{"http://h/d/boot", "http://h/d/f4v"}, {"http://h/top/boot", "https://i/f4v"}}},
			[]string{"http://h/d/boot", "http://h/top/boot"}},
		"recorded, with the bootstrap inside": {`<manifest><streamType>recorded</streamType><baseURL>d/</baseURL>
<bootstrapInfo id="b">
  ` + vod[:40] + "\r\n\t" + vod[40:] + `
</bootstrapInfo><media bootstrapInfoId="b" url="low"><metadata>AgAK</metadata></media><media bootstrapInfoId="b" url="high"/></manifest>`,
			Manifest{Segments: 6, Sequence: 1, Last: 3, TargetDuration: 4 * time.Second, Ended: true},
			[]string{"d/lowSeg1-Frag1", "d/lowSeg1-Frag2", "d/lowSeg1-Frag3", "d/highSeg1-Frag1", "d/highSeg1-Frag2", "d/highSeg1-Frag3"}},
		"two bootstraps inside": {`<manifest><bootstrapInfo id="b">` + later + `</bootstrapInfo><bootstrapInfo id="c">` + vod + `</bootstrapInfo>
<media bootstrapInfoId="b" url="x"/><media bootstrapInfoId="c" url="y"/></manifest>`,
			Manifest{Segments: 5, Sequence: 1, Last: 6, TargetDuration: 5 * time.Second},
			[]string{"xSeg1-Frag5", "xSeg1-Frag6", "ySeg1-Frag1", "ySeg1-Frag2", "ySeg1-Frag3"}},
		"a bootstrap inside and a newer one in a file": {`<manifest><bootstrapInfo id="b" url="boot">` + vod + `</bootstrapInfo>
<media bootstrapInfoId="b" url="f4v"/></manifest>`,
			Manifest{Media: []BootstrappedMedia{{"boot", "f4v"}}}, []string{"boot"}},
		"whole files": {`<manifest><streamType>recorded</streamType><media url="low.flv"/><media url="rtmp://h/app/high"/></manifest>`,
			Manifest{Segments: 2, Ended: true}, []string{"low.flv", "rtmp://h/app/high"}},
		"multicast": {`<manifest><media url="x" groupspec="G:1" multicastStreamName="x"/></manifest>`, Manifest{}, nil},
		"DRM":       {`<manifest><drmAdditionalHeader id="d" url="drm.header"/><drmAdditionalHeader>AAAA</drmAdditionalHeader></manifest>`, Manifest{}, []string{"drm.header"}},
		"a set and media of its own": {`<manifest><bootstrapInfo id="b" url="boot"/><media href="a.f4m"/><media url="f4v" bootstrapInfoId="b"/></manifest>`,
			Manifest{Media: []BootstrappedMedia{{"boot", "f4v"}}}, []string{"boot", "a.f4m"}},
		"a set and a bootstrap":  {`<manifest><bootstrapInfo id="b" url="boot"/><media href="a.f4m"/></manifest>`, Manifest{}, []string{"boot", "a.f4m"}},
		"media without anything": {`<manifest><media bitrate="1"/><media href="" url=""/></manifest>`, Manifest{}, nil},
		"live or recorded":       {`<manifest><streamType>liveOrRecorded</streamType></manifest>`, Manifest{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseF4M([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := uris(m); !reflect.DeepEqual(got, c.uris) {
				t.Errorf("references %q, want %q", got, c.uris)
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

func TestBadF4Ms(t *testing.T) {
	long := strings.Repeat("a", maxURI+1)
	boot := string(abst{timescale: 1000, asrt: []abstTable{{runs: runs{{1, 3}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 4000}}}}}.bytes())
	inside := func(content string) malformed {
		return malformed{text: `<manifest><bootstrapInfo id="b">` + content + `</bootstrapInfo></manifest>`}
	}
	testMalformed(t, ParseF4M, map[string]malformed{
		"empty":               {"", true},
		"cut":                 {`<manifest><media url="a`, true},
		"another manifest":    {`<MPD/>`, false},
		"no base64":           inside("*"),
		"nothing inside":      inside(" "),
		"a bootstrap cut off": inside(base64.StdEncoding.EncodeToString([]byte(boot[:50]))),
		"a bootstrap of text": inside(base64.StdEncoding.EncodeToString([]byte("<html></html>"))),
		"a long base":         {`<manifest><baseURL>` + long + `</baseURL></manifest>`, false},
		"a long media":        {`<manifest><media url="` + long + `"/></manifest>`, false},
	})
}

func FuzzParseF4M(f *testing.F) {
	addRecordings(f, "f4m")
	vod := base64.StdEncoding.EncodeToString(abst{timescale: 1000, now: 10000,
		asrt: []abstTable{{runs: runs{{1, 3}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 4000}, {3, 8000, 2000}}}}}.bytes())
	f.Add([]byte(`<manifest><baseURL>../d</baseURL><streamType>recorded</streamType><bootstrapInfo id="b">` + vod + `</bootstrapInfo>
<bootstrapInfo url="boot"/><drmAdditionalHeader url="d"/><media url="a"/><adaptiveSet><media bootstrapInfoId="b" url="../../x"/>
<media href="/y.f4m"/></adaptiveSet><media url="z.flv" bootstrapInfoId="n"/></manifest>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := within(t, b, ParseF4M)
		if err != nil {
			return
		}
		checkNames(t, m)
		for _, media := range m.Media {
			for _, uri := range []string{media.Bootstrap, media.URL} {
				checkNames(t, Manifest{references: func(yield func(Reference) bool) { yield(Reference{URI: uri}) }})
			}
		}
	})
}

func BenchmarkParseF4M(b *testing.B) {
	var text strings.Builder
	text.WriteString(`<manifest xmlns="http://ns.adobe.com/f4m/1.0"><id>f4v</id><streamType>live</streamType>`)
	for n := range 20 {
		fmt.Fprintf(&text, `<bootstrapInfo id="s%d" profile="named" url="s%d/bootstrap"></bootstrapInfo>`, n, n)
		fmt.Fprintf(&text, `<media bitrate="198000" bootstrapInfoId="s%d" url="s%d/f4v"><metadata>%s</metadata></media>`, n, n, strings.Repeat("AgAK", 120))
	}
	text.WriteString(`</manifest>`)
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseF4M([]byte(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}
