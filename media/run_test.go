package media

import (
	"testing"
	"time"
)

func TestTheNameOfARunIsADirectory(t *testing.T) {
	began := time.Date(2026, 11, 30, 9, 15, 0, 0, time.FixedZone("", 3600))
	dash, hls := Layout{Format: DASH}, Layout{Format: HLS}
	const onDisk = "g/s/video/198000/segment_0.m4s"
	for _, c := range []struct {
		began time.Time
		want  string
	}{
		{began, "g/s/video/198000/20261130T081500Z/segment_0.m4s"},
		{began.Add(250 * time.Millisecond), "g/s/video/198000/20261130T081500.25Z/segment_0.m4s"},
	} {
		p := InRun(onDisk, RunName(c.began))
		if p != c.want {
			t.Errorf("it is published as %s, want %s", p, c.want)
		}
		if got, run := dash.CutRun(p); got != onDisk || run != RunName(c.began) {
			t.Errorf("%s is %s of run %q", p, got, run)
		}
		if dash.Stream(p) != "g/s" || dash.Kind(p) != dash.Kind(onDisk) {
			t.Errorf("%s is of stream %s", p, dash.Stream(p))
		}
		if got, run := (Layout{Format: DASH, Writer: AnyWrites}).CutRun(p); got != p || run != "" {
			t.Errorf("another writer's files have no run: %s of run %q", got, run)
		}
		if got, run := hls.CutRun(p); got != p || run != "" {
			t.Errorf("in HLS, names do not return: %s of run %q", got, run)
		}
	}
	if InRun(onDisk, "") != onDisk {
		t.Error("without a name, a file is published as it is called")
	}
	for _, text := range []string{"", "198000", "20261130T081500", "20261330T081500Z",
		"20261130T081500.Z", "20261130T081500.250Z", "x20261130T081500Z"} {
		if IsRunName(text) {
			t.Errorf("%q is no name of a run", text)
		}
	}
}

// In HLS, files have the names of runs only if the layout says so, and no directory of a writer is taken for one.
func TestTheNameOfARunOfHLSHasMilliseconds(t *testing.T) {
	first := time.Date(2026, 11, 30, 9, 15, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{
		first:                                "20261130T091500.001Z",
		first.Add(123456 * time.Microsecond): "20261130T091500.123Z",
		first.Add(250 * time.Millisecond):    "20261130T091500.25Z",
	} {
		if got := WrittenRunName(at); got != want {
			t.Errorf("%v is called %s, want %s", at, got, want)
		}
	}
	l := Layout{Format: HLS, RunPrefix: true, Writer: NamesTell}
	for p, want := range map[string]string{ // by what is published
		"g/20261130T091500.5Z/index0.ts":            "g/index0.ts",
		"g/20261130T091500.5Z/init.mp4":             "g/init.mp4",
		"g/20261130T091500.5Z/a.key":                "g/a.key",
		"20261130T091500.5Z/index0.ts":              "index0.ts",
		"g/20261130T091500Z/index0.ts":              "g/20261130T091500Z/index0.ts",
		"g/20261130T091500.5Z/index.m3u8":           "g/20261130T091500.5Z/index.m3u8",
		"g/20261130T091500.5Z/ads.json":             "g/20261130T091500.5Z/ads.json",
		"g/20261130T091500.5Z/s_1448026459123_1.ts": "g/20261130T091500.5Z/s_1448026459123_1.ts",
	} {
		if got, _ := l.CutRun(p); got != want {
			t.Errorf("%s is %s on the disk, want %s", p, got, want)
		}
		if got, _ := (Layout{Format: HLS}).CutRun(p); got != p {
			t.Errorf("without names of runs, %s is %s on the disk", p, got)
		}
	}
	if got := l.Stream("g/s/20261130T091500.5Z/index0.ts"); got != "g/s" {
		t.Errorf("its stream is %s", got)
	}
}
