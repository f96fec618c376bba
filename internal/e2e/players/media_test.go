package players

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A recording is what an encoder sends in one run, cut into chunks. Its timestamps begin at 0.
type recording struct {
	chunks [][]byte
	init   []byte // of fMP4
}

// A kind is what a track has, and how it is packaged.
type kind struct {
	name  string
	video string // its size; "": none
	audio bool
	fmp4  bool
}

var (
	muxed = kind{name: "muxed", video: "160x90", audio: true}
	fmp4  = kind{name: "fmp4", video: "160x90", audio: true, fmp4: true}
	small = kind{name: "small", video: "160x90"}
	large = kind{name: "large", video: "320x180"}
	sound = kind{name: "sound", audio: true}
)

const (
	rate = 10 // pictures in a second
	// recorded is how many chunks a run has at most: their number is in 7 bits of the picture.
	recorded = 90
)

// record has ffmpeg encode a run. Each picture says of which run and chunk it is.
func record(t *testing.T, k kind, run int, lasts time.Duration) recording {
	t.Helper()
	dir := t.TempDir()
	seconds := lasts.Seconds()
	args := []string{"-nostdin", "-v", "error", "-threads", "1"}
	if k.video != "" {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d,%s", k.video, rate, label(run, seconds)))
	}
	if k.audio {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:sample_rate=44100", 400*run))
	}
	args = append(args, "-t", fmt.Sprint(recorded*seconds), "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1",
		"-pix_fmt", "yuv420p", "-bf", "0", "-g", fmt.Sprint(rate*seconds), "-keyint_min", fmt.Sprint(rate*seconds),
		"-sc_threshold", "0", "-c:a", "aac", "-b:a", "48k", "-muxdelay", "0", "-muxpreload", "0",
		"-f", "hls", "-hls_time", fmt.Sprint(seconds), "-hls_list_size", "0")
	extension := ".ts"
	if k.fmp4 {
		extension = ".m4s"
		args = append(args, "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4")
	}
	args = append(args, "-hls_segment_filename", filepath.Join(dir, "%03d"+extension), filepath.Join(dir, "list.m3u8"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	var r recording
	for n := range recorded {
		chunk, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%03d%s", n, extension)))
		if err != nil {
			t.Fatal(err)
		}
		r.chunks = append(r.chunks, chunk)
	}
	if k.fmp4 {
		var err error
		if r.init, err = os.ReadFile(filepath.Join(dir, "init.mp4")); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// label returns the filters that draw a row of 16 squares on top of the picture: one white and one
// black, 2 bits of the run, 7 bits of the chunk's number, one black and one white. The page reads it.
func label(run int, seconds float64) string {
	filters := []string{"drawbox=x=0:y=0:w=iw:h=ih/5:color=black:t=fill"}
	square := func(at int, enable string) {
		filters = append(filters, fmt.Sprintf("drawbox=x=iw*%d/16:y=0:w=iw/16:h=ih/5:color=white:t=fill:enable='%s'", at, enable))
	}
	square(0, "1")
	for bit := range 2 {
		square(2+bit, fmt.Sprint(run>>bit&1))
	}
	for bit := range 7 { // half a picture is added to the time, which is not exact
		square(4+bit, fmt.Sprintf("mod(floor((floor((t+%g)/%g)+1)/%d),2)", 0.5/rate, seconds, 1<<bit))
	}
	square(12, "1")
	return strings.Join(filters, ",")
}
