package dash

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

// changed is the run of written with other words.
func changed(t *testing.T, after time.Duration, old, with string) *MPD {
	t.Helper()
	own := string(written(t, after, 0, 2).Bytes())
	if !strings.Contains(own, old) {
		t.Fatalf("%q is not in\n%s", old, own)
	}
	return parse(t, []byte(strings.Replace(own, old, with, 1)))
}

// Each attribute is compared with those before it: as many as fit into an MPD would take hours.
func TestAttributesAreBounded(t *testing.T) {
	own := string(written(t, 0, 0, 2).Bytes())
	with := func(count int) []byte {
		var attrs strings.Builder
		for n := range count {
			fmt.Fprintf(&attrs, ` a%d=""`, n)
		}
		return []byte(strings.Replace(own, "<AdaptationSet", "<AdaptationSet"+attrs.String(), 1))
	}
	if _, err := Parse(with(maxAttrs)); err != nil {
		t.Error(err)
	}
	if _, err := Parse(with(maxAttrs + 1)); err == nil {
		t.Error("more attributes than the limit pass")
	}
}

// The white space in front of a Period separates it from each of those before it.
func TestWhiteSpaceIsNotMultiplied(t *testing.T) {
	space := strings.Repeat(" ", 1<<20)
	run := changed(t, time.Minute, "<Period", space+"<Period")
	next, join := Continue(written(t, 0, 0, 2), run, Situation{Named: true})
	if join != Seam || len(next.Periods) != 2 || len(next.Bytes()) > len(run.Bytes())+4096 {
		t.Errorf("%v: %s in %d bytes", join, periods(next), len(next.Bytes()))
	}
}

// A name gets the run's name, and has to be read again with it.
func TestNamesHaveRoomForTheNameOfARun(t *testing.T) {
	for what, old := range map[string]string{"an id": "rms-dash", "a name": "s/video/1/seg_init.mp4"} {
		for _, c := range []struct {
			length int
			live   bool
		}{{maxName - maxRun, true}, {maxName - maxRun + 1, false}} {
			run := changed(t, time.Minute, old, strings.Repeat("a", c.length))
			next, join := Continue(written(t, 0, 0, 2), run, Situation{Named: true})
			if run.IsLive() != c.live || (join == Seam) != c.live || next.last().Named != c.live {
				t.Errorf("%s of %d bytes: live %v, %v: %s", what, c.length, run.IsLive(), join, periods(next))
			}
		}
	}
}

// An id is written between other quotes than those in which it was read.
func TestAnIDHasNoQuotes(t *testing.T) {
	own := string(written(t, 0, 0, 2).Bytes())
	for _, id := range []string{`id='a"b'`, `id="a'b"`, `id="a<b"`} {
		if m, err := Parse([]byte(strings.Replace(own, `id="rms-dash"`, id, 1))); err == nil {
			t.Errorf("%s is read as %s", id, periods(m))
		}
	}
}

// The uploader reads no MPD that names more.
func TestFormerPeriodsAreBoundedByTheirFiles(t *testing.T) {
	const segments = media.MaxReferences*2/3 - 2
	shown, run := written(t, 0, 0, segments), written(t, 48*time.Hour, 0, 1)
	next, join := Continue(shown, run, Situation{Named: true})
	if join != Seam || len(next.Periods) != 2 {
		t.Fatalf("%v: %s", join, periods(next))
	}
	if next, _ = Continue(next, written(t, 48*time.Hour, 0, segments), Situation{Named: true}); len(next.Periods) != 1 {
		t.Errorf("too many files: %s", periods(next))
	}
	uris(t, next)
}

// Clocks may tell nanoseconds; durations are read to the microsecond.
func TestAStartStaysTheSame(t *testing.T) {
	old := began.Add(time.Minute).Format(time.RFC3339)
	run := changed(t, time.Minute, old, began.Add(time.Minute+1501*time.Nanosecond).Format(time.RFC3339Nano))
	next, _ := Continue(written(t, 0, 0, 2), run, Situation{Named: true})
	again, join := Continue(next, run, Situation{Named: true})
	if join != Same || !bytes.Equal(again.Bytes(), next.Bytes()) {
		t.Errorf("%v: once more, it is\n%s\nand not\n%s", join, again.Bytes(), next.Bytes())
	}
}
