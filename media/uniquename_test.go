package media_test

import (
	"testing"
	"time"

	"ems-sidecar/media"
)

func TestANameWithATimeInItNeverReturns(t *testing.T) {
	written := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	for name, want := range map[string]bool{
		"g/s/segment_1796025600000_1.ts":  true, // EMS's
		"g/s/key-1796025600000.ts":        true, // milliseconds of now
		"g/s/i1796025600.ts":              true, // seconds of now
		"g/s/i1796025600123456.m4s":       true, // microseconds of now
		"g/s/live-20261130-080000.ts":     true,
		"g/s/live_2026-11-30_08-00-00.ts": true,
		"g/s/2026-11-30T08:00:00Z.ts":     true,
		"g/s/00012-20261130-080000.ts":    true,
		"g/s/all-22372-56b85979d41e.ts":   true, // a byte range, and what its content is

		"g/s/s0.ts":                     false,
		"g/s/all-56b85979d41e.ts":       false,
		"g/s/1796025600000-5.ts":        false, // a stream's name may be a number
		"g/s/1234567890.ts":             false, // a count of ticks
		"g/s/1700000000000.ts":          false, // a time, and not of the file
		"g/s/99999999999999999999.ts":   false,
		"g/s/live-20261130-0007.ts":     false, // a day and a number
		"g/20261130-080000/s0.ts":       false, // the time is the directory's
		"g/s/live-20261399-080000.ts":   false,
		"g/s/live-120261130-080000.ts":  false,
		"g/s/live-20261130-080000-1.ts": false,
	} {
		if got := media.HasTime(name, written); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if media.HasTime("i1796025600.ts", time.Time{}) {
		t.Error("a number counts as the time of a file of which no time is known")
	}
}

func TestTheNameOfASegmentTellsWhenItsRunBegan(t *testing.T) {
	began, number, ok := media.RunOf("../s/segment_1796025600000_12.ts")
	if want := time.UnixMilli(1796025600000); !ok || !began.Equal(want) || number != 12 {
		t.Errorf("%v, %d, %v; want %v, 12", began, number, ok, want)
	}
	for _, name := range []string{"segment_1796025600_12.ts", "i1796025600000.ts", "seg_init.mp4",
		"s_1796025600000_99999999999999999999.ts", ""} {
		if began, _, ok := media.RunOf(name); ok {
			t.Errorf("%q tells %v", name, began)
		}
	}
}

func TestNamesTellWhoWritesADirectory(t *testing.T) {
	for _, c := range []struct {
		format media.Format
		name   string
		want   media.WriterName
	}{
		{media.HLS, "g/s/segment_1448439420000_1.ts", media.EMSWrites},
		{media.HLS, "g/s/my_base_1448439420000_12.ts", media.EMSWrites},
		{media.HLS, "g/s/segment_1448439420000_1.vtt", media.EMSWrites},
		{media.HLS, "g/s/i0.ts", media.AnyWrites},
		{media.HLS, "g/s/i_144843942000_1.ts", media.AnyWrites},
		{media.HLS, "g/s/1448439420000.key", media.NamesTell},
		{media.HLS, "g/s/playlist.m3u8", media.NamesTell},
		{media.DASH, "g/s/video/500000/segment_0.m4s", media.EMSWrites},
		{media.DASH, "g/s/audio/500000/seg_init.mp4", media.EMSWrites},
		{media.DASH, "g/s/chunk-stream0-00001.m4s", media.AnyWrites},
		{media.DASH, "g/s/init.mp4", media.NamesTell},
		{media.MSS, "g/s/video/1/0.fmp4", media.EMSWrites},
		{media.HDS, "g/s/f4vSeg1-Frag1", media.EMSWrites},
		{media.Recording, "r.mp4", media.EMSWrites},
	} {
		l := media.Layout{Format: c.format, Writer: media.NamesTell}
		if got := l.WriterOf(c.name); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		l.Writer = media.AnyWrites
		if got := l.WriterOf(c.name); got != media.AnyWrites {
			t.Errorf("%s: %d although the config says who writes", c.name, got)
		}
	}
}

// Where EMS writes DASH, a chunk is closed once before it is whole (R1). So the names of a generic
// writer must not be taken from EMS's layout.
func TestOnlyEMSClosesDASHChunksEarly(t *testing.T) {
	l := media.Layout{Format: media.DASH, Writer: media.NamesTell}
	for name, want := range map[string]bool{
		"g/s/video/1/segment_0.m4s": true, "g/s/video/1/custom_0.m4s": true, "g/s/chunk-stream0-00001.m4s": false,
		"g/s/video/1/seg_init.mp4": false,
	} {
		if got := l.ClosesEarly(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestVersionsAreReadOnlyWhereNamesMayReturn(t *testing.T) {
	l := media.Layout{Format: media.HLS, Writer: media.NamesTell}
	ems := []string{"g/s/1448439420000.key", "g/s/segment_1448439420000_1.ts", "g/s/segment_1448439420000_2.ts"}
	if l.MayReturn(ems) {
		t.Error("EMS's names return")
	}
	if !l.MayReturn(append(ems, "g/s/i0.ts")) || !l.MayReturn(nil) {
		t.Error("names of another program do not return")
	}
}
