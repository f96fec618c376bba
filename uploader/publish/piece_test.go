package publish

import (
	"testing"
	"time"

	"ems-sidecar/media"
)

func TestNamesOfPiecesAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		PieceName("g/s/cam-1.m4s", 1<<40, "0123456789ab"): true,
		PieceName("all", 0, "0123456789ab"):               true,
		"g/s/all.m4s":                                     false,
		"g/s/all-0.m4s":                                   false,
		"g/s/all-x-0123456789ab.m4s":                      false,
		"g/s/all-0-0123456789.m4s":                        false,
		"g/s/all-0-0123456789xy.m4s":                      false,
		"0123456789ab":                                    false,
	} {
		if isPiece(name) != want {
			t.Errorf("%s is a piece: %t", name, !want)
		}
	}
}

// What is called as a piece and is a manifest of another section stays that one's.
func TestR9ManifestThatIsCalledAsAPieceIsOfItsFormat(t *testing.T) {
	const mpd = "g/5f3a-8123-0123456789ab.mpd"
	now := time.Now()
	s := newSchedule(now)
	s.Add("/root", media.Layout{Format: media.HLS}, &Destination{SplitRanges: true}, false)
	dash := s.Add("/root", media.Layout{Format: media.DASH}, &Destination{}, false)
	s.ManifestRead(dash, mpd, Reading{References: []string{"g/1.m4s"}, Content: []byte("x"),
		Manifest: media.Manifest{Segments: 1}, ModTime: now, ReadAt: now}, nil, now)
	if f := dash.find(mpd); f == nil || f.src != dash || f.manifest == nil {
		t.Errorf("the file is %+v", f)
	}
}
