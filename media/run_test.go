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
