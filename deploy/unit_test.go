// Package deploy_test holds the files that install the daemon against the daemon itself.
package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }

const unit = "ems-sidecar.service"

// setting returns the values of a key of the unit, in order; a comment is none.
func setting(t *testing.T, key string) []string {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, v)
		}
	}
	return values
}

func build(t *testing.T) string {
	t.Helper()
	binary, err := e2e.BuildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// The real binary takes the command line and, as no such config is there, ends with the code after
// which systemd does not start it again.
func TestBinaryTakesTheCommandLineOfTheUnit(t *testing.T) {
	t.Parallel()
	command := strings.Fields(setting(t, "ExecStart")[0])
	absent := filepath.Join(t.TempDir(), "config.ini")
	i := slices.Index(command, "/etc/ems-sidecar/config.ini")
	if i < 0 {
		t.Fatalf("the default config is not on the command line: %q", command)
	}
	command[i] = absent

	out, err := exec.Command(build(t), command[1:]...).CombinedOutput()

	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "open "+absent) {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := setting(t, "RestartPreventExitStatus")[0]; want != "2" || exit.ExitCode() != 2 {
		t.Errorf("exit code %d, RestartPreventExitStatus=%s, want 2 both", exit.ExitCode(), want)
	}
}

// systemd counts the ends by SIGHUP, SIGPIPE and SIGINT as clean, after which on-failure does not
// restart. A mistake in the config is the only end that another start does not mend.
func TestSystemdRestartsAfterEveryEndButAMistake(t *testing.T) {
	for key, want := range map[string]string{"Restart": "always", "RestartPreventExitStatus": "2", "StartLimitIntervalSec": "0"} {
		if got := setting(t, key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", key, got, want)
		}
	}
}

// Units stop in the reverse order of their start. The media server's start waits for READY, so that
// must not take for ever.
func TestUnitStopsAfterTheMediaServer(t *testing.T) {
	if got := setting(t, "Before"); !slices.Equal(got, []string{"evostreamms.service"}) {
		t.Errorf("Before: %q", got)
	}
	limit, err := time.ParseDuration(setting(t, "TimeoutStartSec")[0])
	if err != nil || limit > time.Minute {
		t.Errorf("TimeoutStartSec: %v, %v", limit, err)
	}
}

// Older systemds do not know Type=notify-reload: they would take the service for a simple one.
func TestUnitReloadsAndIsWatchedWithEverySystemd(t *testing.T) {
	if got := setting(t, "ExecReload"); len(got) != 2 || got[0] != "/bin/sh -c 'kill -HUP $MAINPID'" {
		t.Errorf("ExecReload: %q", got)
	}
	for key, want := range map[string]string{"Type": "notify", "WatchdogSec": "60s"} {
		if got := setting(t, key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", key, got, want)
		}
	}
}

// Who runs "systemctl reload" learns of a mistake from its exit code.
func TestReloadOfTheUnitFailsIfTheConfigHasAMistake(t *testing.T) {
	t.Parallel()
	binary, file := build(t), filepath.Join(t.TempDir(), "config.ini")
	answer, isShell := strings.CutPrefix(setting(t, "ExecReload")[1], "/bin/sh -c '")
	if !isShell {
		t.Fatalf("the second command is %s", answer)
	}
	answer = strings.NewReplacer("/usr/local/bin/ems-sidecar", binary, "/etc/ems-sidecar/config.ini", file).
		Replace(strings.TrimSuffix(answer, "'"))
	const hls = "[HLS]\nwatch_dir = /srv/media\ndefault_bucket = live\n[Upload]\n"
	for content, want := range map[string]int{
		hls + "workers = 7\n":    0,
		hls + "workers = many\n": 2,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.Command("/bin/sh", "-c", answer)
		out, err := command.CombinedOutput()
		if code := command.ProcessState.ExitCode(); code != want || (want == 0) != (len(out) == 0) ||
			want != 0 && !strings.Contains(string(out), `workers = "many"`) {
			t.Errorf("with %q, exit code %d, want %d: %v\n%s", content, code, want, err, out)
		}
	}
}

func TestSystemdWaitsLongerThanTheDrainTakes(t *testing.T) {
	cfg, err := config.Parse("defaults", nil)
	if err != nil {
		t.Fatal(err)
	}
	limit, err := time.ParseDuration(setting(t, "TimeoutStopSec")[0])
	if err != nil {
		t.Fatal(err)
	}
	const abortOfMultipart = 10 * time.Second
	if drain := cfg.Upload.DrainTimeout; limit <= drain+abortOfMultipart {
		t.Errorf("TimeoutStopSec=%v, drain_timeout is %v", limit, drain)
	}
}

// CAP_LEASE and CAP_FOWNER, for links, are the rights that the service has, and they must have
// effect: in a user namespace they have none.
func TestUnitGivesTheTwoCapabilitiesAndNothingElse(t *testing.T) {
	for _, key := range []string{"AmbientCapabilities", "CapabilityBoundingSet"} {
		if got := setting(t, key); !slices.Equal(got, []string{"CAP_LEASE CAP_FOWNER"}) {
			t.Errorf("%s: %q", key, got)
		}
	}
	if got := setting(t, "PrivateUsers"); len(got) > 0 {
		t.Errorf("PrivateUsers: %q", got)
	}
	if got := setting(t, "User"); !slices.Equal(got, []string{"ems-sidecar"}) {
		t.Errorf("User: %q", got)
	}
}

func TestSystemdAcceptsTheUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("no systemd-analyze")
	}
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	// It wants the command to be there.
	here := strings.Replace(string(text), "/usr/local/bin/ems-sidecar", build(t), 1)
	copied := filepath.Join(t.TempDir(), unit)
	if err := os.WriteFile(copied, []byte(here), 0o644); err != nil {
		t.Fatal(err)
	}
	// It may complain of this machine's units, too.
	if out, err := exec.Command(analyze, "verify", "--man=no", copied).CombinedOutput(); err != nil || strings.Contains(string(out), unit) {
		t.Errorf("%v\n%s", err, out)
	}
}

// systemd's own judgement of what a service that was taken over could do, from 0 to 10.
func TestExposureOfTheUnitIsBelowTwo(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze")
	}
	// The threshold is in tenths, and is an exposure that is still allowed.
	out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold=19", unit).CombinedOutput()
	if strings.Contains(string(out), "unrecognized option") {
		t.Skip("systemd-analyze is too old")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// No memory of the daemon, which has secrets in it, gets to the disk, and a leak hurts no other
// service.
func TestUnitBoundsMemoryAndLeavesNoDump(t *testing.T) {
	for key, want := range map[string]string{"LimitCORE": "0", "MemoryMax": "512M", "Environment": "GOMEMLIMIT=400MiB"} {
		if got := setting(t, key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", key, got, want)
		}
	}
}

// A link from one page to another leads somewhere on the host, too.
func TestPackagesHaveEachDirectoryOfDocs(t *testing.T) {
	t.Parallel()
	contents := read(t, "package/nfpm.yaml")
	pages, err := filepath.Glob("../docs/*/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	for _, page := range pages {
		dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(page)), "../")
		want := "- src: " + dir + "/*.md\n    dst: /usr/share/doc/ems-sidecar/" + dir + "/\n"
		if !strings.Contains(contents, want) {
			t.Errorf("the packages lack %s", page)
		}
	}
}
