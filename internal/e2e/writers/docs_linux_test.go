package writers

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"ems-sidecar/internal/e2e"
)

// The pages of docs/writers whose commands and configs are rows of the matrix.
const (
	ffmpegPage    = "../../../docs/writers/ffmpeg.md"
	rtmpPage      = "../../../docs/writers/nginx-rtmp.md"
	gstreamerPage = "../../../docs/writers/gstreamer.md"
	firstPage     = "../../../docs/tutorial.md"
)

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// blocks returns the blocks of a page in a language that begin with a word.
func blocks(page, language, word string) (all []string) {
	text, err := os.ReadFile(page)
	if err != nil {
		panic(err) // a page of the checkout
	}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if at := strings.Index(m[2], word); m[1] == language && at >= 0 && (at == 0 || m[2][at-1] == '\n') {
			all = append(all, m[2][at:])
		}
	}
	return all
}

// inTest has a command of a page write into the bench's directories, with chunks of a second, from a source
// that ends.
var inTest = strings.NewReplacer("/var/lib/live", "@ROOT/live", "input.mp4", "@DIR/input.mp4",
	"hls_time 4", "hls_time 1",
	"seg_duration 4", "seg_duration 1", "target-duration=4", "target-duration=1", "hls_fragment 4s", "hls_fragment 1s",
	"hls_playlist_length 24s", "hls_playlist_length 5s", "is-live=true", "is-live=true num-buffers=60",
	"width=640,height=360", "width=64,height=36", "320x180", "32x18", "-re -f lavfi", "-re -t 6 -f lavfi",
	"testsrc2=size=640x360:rate=25", "testsrc2=size=64x36:rate=25", "-g 50", "-g 25", "ffmpeg ",
	"ffmpeg -y -nostdin -v error ",
	"rtmp://127.0.0.1/live/", "@RTMP", "\\\n", " ")

// source makes the file that the commands read.
func source(b *bench) error {
	return run(fmt.Sprintf("ffmpeg -y -nostdin -v error -t 7 -f lavfi -i testsrc=size=64x36:rate=10 -t 7 -f lavfi -i sine %s @DIR/input.mp4",
		encoded))(b)
}

// docRows are the commands of the pages.
func docRows() (rows []row) {
	add := func(name string, needs []string, play string, short bool, steps ...step) {
		rows = append(rows, row{name: "docs-" + name, needs: needs, play: []string{play}, short: short, steps: steps})
	}
	for i, command := range blocks(ffmpegPage, "sh", "ffmpeg ") {
		play := list
		switch {
		case strings.Contains(command, "-f dash"):
			play = desc
		case strings.Contains(command, "master.m3u8"):
			play = "live/cam/master.m3u8"
		}
		add(fmt.Sprintf("ffmpeg-%d", i+1), []string{"ffmpeg"}, play, i == 0, source, run(inTest.Replace(command)))
	}
	for _, command := range blocks(firstPage, "sh", "ffmpeg ") {
		add("first", []string{"ffmpeg"}, list, false, run(inTest.Replace(command)))
	}
	for i, command := range blocks(gstreamerPage, "sh", "gst-launch-1.0 ") {
		play := list
		if strings.Contains(command, "dashsink") {
			play = desc
		}
		add(fmt.Sprintf("gst-%d", i+1), []string{"gst-launch-1.0"}, play, i == 0, run(inTest.Replace(command)))
	}
	config := blocks(rtmpPage, "nginx", "rtmp {")[0]
	pushing := func(b *bench) error {
		return run(strings.ReplaceAll(inTest.Replace(blocks(rtmpPage, "sh", "ffmpeg ")[0]), "@RTMP", b.rtmp))(b)
	}
	begin := func(b *bench) error { return serve(b, inTest.Replace(config)) }
	add("rtmp", []string{"nginx", rtmpModule, "ffmpeg"}, list, true, source, begin, pushing)
	return rows
}

// serve begins nginx with a block rtmp, in which the port is the default one.
func serve(b *bench, block string) error {
	address := e2e.FreeAddress(b.t)
	b.rtmp = "rtmp://" + address + "/live/"
	return nginx(b, address, strings.Replace(block, "listen 1935;", "listen "+address+";", 1))
}
