package uploader

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

// newCMAFDesk returns a desk with a section for HLS and one for DASH over the same root. dashFirst: in
// the other order.
func newCMAFDesk(t *testing.T, dashFirst bool) *desk {
	formats := []media.Format{media.HLS, media.DASH}
	if dashFirst {
		formats = []media.Format{media.DASH, media.HLS}
	}
	d := newDeskFor(t, media.Layout{Format: formats[0], Include: "*.jpg"}, Settings{})
	d.bucket.layout = media.Layout{Format: media.HLS}
	d.dest.ID = strings.ToLower(formats[0].String())
	dest := publish.Destination{Bucket: "b", ID: strings.ToLower(formats[1].String())}
	d.twin = d.up.Source(d.dir, media.Layout{Format: formats[1], Include: "*.jpg"},
		&Destination{Store: d.bucket, Destination: dest}, d)
	return d
}

func cmafPlaylist(first, last int) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n")
	fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for n := first; n <= last; n++ {
		fmt.Fprintf(&b, "#EXTINF:4.000,\n%d.m4s\n", n)
	}
	return b.String()
}

func cmafMPD(first, last int) string {
	return fmt.Sprintf(`<MPD type="dynamic"><Period start="PT0S"><AdaptationSet>`+
		`<SegmentTemplate initialization="init.mp4" media="$Number$.m4s" timescale="1" startNumber="%d">`+
		`<SegmentTimeline><S t="%d" d="4" r="%d"/></SegmentTimeline></SegmentTemplate>`+
		`<Representation id="v"/></AdaptationSet></Period></MPD>`, first, 4*first, last-first)
}

// cmaf writes segments as ffmpeg's dash muxer does with -hls_playlist. It keeps three that are not
// listed.
func (d *desk) cmaf(first, last int) {
	d.t.Helper()
	if first == 1 {
		d.close("g/s/init.mp4", "init")
	}
	for n := first; n <= last; n++ {
		d.close(fmt.Sprintf("g/s/%d.m4s", n), fmt.Sprint("segment ", n))
		d.close("g/s/m.mpd", cmafMPD(max(1, n-4), n))
		d.close("g/s/p.m3u8", cmafPlaylist(max(1, n-4), n))
		if old := n - 8; old >= 1 {
			d.remove(fmt.Sprintf("g/s/%d.m4s", old))
		}
		time.Sleep(4 * time.Second)
	}
}

// wantOnePUT checks that each file was sent once, and which headers it has.
func (d *desk) wantOnePUT(last int) {
	d.t.Helper()
	keys := []string{"g/s/init.mp4", "g/s/poster.jpg"}
	for n := 1; n <= last; n++ {
		keys = append(keys, fmt.Sprintf("g/s/%d.m4s", n))
	}
	for _, key := range keys {
		if n := d.bucket.count(key); n != 1 {
			d.t.Errorf("%s was sent %d times", key, n)
		}
	}
	d.wantManifests(last-4, last)
}

// wantManifests checks that viewers get both manifests with these segments.
func (d *desk) wantManifests(first, last int) {
	d.t.Helper()
	if got := d.bucket.content("g/s/m.mpd"); got != cmafMPD(first, last) {
		d.t.Errorf("viewers get %q, want segments %d to %d", got, first, last)
	}
	if got := d.bucket.content("g/s/p.m3u8"); got != cmafPlaylist(first, last) {
		d.t.Errorf("viewers get %q, want segments %d to %d", got, first, last)
	}
}

// Each segment that HLS and DASH share is sent once. Both manifests wait for it.
func TestR7SegmentsOfTwoFormatsAreSentOnce(t *testing.T) {
	for _, dashFirst := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newCMAFDesk(t, dashFirst)
			ended := d.start()
			d.close("g/s/poster.jpg", "a picture of both sections")
			d.cmaf(1, 10)
			d.wantOnePUT(10)
			if kept := d.inSpool(); len(kept) > 0 {
				t.Errorf("the spool keeps %q", kept)
			}
			d.wantState("g/s", health.Live, "")
			streams, _ := d.up.Streams(t.Context())
			if len(streams) != 2 {
				t.Errorf("%d streams", len(streams))
			}
			for _, s := range streams {
				if s.State != health.Live {
					t.Errorf("%s is %v: %s", s.ID, s.State, s.Why)
				}
			}
			d.restarted(ended)
			d.cmaf(11, 20)
			d.wantOnePUT(20)
		})
	}
}

// A segment that does not arrive holds up both manifests, and no others.
func TestR2ManifestsOfTwoFormatsWaitForTheirSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newCMAFDesk(t, false)
		var away atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if away.Load() && strings.HasSuffix(key, ".m4s") {
				return errors.New("connection reset")
			}
			return nil
		}
		d.start()
		d.cmaf(1, 5)
		away.Store(true)
		d.cmaf(6, 6)
		time.Sleep(20 * time.Second)
		d.wantManifests(1, 5)
		away.Store(false)
		time.Sleep(20 * time.Second)
		d.wantManifests(2, 6)
	})
}

// With delete = mirror, a segment stays as long as a manifest of any format names it, also after a
// restart.
func TestR2MirrorKeepsWhatAManifestOfAnotherFormatNames(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newCMAFDesk(t, false)
			d.mirror()
			d.twin.dest.Delete, d.twin.dest.DeleteDelay = true, time.Minute
			ended := d.start()
			d.cmaf(1, 10)
			if restarts { // the playlist is only in the bucket then
				if err := os.Remove(filepath.Join(d.dir, "g/s/p.m3u8")); err != nil {
					t.Fatal(err)
				}
				d.restarted(ended)
			}
			for n := 11; n <= 20; n++ { // the playlist stands still
				d.close(fmt.Sprintf("g/s/%d.m4s", n), "x")
				d.close("g/s/m.mpd", cmafMPD(n-4, n))
				d.remove(fmt.Sprintf("g/s/%d.m4s", n-8))
				time.Sleep(4 * time.Second)
			}
			time.Sleep(overdue)
			d.wantThere("g/s/init.mp4", "g/s/6.m4s", "g/s/10.m4s", "g/s/20.m4s")
			if !restarts { // an earlier run's segments are not known any more
				d.wantGone("g/s/1.m4s", "g/s/5.m4s")
			}
			d.wantGone("g/s/11.m4s")
		})
	}
}

// A section that keeps its objects keeps those that its manifests name.
func TestMirrorOfOneFormatKeepsWhatTheOtherKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newCMAFDesk(t, true)
		d.mirror()
		d.start()
		d.cmaf(1, 20)
		time.Sleep(overdue)
		d.wantThere("g/s/1.m4s", "g/s/12.m4s")
	})
}
