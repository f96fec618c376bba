package uploader

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A mssGroup is what EMS writes for a group of several streams: one manifest, which names the same
// times of all.
type mssGroup struct {
	*desk
	pattern string // of the chunks' paths, with the stream and the time
	streams []string
}

func (g mssGroup) chunk(stream string, n int) string { return fmt.Sprintf(g.pattern, stream, 6000*n) }

func (g mssGroup) manifest(first, last int) string {
	text := `<SmoothStreamingMedia IsLive="TRUE" TimeScale="1000">`
	for _, s := range g.streams {
		text += `<StreamIndex Type="video" Url="` + fmt.Sprintf(g.pattern[len("g/"):], s, 0)
		text = text[:len(text)-len("0.fmp4")] + `{start_time}.fmp4"><QualityLevel Bitrate="1"/>`
		for n := first; n <= last; n++ {
			text += fmt.Sprintf(`<c d="6000" t="%d"/>`, 6000*n)
		}
		text += `</StreamIndex>`
	}
	return text + `</SmoothStreamingMedia>`
}

// end ends chunk n of a stream, as EMS does: the chunk before the one before is changed, the
// manifest written if this is the stream for which it is, and the chunk closed.
func (g mssGroup) end(stream string, n int, writes bool) {
	patched := g.chunk(stream, max(0, n-2))
	if n >= 2 {
		g.write(patched, "patched "+patched)
	}
	if writes && n >= 2 {
		g.close("g/manifest.ismc", g.manifest(max(0, n-6), n-2))
		settle()
	}
	if n >= 2 {
		g.closed(patched)
	}
	whole := g.chunk(stream, n)
	g.close(whole, "whole   "+whole)
	settle()
}

// In a group of several streams, the manifest names chunks of the others that EMS has not changed
// for the last time: each directory's chunks wait for their own change, are sent once, and no
// manifest is there before it.
func TestMSSChunksOfAGroupAreSentAfterTheirOwnLastChange(t *testing.T) {
	for name, g := range map[string]mssGroup{
		"two bitrates":            {pattern: "g/%s/video/%d.fmp4", streams: []string{"400000", "200000"}},
		"three streams":           {pattern: "g/%s/video/198000/%d.fmp4", streams: []string{"a", "b", "c"}},
		"tracks of one stream":    {pattern: "g/s/%s/198000/%d.fmp4", streams: []string{"video", "audio"}},
		"bitrates of one stream":  {pattern: "g/s/video/%s/%d.fmp4", streams: []string{"200000", "400000", "800000", "1600000"}},
		"names without a track":   {pattern: "g/%s/%d.fmp4", streams: []string{"a", "b"}},
		"times with other digits": {pattern: "g/%s/video/1/9%d.fmp4", streams: []string{"a", "b"}},
	} {
		for _, late := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 3 * time.Second} {
			t.Run(fmt.Sprint(name, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := g
					g.desk = newDeskFor(t, media.Layout{Format: media.MSS}, Settings{})
					g.start()
					const chunks = 12
					for n := range chunks {
						for i, s := range g.streams {
							g.end(s, n, i == 0) // the manifest is written with the first stream's chunk
							if n >= 2 && i < len(g.streams)-1 {
								if last := g.streams[len(g.streams)-1]; g.bucket.content(g.chunk(last, n-2)) != "" {
									t.Fatalf("chunk %d of %s is there before its last change", n-2, last)
								}
								if g.bucket.content("g/manifest.ismc") == g.manifest(max(0, n-6), n-2) {
									t.Fatalf("manifest %d names a chunk that is changed once more", n)
								}
							}
							time.Sleep(late)
						}
						settle()
						if got := g.bucket.content("g/manifest.ismc"); n >= 2 && got != g.manifest(max(0, n-6), n-2) {
							t.Fatalf("after chunk %d, the bucket has the manifest %q", n, got)
						}
						time.Sleep(6*time.Second - time.Duration(len(g.streams))*late)
					}
					for _, s := range g.streams {
						for n := range chunks - 2 {
							p := g.chunk(s, n)
							if got := g.bucket.content(p); got != "patched "+p || g.bucket.count(p) != 1 {
								t.Errorf("%s is %q after %d PUTs", p, got, g.bucket.count(p))
							}
						}
					}
				})
			})
		}
	}
}

// A stream of the group whose encoder went away gets no last change. Its chunks hold up the others
// for a while only.
func TestMSSStreamThatEndedHoldsUpItsGroupOnlyForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := mssGroup{pattern: "g/%s/video/%d.fmp4", streams: []string{"a", "b"}}
		g.desk = newDeskFor(t, media.Layout{Format: media.MSS}, Settings{})
		g.start()
		for n := range 6 {
			g.end("a", n, true)
			if n < 4 {
				g.end("b", n, false)
			}
			time.Sleep(6 * time.Second)
		}
		time.Sleep(publish.SiblingPatience)
		settle()
		if got := g.bucket.content("g/manifest.ismc"); got != g.manifest(0, 3) {
			t.Errorf("the bucket has the manifest %q", got)
		}
		if p := g.chunk("b", 3); g.bucket.content(p) != "whole   "+p {
			t.Errorf("%s is %q", p, g.bucket.content(p))
		}
	})
}

// MSS chunks get other content once, so that no cache may keep them.
func TestMSSChunksAreNotImmutable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.MSS}, Settings{})
		d.start()
		d.close("g/s/video/1/0.fmp4", "whole")
		time.Sleep(publish.LateSettle)
		settle()
		if h := d.bucket.header("g/s/video/1/0.fmp4"); h != "video/mp4; public, max-age=2" {
			t.Errorf("its headers are %q", h)
		}
	})
}
