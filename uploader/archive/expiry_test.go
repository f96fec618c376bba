package archive

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// What has expired is what was put last before a time; the playlists that may name the same chunks are
// those of its broadcast, and the clips.
func TestWhatExpiresAndWhatMayNameTheSame(t *testing.T) {
	first, second := noon, noon.Add(24*time.Hour)
	at := func(n Name, put time.Duration) Stored { return Stored{n.Path(), noon.Add(put)} }
	hour := func(start time.Time, n int) Name { return Name{start, start.Add(time.Duration(n) * time.Hour)} }
	all := []Stored{
		at(hour(first, 0), time.Hour), at(hour(first, 1), 2*time.Hour), at(Name{Start: first}, 2*time.Hour+time.Second),
		at(hour(second, 0), 25*time.Hour), {ClipPath("late"), noon.Add(26 * time.Hour)}, {ClipPath("early"), noon.Add(90 * time.Minute)},
	}
	for name, c := range map[string]struct {
		before             time.Duration
		expired, witnesses []int // of all
	}{
		"nothing":                  {time.Hour, nil, nil},
		"an hour":                  {time.Hour + 1, []int{0}, []int{5, 1, 2, 4}},
		"a clip, too":              {2 * time.Hour, []int{0, 5}, []int{1, 2, 3, 4}},
		"a broadcast":              {3 * time.Hour, []int{0, 5, 1, 2}, []int{3, 4}},
		"all":                      {48 * time.Hour, []int{0, 5, 1, 2, 3, 4}, nil},
		"an hour and another's":    {25*time.Hour + 1, []int{0, 5, 1, 2, 3}, []int{4}},
		"a time before everything": {-time.Hour, nil, nil},
	} {
		e := Expire(slices.Clone(all), noon.Add(c.before))
		for what, x := range map[string]struct {
			got  []Stored
			want []int
		}{"expired": {e.Expired, c.expired}, "witnesses": {e.Witnesses, c.witnesses}} {
			var want []Stored
			for _, i := range x.want {
				want = append(want, all[i])
			}
			if fmt.Sprint(x.got) != fmt.Sprint(want) {
				t.Errorf("%s: %s %v, want %v", name, what, x.got, want)
			}
		}
	}
	var many []Stored
	for n := range 100 {
		many = append(many, at(hour(first, n), time.Duration(n)*time.Hour))
	}
	if e := Expire(many, second.Add(time.Hour*1000)); len(e.Expired) != maxExpired || e.Expired[0].Path != many[0].Path {
		t.Errorf("%d expire at once", len(e.Expired))
	}
}

func TestNamesOfPlaylists(t *testing.T) {
	n := Name{noon, noon.Add(time.Hour)}
	for p, want := range map[string]bool{
		n.Path(): true, Name{Start: noon}.Path(): true, "archive/2026-11-30T12-00-00Z/x.m3u8": false, "archive/x/playlist.m3u8": false,
		"archive/2026-11-30T12-00-00Z/2026-11-30T13-00-00Z.ts": false, "x/2026-11-30T12-00-00Z/playlist.m3u8": false, "archive/playlist.m3u8": false, "": false,
	} {
		if got, ok := ParseName(p); ok != want || ok && got.Path() != p {
			t.Errorf("%q is %v, %v", p, got, ok)
		}
	}
	for uri, want := range map[string]string{
		"segment_1796018397000_9.ts": "segment_1796018397000_10.ts", "a/009.ts": "a/010.ts", "a/999.ts": "a/1000.ts", "7": "8",
		"x.ts": "", "v2.ts": "v3.ts", "1.ts?x=1": "", "99999999999999999999.ts": "", "dir9/x.ts": "",
	} {
		if got, ok := Successor(uri); got != want || ok != (want != "") {
			t.Errorf("behind %q comes %q, want %q", uri, got, want)
		}
		if want == "" {
			continue
		}
		if got, _ := Predecessor(want); got != uri && uri != "a/999.ts" {
			t.Errorf("before %q comes %q, want %q", want, got, uri)
		}
	}
	for uri, want := range map[string]string{
		"1.ts": "../../1.ts", "sub/1.ts": "../../sub/1.ts", "/1.ts": "/1.ts", "https://cdn/1.ts": "https://cdn/1.ts", "//cdn/1.ts": "//cdn/1.ts",
		"data:x": "data:x", "a?x:1.ts": "../../a?x:1.ts", "../1.ts": "../../../1.ts",
	} {
		if got := raised(uri); got != want {
			t.Errorf("%q becomes %q, want %q", uri, got, want)
		}
	}
}
