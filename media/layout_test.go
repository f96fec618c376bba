package media

import (
	"errors"
	"os"
	"reflect"
	"testing"
)

// The names are those that EMS gives.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		layout Layout
		name   string
		want   Kind
	}{
		{Layout{Format: HLS}, "g/playlist.m3u8", Kind{ManifestFile, "application/vnd.apple.mpegurl"}},
		{Layout{Format: HLS}, "g/live1/playlist.m3u8", Kind{ManifestFile, "application/vnd.apple.mpegurl"}},
		{Layout{Format: HLS}, "g/live1/PLAYLIST.M3U8", Kind{ManifestFile, "application/vnd.apple.mpegurl"}},
		{Layout{Format: HLS}, "g/live1/segment_1795334975196_1.ts", Kind{ChunkFile, "video/mp2t"}},
		{Layout{Format: HLS}, "g/live1/1795334975196.key", Kind{OtherFile, "application/octet-stream"}},
		{Layout{Format: HLS}, "g/live1/playlist.m3u8.tmp", Kind{OtherFile, "application/octet-stream"}},
		{Layout{Format: HLS}, "g/live1/init.mp4", Kind{OtherFile, "video/mp4"}},

		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/manifest.f4m", Kind{ManifestFile, "application/f4m+xml"}},
		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/manifest_v1.f4m", Kind{ManifestFile, "application/f4m+xml"}},
		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/live1/live1.f4m", Kind{ManifestFile, "application/f4m+xml"}},
		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/live1/bootstrap", Kind{ManifestFile, "video/abst"}},
		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/live1/f4vSeg1-Frag12", Kind{ChunkFile, "video/f4f"}},
		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/bootstrap/f4v", Kind{OtherFile, "application/octet-stream"}},
		{Layout{Format: HDS, Bootstrap: "bootstrap"}, "g/f4vSeg1-Frag12/x", Kind{OtherFile, "application/octet-stream"}},
		{Layout{Format: HDS, Bootstrap: "a.f4m"}, "g/live1/a.f4m", Kind{ManifestFile, "video/abst"}},
		{Layout{Format: HDS, Bootstrap: "xSeg1-Frag1"}, "g/live1/xSeg1-Frag1", Kind{ManifestFile, "video/abst"}},
		{Layout{Format: HLS, Bootstrap: "bootstrap"}, "g/live1/bootstrap", Kind{OtherFile, "application/octet-stream"}},

		{Layout{Format: DASH}, "g/manifest.mpd", Kind{ManifestFile, "application/dash+xml"}},
		{Layout{Format: DASH}, "g/live1/video/198000/seg_init.mp4", Kind{OtherFile, "video/mp4"}},
		{Layout{Format: DASH}, "g/live1/audio/198000/segment_24085.m4s", Kind{ChunkFile, "video/iso.segment"}},

		{Layout{Format: MSS}, "g/manifest.ismc", Kind{ManifestFile, "application/vnd.ms-sstr+xml"}},
		{Layout{Format: MSS}, "g/live1/video/198000/1795334976000.fmp4", Kind{ChunkFile, "video/mp4"}},

		{Layout{Format: Recording}, "live1.mp4", Kind{ChunkFile, "video/mp4"}},
		{Layout{Format: Recording}, "live1_part0000.mp4", Kind{ChunkFile, "video/mp4"}},
		{Layout{Format: Recording}, "live1.ts", Kind{ChunkFile, "video/mp2t"}},
		{Layout{Format: Recording}, "live1.flv", Kind{ChunkFile, "video/x-flv"}},
		{Layout{Format: Recording}, "live1.mp4.mdat", Kind{OtherFile, "application/octet-stream"}},
		{Layout{Format: Recording}, "playlist.m3u8", Kind{OtherFile, "application/vnd.apple.mpegurl"}},

		{Layout{Format: HLS, Include: "*.jpg posters/*.PNG *.key *.m3u8 *.ts"}, "g/live1/poster.jpg", Kind{SideFile, "image/jpeg"}},
		{Layout{Format: HLS, Include: "*.jpg posters/*.png"}, "posters/a.png", Kind{SideFile, "image/png"}},
		{Layout{Format: HLS, Include: "*.jpg posters/*.png"}, "g/posters/a.png", Kind{OtherFile, "image/png"}},
		{Layout{Format: HLS, Include: "*"}, "g/server.key", Kind{OtherFile, "application/octet-stream"}},
		{Layout{Format: HLS, Include: "*"}, "g/playlist.m3u8", Kind{ManifestFile, "application/vnd.apple.mpegurl"}},
		{Layout{Format: DASH, Include: "*"}, "g/a.m4s", Kind{ChunkFile, "video/iso.segment"}},
	} {
		if got := c.layout.Kind(c.name); got != c.want {
			t.Errorf("%s: %s is %+v, want %+v", c.layout.Format, c.name, got, c.want)
		}
	}
}

// The names are IANA's, where it has one.
func TestContentTypesOfAllThatBelongsToAStream(t *testing.T) {
	for name, want := range map[string]string{
		"a.ac3": "audio/ac3", "a.eac3": "audio/eac3", "a.mp3": "audio/mpeg", "a.flac": "audio/flac", "a.opus": "audio/ogg", "a.m2ts": "video/mp2t", "a.aac": "audio/aac", "a.m4a": "audio/mp4",
		"a.cmfa": "audio/mp4", "a.cmfv": "video/mp4", "a.m4v": "video/mp4", "a.mp4": "video/mp4", "a.cmft": "application/mp4",
		"a.m4s": "video/iso.segment", "a.ts": "video/mp2t", "a.TS": "video/mp2t", "a.webm": "video/webm", "a.jpg": "image/jpeg",
		"a.png": "image/png", "a.webp": "image/webp", "a.json": "application/json", "a.vtt": "text/vtt",
		"a.ttml": "application/ttml+xml", "a.srt": "application/x-subrip", "a.key": "application/octet-stream",
		"a.mpp": "application/dash-patch+xml", "a.unknown": "application/octet-stream", "a": "application/octet-stream",
	} {
		for _, f := range []Format{HLS, DASH} {
			if got := (Layout{Format: f}).Kind("g/" + name).ContentType; got != want {
				t.Errorf("%s: %s is %s, want %s", f, name, got, want)
			}
		}
	}
}

func TestIncludeTakesPatternsOnly(t *testing.T) {
	for patterns, ok := range map[string]bool{"": true, "*.jpg  a/*.png": true, "[a": false, "/a/*.jpg": false,
		"*.jpg *.key": false, "a/*.KEY": false, "key": true} {
		if err := CheckInclude(patterns); (err == nil) != ok {
			t.Errorf("%q: %v", patterns, err)
		}
	}
}

func TestStreams(t *testing.T) {
	for _, c := range []struct {
		format     Format
		name, want string
	}{
		{HLS, "g/playlist.m3u8", "g"},
		{HLS, "g/live1/segment_1795334975196_1.ts", "g/live1"},
		{HLS, "g/video/segment_1795334975196_1.ts", "g/video"},
		{HDS, "g/manifest.f4m", "g"},
		{HDS, "g/live1/f4vSeg1-Frag12", "g/live1"},
		{DASH, "g/manifest.mpd", "g"},
		{DASH, "g/live1/video/198000/seg_init.mp4", "g/live1"},
		{DASH, "g/live1/audio/198000/segment_24085.m4s", "g/live1"},
		{DASH, "g/video/audio/198000/segment_24085.m4s", "g/video"},
		{MSS, "g/manifest.ismc", "g"},
		{MSS, "g/live1/video/198000/1795334976000.fmp4", "g/live1"},
		{Recording, "live1.mp4", "."},
		{Recording, "a/live1.mp4", "a"},
		{Recording, "a/live1/video/x/live1.mp4", "a/live1/video/x"},
	} {
		if got := (Layout{Format: c.format}).Stream(c.name); got != c.want {
			t.Errorf("%s: %s is of stream %s, want %s", c.format, c.name, got, c.want)
		}
	}
}

func TestUnfinished(t *testing.T) {
	parts := []string{"a/live1.mp4.mdat", "a/live1.mp4.info", "a/live1.mp4.track1", "a/live1.mp4.track2"}
	if got := (Layout{Format: Recording}).Unfinished("a/live1.mp4"); !reflect.DeepEqual(got, parts) {
		t.Errorf("an mp4 recording has %q, want %q", got, parts)
	}
	for layout, name := range map[Layout]string{
		{Format: Recording}: "a/live1.ts",
		{Format: DASH}:      "g/live1/video/198000/seg_init.mp4",
	} {
		if got := layout.Unfinished(name); got != nil {
			t.Errorf("%s has %q beside it", name, got)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		format     Format
		file, name string
		segments   int
		refs       int
	}{
		{HLS, "m3u8/rolling.m3u8", "g/live1/playlist.m3u8", 5, 5},
		{HDS, "f4m/manifest_v1.f4m", "g/manifest_v1.f4m", 0, 1},
		{DASH, "mpd/rolling.mpd", "g/manifest.mpd", 10, 12},
		{MSS, "ismc/rolling.ismc", "g/MANIFEST.ISMC", 10, 10},
	} {
		content, err := os.ReadFile("../testdata/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		l := Layout{Format: c.format, Bootstrap: "bootstrap"}
		m, err := l.Parse(c.name, content)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if m.Segments != c.segments || len(uris(m)) != c.refs {
			t.Errorf("%s names %d segments and %q", c.name, m.Segments, uris(m))
		}
		if half, err := l.Parse(c.name, content[:len(content)/2]); !half.Unended && !errors.Is(err, ErrIncomplete) {
			t.Errorf("half of %s: %v, want an error that wraps ErrIncomplete", c.name, err)
		}
	}

	boot, err := os.ReadFile("../testdata/bootstrap/rolling")
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]Layout{
		"g/live1/bootstrap": {Format: HDS, Bootstrap: "bootstrap"}, // its fragments have no name yet
		"g/live1/boot.f4m":  {Format: HDS, Bootstrap: "boot.f4m"},
		"g/live1/a.ts":      {Format: HLS},
		"g/manifest.mpd":    {Format: MSS},
		"live1.mp4":         {Format: Recording},
	} {
		if m, err := l.Parse(name, boot); err == nil || errors.Is(err, ErrIncomplete) {
			t.Errorf("%s is a manifest that names %q (%v)", name, uris(m), err)
		}
	}
	if l := (Layout{Format: HDS, Bootstrap: "bootstrap"}); !l.IsBootstrap("g/live1/bootstrap") || l.IsBootstrap("g/bootstrap/x") {
		t.Error("IsBootstrap is not about the name alone")
	}
	if (Layout{Format: HLS, Bootstrap: "bootstrap"}).IsBootstrap("bootstrap") {
		t.Error("HLS has no bootstrap")
	}
}
