package players

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
)

// A restarted writer is one that other programs than EMS are: its arguments of ffmpeg, and how its first
// run ends.
type restarted struct {
	name, player, manifest string
	output                 []string
	end                    os.Signal
}

var restartedWriters = []restarted{
	{"ts", "hls.js", "index.m3u8", []string{"-f", "hls", "-hls_time", "1", "-hls_list_size", "6",
		"-hls_segment_filename", "@RUN-%05d.ts"}, os.Interrupt},
	{"fmp4", "hls.js", "index.m3u8", []string{"-f", "hls", "-hls_time", "1", "-hls_list_size", "6",
		"-hls_segment_type", "fmp4",
		"-hls_fmp4_init_filename", "@RUN-init.mp4", "-hls_segment_filename", "@RUN-%05d.m4s"}, os.Kill},
	{"split", "hls.js", "index.m3u8", []string{"-f", "hls", "-hls_time", "1", "-hls_playlist_type", "event",
		"-hls_flags", "single_file"}, os.Kill},
	{"cmaf", "hls.js", "media_0.m3u8", append([]string{"-hls_playlist", "1"}, fragments...), os.Kill},
	// dash.js leaves what the window does not reach any more, and then does not find back.
	{"dash", "dash.js", "stream.mpd", append(slices.Clone(fragments), "-window_size", "20"), os.Kill},
	{"dash-ended", "dash.js", "stream.mpd", append(slices.Clone(fragments), "-window_size", "20"), os.Interrupt},
}

// fragments are ffmpeg's arguments for DASH.
var fragments = []string{"-f", "dash", "-seg_duration", "1", "-window_size", "6", "-extra_window_size", "6",
	"-init_seg_name", "init-$RepresentationID$-@TIME.m4s",
	"-media_seg_name", "$RepresentationID$-$Number%05d$-@TIME.m4s"}

// begin begins a run of the writer in the directory. Each picture tells the run.
func (w restarted) begin(t *testing.T, dir string, run int) *exec.Cmd {
	t.Helper()
	args := []string{"-y", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i",
		fmt.Sprintf("testsrc2=size=160x90:rate=%d,%s", rate, label(run, 1)), "-c:v", "libx264",
		"-preset", "ultrafast", "-threads", "1",
		"-pix_fmt", "yuv420p", "-bf", "0", "-g", fmt.Sprint(rate), "-keyint_min", fmt.Sprint(rate), "-sc_threshold", "0"}
	for _, arg := range w.output {
		args = append(args, strings.NewReplacer("@RUN", fmt.Sprintf("run%d", run),
			"@TIME", time.Now().Format("20060102-150405")).Replace(arg))
	}
	output := w.manifest
	if slices.Contains(w.output, "dash") { // its playlists of HLS have names of their own
		output = "stream.mpd"
	}
	cmd := testproc.Bind(exec.Command("ffmpeg", append(args, output)...))
	cmd.Dir = dir
	e2e.Must(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		}
	})
	return cmd
}

// ffmpeg ends or is killed, and is started again with the same command. Players play on, without being
// loaded again.
func TestPlayersGoOnWhenFFmpegIsStartedAgain(t *testing.T) {
	long.Only(t)
	for _, program := range []string{"chromium", "ffmpeg"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s", program)
		}
	}
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	page := "../../../cmd/ems-demo/page/"
	gateway := newGateway(t, server, map[string]string{"hls.js": page + "hls.light.min.js",
		"dash.js": page + "dash.mediaplayer.min.js"})
	root := t.TempDir()
	e2e.StartSidecar(t, "", proxy.Endpoint, "HLS watch_dir = '"+root+"'", "HLS split_ranges = on",
		"DASH watch_dir = '"+root+"'", "S3 reconnect_window = 60s")
	directory := func(w restarted) string { return filepath.Join(root, "live", w.name) }
	runs := map[string]*exec.Cmd{}
	for _, w := range restartedWriters {
		e2e.Must(t, os.MkdirAll(directory(w), 0o755))
		runs[w.name] = w.begin(t, directory(w), 1)
	}
	e2e.Eventually(t, "all manifests are published", func() bool {
		return !slices.ContainsFunc(restartedWriters, func(w restarted) bool {
			_, err := server.Object("live/" + w.name + "/" + w.manifest)
			return err != nil
		})
	})
	browsed := browser.Open(t, e2e.Patient, browser.Size{Width: 900, Height: 700}, gateway.url+"/page/")
	for _, w := range restartedWriters {
		browsed.Evaluate(fmt.Sprintf("play(%q, %q, %q)", w.player, w.name, gateway.at(w.player,
			"live/"+w.name+"/"+w.manifest)))
	}
	// seen returns how many chunks of a run each player has shown.
	seen := func(run int) (counts map[string]int, seats []seat) {
		browsed.Read("report()", &seats)
		counts = map[string]int{}
		for _, at := range seats {
			for chunk := range at.Chunks {
				if strings.HasPrefix(chunk, fmt.Sprint(run, "/")) {
					counts[at.Stream]++
				}
			}
		}
		return counts, seats
	}
	all := func(run int) func() bool {
		return func() bool {
			counts, _ := seen(run)
			return !slices.ContainsFunc(restartedWriters, func(w restarted) bool {
				return counts[w.name] < 3
			})
		}
	}
	if !e2e.Within(t, time.Minute, "all play the first run", all(1)) {
		_, seats := seen(1)
		t.Fatalf("%+v", seats)
	}
	browsed.Evaluate("watch()")
	for _, w := range restartedWriters {
		e2e.Must(t, runs[w.name].Process.Signal(w.end))
		_ = runs[w.name].Wait() // it was ended
	}
	e2e.Patient.Sleep(2 * time.Second)
	for _, w := range restartedWriters {
		w.begin(t, directory(w), 2)
	}
	e2e.Within(t, time.Minute, "all play the second run", all(2))
	counts, seats := seen(2)
	for i := range seats {
		at := &seats[i]
		t.Logf("%s of %s: %d chunks of the second run; stood still for %.1f s at most; %s %s", at.Player, at.Stream,
			counts[at.Stream], at.Stood/1000, at.Fatal, at.troubles())
	}
}
