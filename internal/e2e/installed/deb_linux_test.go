package installed

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
)

// The life of the package: it is installed, runs, is upgraded among streams, removed and purged.
func TestDeb(t *testing.T) {
	d := newDebian(t)
	clean := d.files()
	// What an operator adds, and a purge leaves.
	const secret, dropIn = configDir + "/s3-secret", "/etc/systemd/system/ems-sidecar.service.d"

	d.run("dpkg -i /deb/before.deb")
	d.isInstalled()
	// Again, as after an installation that was interrupted.
	for _, script := range []string{"preinst install", "postinst configure", "prerm upgrade 1", "postrm upgrade 1"} {
		d.run("/var/lib/dpkg/info/ems-sidecar." + script)
	}

	d.write(secret, "secret", 0o600)
	d.write(dropIn+"/spool.conf", "[Service]\nReadWritePaths="+mediaDir+"\n", 0o644)
	d.publishesAndIsUpgraded()

	s := d.startSystemctl(nil)
	d.run("dpkg -r ems-sidecar")
	if got, want := s.requests(), []string{"stop ems-sidecar.service", "daemon-reload"}; !slices.Equal(got, want) {
		t.Errorf("the removal asks systemd for %q, want %q", got, want)
	}
	d.is("stat -c %U:%G:%a "+configDir+"/config.ini", "root:ems-sidecar:640")
	d.is("id -un ems-sidecar", "ems-sidecar")
	if _, err := os.Stat(d.path("/usr/bin/ems-sidecar")); err == nil {
		t.Error("the binary is there after the removal")
	}

	d.run("dpkg -P ems-sidecar")
	s.requests()
	d.stop(s)
	if left := different(clean, d.files()); !slices.Equal(left, []string{configDir, secret, dropIn, dropIn + "/spool.conf"}) {
		t.Errorf("the purge leaves %q", left)
	}
	d.fails("id ems-sidecar")
	d.fails("getent group ems-sidecar")
}

// A system without systemd has no systemd-sysusers.
func TestDebMakesItsUserWithoutSystemd(t *testing.T) {
	d := newDebian(t)
	const sysusers, hidden = "/usr/bin/systemd-sysusers", "/usr/bin/systemd-sysusers.hidden"
	e2e.Must(t, os.Rename(d.path(sysusers), d.path(hidden)))
	defer func() { e2e.Must(t, os.Rename(d.path(hidden), d.path(sysusers))) }()

	d.run("dpkg -i /deb/new.deb")

	d.isInstalled()
	d.run("dpkg -P ems-sidecar")
}

// isInstalled tests what the package brings.
func (d *debian) isInstalled() {
	d.t.Helper()
	d.is("stat -c %U:%G:%a "+configDir+"/config.ini", "root:ems-sidecar:640")
	d.is("dpkg-query -W -f '${Conffiles}' ems-sidecar | awk '{print $1}'", configDir+"/config.ini")
	d.is("dpkg -V ems-sidecar", "")
	d.is("getent passwd ems-sidecar | cut -d: -f1,6,7", "ems-sidecar:/:/usr/sbin/nologin")
	d.is("runuser -u ems-sidecar -- id -Gn", "ems-sidecar")
	d.is("systemd-analyze verify --man=no ems-sidecar.service 2>&1", "")
	d.is("systemctl is-enabled ems-sidecar.service || true", "disabled")
	version := d.run("dpkg-query -W -f '${Version}' ems-sidecar")
	for _, name := range []string{"/usr/bin/ems-sidecar", unitFile, "/usr/lib/sysusers.d/ems-sidecar.conf",
		"/usr/share/bash-completion/completions/ems-sidecar", "/usr/share/zsh/vendor-completions/_ems-sidecar",
		"/usr/share/fish/vendor_completions.d/ems-sidecar.fish", "/usr/share/man/man1/ems-sidecar.1.gz",
		"/usr/share/man/man5/ems-sidecar-config.5.gz", "/usr/share/doc/ems-sidecar/copyright",
		"/usr/share/doc/ems-sidecar/third-party-licences.gz", "/usr/share/doc/ems-sidecar/changelog.gz",
		"/usr/share/doc/ems-sidecar/docs/runbook.md", "/usr/share/doc/ems-sidecar/docs/logs.md",
		"/usr/share/doc/ems-sidecar/docs/writers/README.md",
		"/usr/share/doc/ems-sidecar/deploy/prometheus/alerts.yaml"} {
		if info, err := os.Stat(d.path(name)); err != nil || info.Size() == 0 || info.Mode().Perm()&0o022 != 0 {
			d.t.Errorf("version %s: %s: %v, %v", version, name, info, err)
		}
	}
	// The daemon's user reads the config, which has no mistake.
	if out := d.run("runuser -u ems-sidecar -- ems-sidecar check --offline || test $? = 1"); !strings.HasPrefix(out, "ok    config") {
		d.t.Errorf("check of the new config says:\n%s", out)
	}
}

// publishesAndIsUpgraded runs the daemon of the package under the unit's sandbox, upgrades it among
// ten streams, and expects no gap.
func (d *debian) publishesAndIsUpgraded() {
	t := d.t
	site := e2e.NewSite(t, 13, e2e.LivePace)
	// Ten of them: MSS chunks are published a minute after their end only.
	site.Encoders = slices.DeleteFunc(site.Encoders, func(e e2e.Encoder) bool { return strings.HasPrefix(e.Directory(), "mss") })
	d.mounted(site.Root, mediaDir)
	e2e.Must(t, os.Chmod(site.Root, 0o755))

	// What an operator does.
	admin := e2e.FreeAddress(t)
	var more []string
	for _, format := range []string{"HDS", "DASH"} {
		more = append(more, "Amazon"+format+"Upload watch_dir = '"+mediaDir+"'")
	}
	config := e2e.ConfigFor(mediaDir, site.Proxy.Endpoint, admin, more...)
	d.configure(config)
	d.run("install -d -o ems-sidecar -g ems-sidecar -m 0700 " + mediaDir + "/.ems-sidecar")
	d.run("systemctl enable ems-sidecar.service")

	d.isConfined()
	site.Command = func() (*exec.Cmd, string) { return d.sandboxed(d.setting("ExecStart")...), admin }
	site.Launch()
	site.Ready()
	site.View()
	site.Play(e2e.NewRandom(t), time.Minute)
	site.BecomesCurrent(time.Now(), e2e.RecoveryTime)

	s := d.startSystemctl(map[string]func(){"restart ems-sidecar.service": func() {
		if code := site.Side.Stop(); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
		site.Launch()
		site.Ready()
	}})
	d.run("dpkg -i /deb/new.deb")
	if got, want := s.requests(), []string{"daemon-reload", "--quiet is-active ems-sidecar.service",
		"restart ems-sidecar.service"}; !slices.Equal(got, want) {
		t.Errorf("the upgrade asks systemd for %q, want %q", got, want)
	}
	if !d.runsInstalled(site.Side.Cmd.Process.Pid) {
		t.Error("after the upgrade, the old binary runs")
	}
	if d.content(configDir+"/config.ini") != strings.TrimSpace(config) {
		t.Error("the upgrade changed the config")
	}
	d.is("stat -c %U:%G:%a "+configDir+"/config.ini", "root:ems-sidecar:640")
	site.Recovers(e2e.RecoveryTime)

	// With a mistake in the config, the daemon would not start again.
	d.configure(config + "[Upload]\nworkers = many\n")
	out := d.run("dpkg -i /deb/new.deb 2>&1")
	if got := s.requests(); slices.Contains(got, "restart ems-sidecar.service") || !strings.Contains(out, `workers = "many"`) {
		t.Errorf("with a mistake in the config, the upgrade asks systemd for %q and says\n%s", got, out)
	}
	d.stop(s)
	d.configure(config)

	site.End()
	site.Recovers(e2e.RecoveryTime)
	site.Unview()
	site.NothingIsLost()
	if len(site.Referee.Setbacks) > 0 {
		t.Errorf("the bucket went back: %v", site.Referee.Setbacks)
	}
	if links := site.Side.Lines("links are not possible"); len(links) > 0 {
		t.Errorf("no links: %q", links)
	}
	if code := site.Side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if state, err := os.ReadDir(d.path(stateDir)); err != nil || len(state) == 0 {
		t.Errorf("the daemon left no state: %v", err)
	}
	t.Logf("%d streams, %d manifests judged at the door", len(site.Encoders), site.Referee.Judged)
}

// configure changes the config as an editor does: owner and mode stay.
func (d *debian) configure(content string) {
	d.t.Helper()
	f, err := os.OpenFile(d.path(configDir+"/config.ini"), os.O_WRONLY|os.O_TRUNC, 0)
	e2e.Must(d.t, err)
	_, err = f.WriteString(content)
	e2e.Must(d.t, err)
	e2e.Must(d.t, f.Close())
}

// isConfined tests what the unit's sandbox keeps the service from.
func (d *debian) isConfined() {
	d.t.Helper()
	for _, file := range []string{"/etc/x", configDir + "/config.ini", "/usr/bin/x", "/var/lib/ems/x", "/run/x", "/var/lib/x"} {
		out, err := d.sandboxed("/bin/sh", "-c", "echo >>"+file).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "cannot create "+file) {
			d.t.Errorf("the service writes %s: %v, %s", file, err, out)
		}
	}
	out, err := d.sandboxed("/bin/sh", "-c", "set -e; echo >"+stateDir+"/x; rm "+stateDir+"/x; echo >"+mediaDir+"/.ems-sidecar/x; rm "+
		mediaDir+"/.ems-sidecar/x; grep -E '^(CapEff|CapBnd|NoNewPrivs|Uid)' /proc/self/status; umask").CombinedOutput()
	if err != nil {
		d.t.Errorf("%v\n%s", err, out)
	}
	const caps = "0000000010000008" // CAP_FOWNER is bit 3, CAP_LEASE bit 28
	for _, want := range []string{"CapEff:\t" + caps, "CapBnd:\t" + caps, "NoNewPrivs:\t1", "0077"} {
		if !strings.Contains(string(out), want) {
			d.t.Errorf("the service has no %s:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "Uid:\t0") {
		d.t.Errorf("the service runs as root:\n%s", out)
	}
}

// runsInstalled reports whether a process runs the binary that is installed now.
func (d *debian) runsInstalled(pid int) bool {
	var inodes []uint64
	for _, path := range []string{d.path("/usr/bin/ems-sidecar"), "/proc/" + strconv.Itoa(pid) + "/exe"} {
		info, err := os.Stat(path)
		e2e.Must(d.t, err)
		inodes = append(inodes, info.Sys().(*syscall.Stat_t).Ino)
	}
	return inodes[0] == inodes[1]
}
