package writers

import (
	"fmt"
	"time"
)

// gstreamer runs a pipeline for so many half seconds, with a key picture in each.
func gstreamer(of, halves int, sink string) step {
	pattern := []string{"smpte", "ball", "circular"}[of]
	return run(fmt.Sprintf("gst-launch-1.0 -q -e videotestsrc pattern=%s is-live=true num-buffers=%d ! "+
		"video/x-raw,width=64,height=36,framerate=10/1 ! x264enc key-int-max=5 tune=zerolatency speed-preset=ultrafast ! h264parse ! %s",
		pattern, 5*halves, sink))
}

const (
	hlssink2 = "hlssink2 target-duration=1 playlist-length=4 max-files=8 send-keyframe-requests=false " +
		"playlist-location=live/cam/index.m3u8 location=live/cam/segment%05d.ts"
	dashsink = "dashsink target-duration=1 send-keyframe-requests=false mpd-root-path=@ROOT/live/cam mpd-filename=stream.mpd "
)

// GStreamer 1.22 stands still in the first segment with muxer=mp4, and crashes with use-segment-list.
var gstreamerRows = withNeeds([]string{"gst-launch-1.0"}, []row{
	{name: "gst-hlssink2", play: []string{list}, steps: []step{gstreamer(0, 12, hlssink2)}},
	{name: "gst-hlssink2-root", absolute: true, steps: []step{gstreamer(0, 12,
		hlssink2+" playlist-root=https://cdn.example.com/live/cam")}},
	{name: "gst-hlssink2-restart", play: []string{list}, config: window, reuses: true,
		steps: []step{gstreamer(0, 10, hlssink2), rest(time.Second), gstreamer(1, 10, hlssink2)}},
	{name: "gst-dashsink", play: []string{desc}, steps: []step{gstreamer(0, 12, dashsink)}},
	{name: "gst-dashsink-dynamic",
		steps: []step{gstreamer(0, 12, dashsink+"dynamic=true minimum-update-period=1000")}},
	{name: "gst-dashsink-restart", play: []string{desc}, config: window, reuses: true,
		steps: []step{gstreamer(0, 10, dashsink), rest(time.Second), gstreamer(1, 10, dashsink)}},
})
