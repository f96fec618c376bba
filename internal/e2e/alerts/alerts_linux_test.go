package alerts

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// A fault is one way in which something goes wrong, and what is to be seen of it.
type fault struct {
	name   string
	speed  float64  // of the record; 0: fast
	config []string // besides the usual
	ems    bool     // the daemon deals with a media server
	launch func(s *site, more []string) *e2e.Sidecar
	befall func(s *site)
	mend   func(s *site) // nil: something is lost in the end, which is an alert of its own
	long   bool          // only in the long form: another fault shows the same and more
	shows  []string      // lines of the metrics, by which the fault is known; an empty one is a scrape that fails
	fires  []string      // all alerts that fire, and no other
}

const (
	// fast is 15 s of the record for each scrape.
	fast = 60
	// slowly is where a fault has a beginning that looks like another one: that a bucket is away is
	// known when it is silent for 5 s, in which streams fail.
	slowly = 3
	// longest is the longest time that a rule waits.
	longest = 2 * time.Minute
)

func state(stream, state string) string {
	return fmt.Sprintf(`ems_sidecar_stream_state\{.*state="%s",stream="%s"\} 1$`, state, stream)
}

func alert(name string) string { return fmt.Sprintf(`{alertname="EmsSidecar%s"}`, name) }

func alertOf(name, stream string) string {
	return fmt.Sprintf(`{alertname="EmsSidecar%s", stream="%s"}`, name, stream)
}

var faults = []fault{
	{
		name:   "an encoder freezes",
		befall: func(s *site) { s.frozen.Store(true) },
		mend:   func(s *site) { s.frozen.Store(false) },
		shows:  []string{state(stream(0), "stalled")},
		fires:  []string{alertOf("StreamStalled", stream(0))},
	},
	{
		name:   "one stream is slow",
		befall: func(s *site) { s.slow.Store(true) },
		mend:   func(s *site) { s.slow.Store(false) },
		shows:  []string{state(stream(0), "lagging")},
		fires:  []string{alertOf("StreamLagging", stream(0))},
	},
	{
		name: "one stream is refused",
		befall: func(s *site) {
			s.proxy.Befall(s3test.Answer(http.StatusForbidden, "AccessDenied").Only("one stream", func(r *s3test.Request) bool {
				return strings.HasPrefix(r.Key, stream(0)+"/")
			}))
		},
		shows: []string{state(stream(0), "failing")},
		fires: []string{alertOf("StreamFailing", stream(0))},
	},
	{
		name:   "a directory cannot be read any more",
		launch: asNobody,
		befall: func(s *site) { e2e.Must(s.t, os.Chmod(filepath.Join(s.root, stream(0)), 0o300)) },
		shows:  []string{state(stream(0), "failing")},
		fires:  []string{alertOf("StreamFailing", stream(0))},
	},
	{
		name:   "the bucket is away",
		long:   true,
		speed:  slowly,
		befall: func(s *site) { s.proxy.Befall(s3test.Refuse()) },
		mend:   func(s *site) { s.proxy.Mend() },
		shows:  []string{`ems_sidecar_lane_state\{bucket="live",format="HLS",section="[^"]*",state="silent"\} 1$`},
		fires:  []string{alert("BucketUnreachable")},
	},
	{
		name:   "the bucket is away until the spool is full",
		speed:  slowly,
		config: []string{"Upload spool_max = 1MiB"},
		befall: func(s *site) { s.proxy.Befall(s3test.Refuse()) },
		shows:  []string{`ems_sidecar_lane_state\{bucket="live",format="HLS",section="[^"]*",state="silent"\} 1$`, `ems_sidecar_chunks_lost_total [1-9]`},
		fires:  []string{alert("BucketUnreachable"), alert("SpoolNearlyFull"), alert("ChunksLost")},
	},
	{
		name: "the keys are not valid any more",
		befall: func(s *site) {
			s.proxy.Befall(s3test.Answer(http.StatusForbidden, "InvalidAccessKeyId"))
		},
		mend:  func(s *site) { s.proxy.Mend() },
		shows: []string{`ems_sidecar_lane_state\{bucket="live",format="HLS",section="[^"]*",state="refused"\} 1$`},
		fires: []string{alert("BucketRefuses")},
	},
	{
		name:   "EMS is down",
		ems:    true,
		befall: func(s *site) { s.ems.Stop() },
		mend:   func(s *site) { e2e.Must(s.t, s.ems.Start()) },
		shows:  []string{`ems_sidecar_ems_api_up 0$`},
		fires:  []string{alert("EmsApiDown")},
	},
	{
		name:   "a playlist names a chunk that no one has",
		befall: loseChunk,
		shows:  []string{`ems_sidecar_chunks_lost_total 1$`},
		fires:  []string{alert("ChunksLost")},
	},
	{
		name: "the watched directory is gone",
		befall: func(s *site) {
			s.broken.Store(true)
			e2e.Must(s.t, os.Rename(s.root, s.root+".away"))
		},
		shows: []string{`ems_sidecar_root_ready\{root=".*"\} 0$`},
		fires: []string{alert("DirectoryNotReady")},
	},
	{
		name:   "the daemon is killed",
		befall: func(s *site) { s.side.Kill() },
		shows:  []string{""},
		fires:  []string{alert("Down")},
	},
	{
		name:   "a config with a mistake is reloaded",
		befall: func(s *site) { s.reload("[Upload]\nworkers = many\n") },
		mend:   func(s *site) { s.reload("") },
		shows:  []string{`ems_sidecar_config_last_reload_successful 0$`},
		fires:  []string{alert("ConfigReloadFailed")},
	},
	{
		name:   "the clock is three minutes off",
		befall: func(s *site) { s.record.setSkew(3 * time.Minute) },
		mend:   func(s *site) { s.record.setSkew(0) },
		shows:  []string{`ems_sidecar_clock_timestamp_seconds `},
		fires:  []string{alert("ClockOff")},
	},
}

// untested are rules that no fault here fires. Their unit tests are in deploy/prometheus.
var untested = []string{
	"UploaderHangs", // nothing from outside the process makes it hang
}

func TestEachRuleHasItsFault(t *testing.T) {
	rules, err := os.ReadFile(rulesFile)
	e2e.Must(t, err)
	for _, found := range regexp.MustCompile(`- alert: EmsSidecar(\w+)`).FindAllSubmatch(rules, -1) {
		fired := slices.Contains(untested, string(found[1])) || slices.ContainsFunc(faults, func(f fault) bool {
			return slices.ContainsFunc(f.fires, func(a string) bool { return strings.Contains(a, `"EmsSidecar`+string(found[1])+`"`) })
		})
		if !fired {
			t.Errorf("no fault fires %s", found[1])
		}
	}
}

// Each fault befalls a real daemon, which is scraped as Prometheus does. Prometheus' engine then tells
// which alerts have fired since the start: before the fault none, and after it those of the fault only.
// In the long form, what can be mended is mended, and then none fires any more.
func TestEachFaultFiresItsAlertAndNoOther(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("no promtool: apt-get install prometheus")
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if f.long {
				long.Only(t)
			}
			for attempt := 1; ; attempt++ {
				err := try(t, f)
				if err == nil {
					return
				}
				// On a machine that is busy with other work, streams are really late.
				if attempt == attempts || !e2e.Patient.Busy() {
					t.Fatal(err)
				}
				t.Logf("the machine is busy, again: %v", err)
			}
		})
	}
}

// attempts is how often a fault is tried on a machine that is busy with other work.
const attempts = 3

// try has a fault befall a site, and reports what alerts are not as expected.
func try(t *testing.T, f fault) error {
	t.Helper()
	s := newSite(t, f)
	defer s.end()
	s.plays()
	s.record.restart() // while a daemon starts, its streams are late
	s.pass(4 * s.record.step())
	quiet := s.record.now()
	f.befall(s)
	for _, line := range f.shows {
		s.side.WaitFor("the metrics show "+line, func() bool { return s.record.shows(line) })
	}
	wait := longest
	if f.speed == slowly {
		wait = longest / 4
	}
	s.pass(wait)
	judged := []expectation{{quiet - 1, haveFired, nil}, {s.record.now() - 1, haveFired, f.fires}}
	if long.Or(false, true) && f.mend != nil {
		f.mend(s)
		s.plays()
		s.pass(longest / 4)
		judged = append(judged, expectation{s.record.now() - 1, fire, nil})
	}
	return s.record.judge(t, judged)
}

// asNobody starts the daemon as a user whose rights count.
func asNobody(s *site, more []string) *e2e.Sidecar {
	if os.Geteuid() != 0 {
		return e2e.StartSidecar(s.t, s.root, s.proxy.Endpoint, more...)
	}
	path, err := e2e.BuildBinary()
	e2e.Must(s.t, err)
	content, err := os.ReadFile(path)
	e2e.Must(s.t, err)
	public := filepath.Dir(s.root)
	path, admin := filepath.Join(public, "ems-sidecar"), e2e.FreeAddress(s.t)
	e2e.Must(s.t, os.WriteFile(path, content, 0o755))
	ini := filepath.Join(public, "config.ini")
	e2e.Must(s.t, os.WriteFile(ini, []byte(e2e.ConfigFor(s.root, s.proxy.Endpoint, admin, more...)), 0o644))
	cmd := exec.Command(path, "run", "--config", ini)
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	side := e2e.Launch(s.t, cmd, admin)
	side.WaitForReady()
	return side
}

// loseChunk has a stream's playlist name a chunk that is on no disk.
func loseChunk(s *site) {
	w := &emswriter.HLS{Dir: filepath.Join(s.root, "news", "lost"), Target: time.Second}
	e2e.Must(s.t, w.Start())
	for range 2 {
		_, err := w.Write(emswriter.Content(10_000, "lost"))
		e2e.Must(s.t, err)
		e2e.Must(s.t, w.Next(chunkTime))
	}
	playlist, err := os.ReadFile(w.Playlist())
	e2e.Must(s.t, err)
	e2e.Must(s.t, os.WriteFile(w.Playlist(), append(playlist, "#EXTINF:1.0,\r\nnever_3.ts\r\n#EXT-X-ENDLIST\r\n"...), 0o644))
}
