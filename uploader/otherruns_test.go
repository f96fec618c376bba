package uploader

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// An otherRun is a run of another program than EMS, whose names end with what tells the run.
type otherRun struct {
	*desk
	end   string
	began time.Time
}

func (r *otherRun) chunk(n int) string { return fmt.Sprintf("g/%d%s.m4s", n, r.end) }

func (r *otherRun) mpd(last int) string {
	return r.mpdWith(`type="dynamic" minimumUpdatePeriod="PT4S" availabilityStartTime="`+
		r.began.UTC().Format("2006-01-02T15:04:05.000Z")+`"`, last)
}

// endMPD is what ffmpeg writes at its end: it does not say when the run began.
func (r *otherRun) endMPD(last int) string {
	return r.mpdWith(fmt.Sprintf(`type="static" mediaPresentationDuration="PT%d.0S"`, 4*last), last)
}

func (r *otherRun) mpdWith(attributes string, last int) string {
	return fmt.Sprintf(`<MPD %s xmlns="urn:mpeg:dash:schema:mpd:2011">
<Period id="0" start="PT0.0S"><AdaptationSet><Representation id="0" bandwidth="1">
<SegmentTemplate timescale="1" initialization="init%s.m4s" media="$Number$%s.m4s" startNumber="1">
<SegmentTimeline><S t="0" d="4" r="%d"/></SegmentTimeline>
</SegmentTemplate></Representation></AdaptationSet></Period>
</MPD>`, attributes, r.end, r.end, last-1)
}

// writeRun begins a run, and writes so many chunks.
func (d *desk) writeRun(end string, chunks int) *otherRun {
	r := &otherRun{d, end, time.Now()}
	d.placed("g/init"+end+".m4s", "init of "+r.began.String())
	for n := 1; n <= chunks; n++ {
		time.Sleep(4 * time.Second)
		d.placed(r.chunk(n), fmt.Sprint(n, " of ", r.began))
		d.placed(dashManifest, r.mpd(n))
	}
	settle()
	return r
}

func newOtherRunsDesk(t *testing.T) *desk {
	d := newDeskFor(t, media.Layout{Format: media.DASH, Writer: media.AnyWrites}, Settings{})
	d.dest.ReconnectWindow = time.Minute
	d.dest.now.Store(&terms{window: time.Minute})
	d.bucket.mayRestart[dashManifest] = true // its times are those of the first Period
	return d
}

// R3: where no name returns, an MPD of any writer goes on when the stream starts again.
func TestR3AnMPDOfAnyWriterGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newOtherRunsDesk(t)
		ended := d.start()
		a := d.writeRun("-20261130-091500", 3)
		if got := d.bucket.content(dashManifest); got != a.mpd(3) {
			t.Errorf("the first run is not published as it is written:\n%s", got)
		}
		ended = d.restarted(ended) // what viewers have is in the bucket
		time.Sleep(8 * time.Second)
		b := d.writeRun("-20261130-091530", 2)
		got := d.bucket.content(dashManifest)
		for _, want := range []string{
			`availabilityStartTime="` + a.began.UTC().Format(time.RFC3339Nano),
			`<Period id="0" start="PT0.0S" duration="PT11.75S">`, `media="$Number$-20261130-091500.m4s"`,
			fmt.Sprintf(`<Period id="0--%s" start="PT%vS">`, media.RunName(b.began), b.began.Sub(a.began).Seconds()),
			`media="$Number$-20261130-091530.m4s"`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the MPD has no %s:\n%s", want, got)
			}
		}
		d.end()
		<-ended
	})
}

// R5: the end that a writer gives its MPD waits for the stream to return, also if the daemon starts
// again meanwhile.
func TestR5EndOfAnMPDWaitsForTheStreamToReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newOtherRunsDesk(t)
		ended := d.start()
		a := d.writeRun("-20261130-091500", 3)
		d.placed(dashManifest, a.endMPD(3))
		settle()
		has := func(when string, wants ...string) {
			t.Helper()
			got := d.bucket.content(dashManifest)
			for _, want := range wants {
				if !strings.Contains(got, want) {
					t.Errorf("%s, the MPD has no %s:\n%s", when, want, got)
				}
			}
		}
		start := `availabilityStartTime="` + a.began.UTC().Format(time.RFC3339Nano)
		has("at its end", `type="dynamic"`, `minimumUpdatePeriod="PT4S"`, start, `r="2"`)
		ended = d.restarted(ended)
		time.Sleep(8 * time.Second)
		if puts := d.bucket.sent(); slices.Contains(puts, dashManifest) {
			t.Errorf("after a start, what is there is sent again: %q", puts)
		}
		b := d.writeRun("-20261130-091530", 2)
		first := `<Period id="0" start="PT0.0S" duration="PT11.75S">`
		second := fmt.Sprintf(`<Period id="0--%s" start="PT%vS">`, media.RunName(b.began), b.began.Sub(a.began).Seconds())
		has("when it has returned", `type="dynamic"`, start, first, second)
		d.placed(dashManifest, b.endMPD(2))
		time.Sleep(50 * time.Second)
		has("at the second end", `type="dynamic"`, start, first, second)
		time.Sleep(20 * time.Second)
		has("after the window", `type="static"`, start, first, second, fmt.Sprintf(`mediaPresentationDuration="PT%vS"`, b.began.Sub(a.began).Seconds()+8))
		d.end()
		<-ended
	})
}

// A stream that does not return ends as its writer has ended it.
func TestR5EndOfAnMPDIsTheWritersOwnAfterTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newOtherRunsDesk(t)
		d.start()
		a := d.writeRun("-20261130-091500", 3)
		d.placed(dashManifest, a.endMPD(3))
		time.Sleep(70 * time.Second)
		if got := d.bucket.content(dashManifest); got != a.endMPD(3) {
			t.Errorf("the MPD is\n%s", got)
		}
	})
}

// Where names return, a viewer cannot have two contents of one: the MPD is the writer's own.
func TestAnMPDWithNamesThatReturnIsTheWritersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newOtherRunsDesk(t)
		d.start()
		d.writeRun("", 3)
		time.Sleep(8 * time.Second)
		b := d.writeRun("", 2)
		time.Sleep(3 * time.Second)
		if got := d.bucket.content(dashManifest); got != b.mpd(2) {
			t.Errorf("the MPD is\n%s", got)
		}
	})
}

// The end of a run of which nothing was seen before is no end of the one that viewers have.
func TestEndOfAnMPDOfAnotherRunIsTheWritersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newOtherRunsDesk(t)
		d.start()
		d.writeRun("-20261130-091500", 1)
		b := &otherRun{d, "-20261130-091530", time.Now()}
		d.placed("g/init"+b.end+".m4s", "init")
		for n := range 3 {
			d.placed(b.chunk(n+1), fmt.Sprint(n))
		}
		d.placed(dashManifest, b.endMPD(3))
		time.Sleep(10 * time.Second)
		if got := d.bucket.content(dashManifest); got != b.endMPD(3) {
			t.Errorf("the MPD is\n%s", got)
		}
	})
}
