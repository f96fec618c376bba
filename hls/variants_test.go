package hls

import (
	"strings"
	"testing"
)

func TestAbsentVariantsAreLeftOut(t *testing.T) {
	const head = "#EXTM3U\r\n#EXT-X-VERSION:3\r\n"
	const low = "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",SUBTITLES=\"s\"\r\nlow/p.m3u8\r\n"
	const high = "#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO=\"a\"\r\n# a comment\r\n\r\nhigh/p.m3u8\r\n"
	const english = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",URI=\"en/p.m3u8\"\r\n"
	const inside = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"muxed\"\r\n"
	const subtitles = "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"en\",URI=\"sub.m3u8\"\r\n"
	const frames = "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"low/i.m3u8\"\r\n"
	all := head + english + inside + subtitles + low + high + frames
	for name, c := range map[string]struct{ absent, want string }{
		"none":                    {"", all},
		"a variant":               {"low/p.m3u8", head + english + inside + subtitles + high + frames},
		"one behind a comment":    {"high/p.m3u8", head + english + inside + subtitles + low + frames},
		"one of several in group": {"en/p.m3u8", head + inside + subtitles + low + high + frames},
		"the last of a group":     {"sub.m3u8", head + english + inside + strings.Replace(low, ",SUBTITLES=\"s\"", "", 1) + high + frames},
		"frames":                  {"low/i.m3u8", head + english + inside + subtitles + low + high},
		"several":                 {"low/p.m3u8 low/i.m3u8", head + english + inside + subtitles + high},
	} {
		absent := strings.Fields(c.absent)
		got := WithoutVariants([]byte(all), func(uri string) bool {
			for _, a := range absent {
				if a == uri {
					return true
				}
			}
			return false
		})
		if string(got) != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
