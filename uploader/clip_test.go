package uploader

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/hls"
)

// clip makes a clip of g/s, and returns its segments.
func (d *desk) clip(r ClipRequest) (c Clip, segments []string, err error) {
	d.t.Helper()
	if c, err = d.up.Clip(d.ctx, "hls", "g/s", r); err == nil {
		segments = d.segmentsOf(c.Key)
	}
	return c, segments, err
}

// A clip has what is between two times, over a full hour and up to what was published last.
func TestClipHasWhatIsBetweenTwoTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		ended := d.start()
		d.roll(1, 900) // from 00:09:56 to 01:09:56
		for name, c := range map[string]struct {
			request     ClipRequest
			first, last int
		}{
			"over a full hour":        {ClipRequest{From: "2000-01-01T00:59:00Z", To: "2000-01-01T01:01:00Z"}, 737, 766},
			"to now":                  {ClipRequest{From: "-1m"}, 887, 900},
			"from before it began":    {ClipRequest{From: "-10h", To: "2000-01-01T00:10:00Z"}, 1, 1},
			"of all":                  {ClipRequest{From: "-10h", To: "now", Name: "all"}, 1, 900},
			"in another zone of time": {ClipRequest{From: "2000-01-01T01:59:00+01:00", To: "2000-01-01T00:59:04.5Z"}, 737, 738},
		} {
			got, segments, err := d.clip(c.request)
			if err != nil || !slices.Equal(segments, numbers(c.first, c.last)) || got.Segments != len(segments) || got.Seams != 0 {
				t.Errorf("%s: %+v, %v, %v", name, got, segments, err)
				continue
			}
			text := d.bucket.content(got.Key)
			if !strings.Contains(text, "#EXT-X-PLAYLIST-TYPE:VOD") || !strings.HasSuffix(text, "#EXT-X-ENDLIST\r\n") ||
				strings.Count(text, "PROGRAM-DATE-TIME") > 2 || !strings.Contains(text, "#EXT-X-PROGRAM-DATE-TIME:"+got.From.Format("2006-01-02T15:04:05")) {
				t.Errorf("%s:\n%.400s", name, text)
			}
		}
		d.restarted(ended)
		time.Sleep(time.Second)
		if c, segments, err := d.clip(ClipRequest{From: "-2h", Name: "again"}); err != nil || c.Seams != 0 ||
			!slices.Equal(segments, numbers(1, 900)) {
			t.Errorf("after a restart: %+v, %v, %v", c, segments, err)
		}
	})
}

// Without an archive, a clip is of what the live playlist has; it keeps the chunks that it names from
// mirror, also in a later process.
func TestR2MirrorKeepsWhatAClipNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.dest.Archive = false
		d.mirror()
		ended := d.start()
		d.roll(1, 50)
		c, segments, err := d.clip(ClipRequest{From: "-1h", Name: "last"})
		if err != nil || !slices.Equal(segments, numbers(46, 50)) {
			t.Fatalf("%+v, %v, %v", c, segments, err)
		}
		d.roll(51, 53)
		ended = d.killed(ended)
		d.roll(54, 80)
		time.Sleep(overdue)
		d.wantThere(numbers(46, 50)...)
		d.wantGone(numbers(51, 60)...)
		d.clip(ClipRequest{From: "-1h", Name: "later"}) // of this process
		d.roll(81, 120)
		time.Sleep(overdue)
		d.wantThere(d.segmentsOf("g/s/clips/later/playlist.m3u8")...)
		d.wantGone(numbers(90, 100)...)
		_ = ended
	})
}

func TestWrongClipsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.start()
		d.roll(1, 20)
		if _, _, err := d.clip(ClipRequest{From: "-1m", Name: "goal"}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			request ClipRequest
			want    error
			text    string
		}{
			"a name that is used":       {ClipRequest{From: "-1m", Name: "goal"}, ErrClipExists, "g/s/clips/goal"},
			"a name that leads away":    {ClipRequest{From: "-1m", Name: "../x"}, ErrWrongClip, "no name"},
			"a name that is hidden":     {ClipRequest{From: "-1m", Name: ".x"}, ErrWrongClip, "no name"},
			"a long name":               {ClipRequest{From: "-1m", Name: strings.Repeat("x", 65)}, ErrWrongClip, "no name"},
			"no beginning":              {ClipRequest{}, ErrWrongClip, "begins"},
			"no time":                   {ClipRequest{From: "yesterday"}, ErrWrongClip, "no time"},
			"an end before the begin":   {ClipRequest{From: "-1m", To: "-2m"}, ErrWrongClip, "end before that"},
			"a time without a stream":   {ClipRequest{From: "-10h", To: "-9h"}, ErrWrongClip, "between these times"},
			"a time that is not yet":    {ClipRequest{From: "2030-01-01T00:00:00Z", To: "2031-01-01T00:00:00Z"}, ErrWrongClip, "between these times"},
			"a time that is no RFC3339": {ClipRequest{From: "-1h", To: "2000-01-01 00:00"}, ErrWrongClip, "no time"},
		} {
			before := len(d.bucket.keys())
			_, _, err := d.clip(c.request)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || len(d.bucket.keys()) != before {
				t.Errorf("%s: %v", name, err)
			}
		}
		for format, key := range map[string]string{"hls": "g/t", "dash": "g/s"} {
			if _, err := d.up.Clip(d.ctx, format, key, ClipRequest{From: "-1m"}); !errors.Is(err, ErrNoStream) {
				t.Errorf("%s/%s: %v", format, key, err)
			}
		}
	})
}

// A clip over two broadcasts has a seam, and times on both sides.
func TestClipOverTwoBroadcasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newArchiveDesk(t)
		d.dest.ReconnectWindow = 0
		d.start()
		d.roll(1, 20)
		d.endStream(20)
		time.Sleep(5 * time.Minute)
		d.bucket.mayRestart["g/s/playlist.m3u8"] = true
		d.live("g/s", 101, 120, 4*time.Second)
		c, segments, err := d.clip(ClipRequest{From: "-10h"})
		if err != nil || !slices.Equal(segments, slices.Concat(numbers(1, 20), numbers(101, 120))) || c.Seams != 1 {
			t.Fatalf("%+v, %v, %v", c, segments, err)
		}
		list, err := hls.Parse([]byte(d.bucket.content(c.Key)))
		if err != nil {
			t.Fatal(err)
		}
		times := list.Times()
		if gap := times[20].Sub(times[19]); gap < 5*time.Minute || gap > 6*time.Minute {
			t.Errorf("from the last segment before the seam to the first one behind it, it is %v", gap)
		}
	})
}
