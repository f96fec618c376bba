package media

import "testing"

func TestCutPlaylist(t *testing.T) {
	const head = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n"
	seg := func(name string) string { return "#EXTINF:4.000,\r\n" + name + "\r\n" }
	const end = "#EXT-X-ENDLIST\r\n"
	for _, c := range []struct {
		name, in, want string
		gone           []string
		n              int
	}{
		{"the last", head + seg("1.ts") + seg("2.ts") + end, head + seg("1.ts") + end, []string{"2.ts"}, 1},
		{"the last two", head + seg("1.ts") + seg("2.ts") + seg("3.ts") + end, head + seg("1.ts") + end, []string{"2.ts", "3.ts"}, 2},
		{"one in the middle stays", head + seg("1.ts") + seg("2.ts") + seg("3.ts") + end, head + seg("1.ts") + seg("2.ts") + seg("3.ts") + end, []string{"2.ts"}, 0},
		{"none", head + seg("1.ts") + end, head + seg("1.ts") + end, nil, 0},
		{"all", head + seg("1.ts") + end, "", []string{"1.ts"}, 1},
		{"ranges of one file", head + seg("1.ts") + "#EXT-X-BYTERANGE:5@0\r\n" + seg("2.ts") + "#EXT-X-BYTERANGE:5@5\r\n" + seg("2.ts") + end, head + seg("1.ts") + end, []string{"2.ts"}, 2},
		{"with its tags", head + seg("1.ts") + "#EXT-X-DISCONTINUITY\r\n" + seg("2.ts") + end, head + seg("1.ts") + end, []string{"2.ts"}, 1},
		{"without a line end", head + seg("1.ts") + seg("2.ts") + "#EXT-X-ENDLIST", head + seg("1.ts") + "#EXT-X-ENDLIST", []string{"2.ts"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			cut, n := CutPlaylist([]byte(c.in), func(uri string) bool {
				for _, g := range c.gone {
					if uri == g {
						return true
					}
				}
				return false
			})
			if string(cut) != c.want || n != c.n {
				t.Errorf("%d are cut: %q", n, cut)
			}
		})
	}
}
