package media

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// addRecordings adds all files of one kind as seeds.
func addRecordings(f *testing.F, dir string) {
	files, err := filepath.Glob(filepath.Join("../testdata", dir, "*"))
	if err != nil || len(files) == 0 {
		f.Fatal("no recordings in ", dir, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// within parses b and checks that this takes no more memory than a small multiple of its size.
func within(t *testing.T, b []byte, parse func([]byte) (Manifest, error)) (m Manifest, err error) {
	limit := uint64(200*len(b) + 64<<10)
	var allocated uint64
	for range 3 { // other goroutines allocate, too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err = parse(b)
		runtime.ReadMemStats(&after)
		if allocated = after.TotalAlloc - before.TotalAlloc; allocated <= limit {
			return m, err
		}
	}
	t.Errorf("%d bytes allocated for %d bytes of input", allocated, len(b))
	return m, err
}

// checkNames checks the first references of m: that none leads out of the root, and that the
// segments among them are as many as m counts.
func checkNames(t *testing.T, m Manifest) {
	const few = 10_000
	names, segments := 0, 0
	for r := range m.References() {
		if names++; r.Segment {
			segments++
		}
		if names <= 1000 {
			literal, decoded, _ := resolve("g/s", r.URI)
			for _, path := range []string{literal, decoded} {
				if path != "" && (path == ".." || strings.HasPrefix(path, "../") || strings.HasPrefix(path, "/")) {
					t.Errorf("%q leads to %q, out of the root", r.URI, path)
				}
			}
		}
		if others := names - segments; others-few > m.Segments {
			t.Fatalf("%d references and more that are no segments, %d segments", others, m.Segments)
		}
		if names > 1000 && m.Segments > few || segments > few {
			break
		}
	}
	if m.Segments < 0 || m.Segments <= few && segments != m.Segments {
		t.Errorf("%d segments among the references, %d counted", segments, m.Segments)
	}
}

// segments counts the references that are segments.
func segments(m Manifest) int {
	n := 0
	for r := range m.References() {
		if r.Segment {
			n++
		}
	}
	return n
}

// checkStops checks that a loop over the references of m can stop at each: one that is
// yielded after that is a panic.
func checkStops(t *testing.T, m Manifest) {
	all := slices.Collect(m.References())
	for stop := range all {
		i := 0
		for r := range m.References() {
			if r != all[i] {
				t.Errorf("reference %d was %v, now it is %v", i, all[i], r)
			}
			if i++; i > stop {
				break
			}
		}
	}
}

// What takes much more memory than it has bytes can do so only by being repeated.
func TestMemory(t *testing.T) {
	for _, c := range []struct {
		before, repeated, behind string
		parse                    func([]byte) (Manifest, error)
	}{
		{"<MPD>", "<a>", "", ParseMPD},
		{"<MPD", ` a=""`, "/>", ParseMPD},
		{"<MPD", ` xmlns:a="b"`, "/>", ParseMPD},
		{"<MPD>", "<Period/>", "</MPD>", ParseMPD},
		{"<MPD><Period>", "<AdaptationSet/>", "</Period></MPD>", ParseMPD},
		{"<MPD><Period><SegmentTemplate media='a'/><AdaptationSet>", "<Representation/>", "</AdaptationSet></Period></MPD>", ParseMPD},
		{"<MPD><BaseURL>" + strings.Repeat("a", maxURI) + "</BaseURL><Period><AdaptationSet>", "<Representation><BaseURL>a</BaseURL></Representation>",
			"</AdaptationSet></Period></MPD>", ParseMPD},
		{"<MPD><Period><SegmentTemplate media='" + strings.Repeat("$$", maxURI/2) + "'/><AdaptationSet>", "<Representation><SegmentTemplate/></Representation>",
			"</AdaptationSet></Period></MPD>", ParseMPD},
		{"<MPD><Period><SegmentTemplate media='", "$Time$", "'/></Period></MPD>", ParseMPD},
		{"<MPD><Period><SegmentTemplate><SegmentTimeline>", "<S d='1'/>", "</SegmentTimeline></SegmentTemplate></Period></MPD>", ParseMPD},
		{"<MPD><Period><SegmentList>", "<SegmentURL/>", "</SegmentList></Period></MPD>", ParseMPD},
		{"<SmoothStreamingMedia>", "<StreamIndex/>", "</SmoothStreamingMedia>", ParseISMC},
		{"<SmoothStreamingMedia><StreamIndex Url='a'>", "<QualityLevel/>", "<c d='1'/></StreamIndex></SmoothStreamingMedia>", ParseISMC},
		{"<SmoothStreamingMedia><StreamIndex>", "<c/>", "</StreamIndex></SmoothStreamingMedia>", ParseISMC},
		{"<SmoothStreamingMedia><StreamIndex Url='", "{}", "'/></SmoothStreamingMedia>", ParseISMC},
		{"<manifest>", "<media/>", "</manifest>", ParseF4M},
		{"<manifest><baseURL>" + strings.Repeat("a", maxURI-1) + "</baseURL><bootstrapInfo url='a'/>", "<media url='a'/>", "</manifest>", ParseF4M},
		{"<manifest>", "<bootstrapInfo url='a'/>", "</manifest>", ParseF4M},
		{"<manifest><bootstrapInfo>", "A ", "</bootstrapInfo></manifest>", ParseF4M},
		{"#EXTM3U\n", "#EXTINF:\na\n", "", ParsePlaylist},
	} {
		text := c.before + strings.Repeat(c.repeated, 100_000/len(c.repeated)) + c.behind
		if _, err := within(t, []byte(text), c.parse); t.Failed() {
			t.Fatalf("that was %.60s %s… %v", c.before, c.repeated, err)
		}
	}
}
