//go:build unix

package publish

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
)

// reloadPause is between two reloads.
const reloadPause = 300 * time.Millisecond

// published matches the lag of a playlist in the log.
var published = regexp.MustCompile(`msg=published .*key=\S+\.m3u8 .*lag=(\S+)`)

// Streams of all formats are published while the config changes all the time, to good ones and to
// bad ones: no chunk is lost or sent twice, and no playlist is late.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	reloads, streams := long.Or(12, 200), long.Or(8, 20)
	s := e2e.NewSite(t, streams, e2e.LivePace)
	another := t.TempDir()
	var ini string
	s.Command = func() (*exec.Cmd, string) {
		cmd, admin := e2e.SidecarCommand(t, s.Root, s.Proxy.Endpoint, nil, s.Sections()...)
		ini = cmd.Args[slices.Index(cmd.Args, "--config")+1]
		return cmd, admin
	}
	s.Launch()
	s.Ready()
	original, err := os.ReadFile(ini)
	e2e.Must(t, err)
	s.View()
	s.Play(e2e.NewRandom(t), time.Hour) // one run for each encoder
	s.BecomesCurrent(time.Now(), e2e.RecoveryTime)

	hls := "watch_dir = '" + s.Root + "'"
	good := [][]string{
		{},
		{"[S3]", "[Upload]\nworkers = 8\nmin_throughput = 32KiB\n[S3]"},
		{"[S3]", "[S3]\ncache_control_chunk = max-age=7\nstorage_class = STANDARD\nsign_payload = on"},
		{"[AmazonHLSUpload]\n" + hls, "[AmazonHLSUpload]\nwatch_dir[] = '" + s.Root + "'\nwatch_dir[] = '" + another + "'"},
		{"[Admin]", "[TranscodeResetter]\n[Hooks]\nlisten = " + e2e.FreeAddress(t) + "\n[EMS]\napi_url = http://127.0.0.1:1\n[Admin]\ntoken = word"},
		{"[Log]", "[Log]\nformat = text\n", "[S3]", "[S3]\nmanifest_interval = 100ms"},
	}
	bad := [][]string{
		{"[S3]", "[Upload]\nworkers = many\n[S3]"},
		{"[S3]", "[S3]\nunknown = 1"},
		{"[Admin]", "[Admin]\ntls_cert = /none\ntls_key = /none"},
	}
	applied, refused := 0, 0
	for i := range reloads {
		replace, message := good[i/2%len(good)], "msg=\"config reloaded\""
		if i%2 == 1 {
			replace, message = bad[i/2%len(bad)], "msg=\"config not reloaded\""
			refused++
		} else {
			applied++
		}
		text := strings.NewReplacer(replace...).Replace(string(original))
		e2e.Must(t, os.WriteFile(ini, []byte(text), 0o600))
		n := len(s.Side.Lines(message))
		e2e.Must(t, s.Side.Cmd.Process.Signal(syscall.SIGHUP))
		s.Side.WaitFor(message, func() bool { return len(s.Side.Lines(message)) > n })
		e2e.Patient.Sleep(reloadPause)
	}
	s.End()
	current, complete := s.Recovers(e2e.RecoveryTime)
	s.Unview()
	s.NothingIsLost()
	again, _ := e2e.SentAgain(s.Proxy.Log(), nil)
	for _, q := range again {
		if !e2e.Late(q, e2e.Promptly) {
			t.Errorf("%s was sent again", q.Key)
		}
	}
	var worst time.Duration
	playlists := 0
	for _, line := range s.Side.Lines("msg=published") {
		if m := published.FindStringSubmatch(line); m != nil {
			lag, err := time.ParseDuration(m[1])
			e2e.Must(t, err)
			worst = max(worst, lag)
			playlists++
		}
	}
	if playlists == 0 || worst > 2*time.Second && !e2e.Patient.Busy() {
		t.Errorf("of %d playlists the latest was late by %v", playlists, worst)
	}
	t.Logf("%d reloads applied, %d refused; %d streams, %d HLS playlists, at most %v late; sent again: %d; at the end current after %v and complete after %v",
		applied, refused, streams, playlists, worst, len(again), current, complete)
	if code := s.Side.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
