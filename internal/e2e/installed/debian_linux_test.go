package installed

import (
	"bufio"
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

var (
	rootFlag   = flag.String("root", "", "the root of a Debian that the tests may change")
	debFlag    = flag.String("deb", "", "the deb")
	beforeFlag = flag.String("before", "", "a deb of a version before it")
)

// What the tests of the deb need of the unit.
const (
	mediaDir  = "/var/lib/ems/media"
	stateDir  = "/var/lib/ems-sidecar"
	configDir = "/etc/ems-sidecar"
	unitFile  = "/usr/lib/systemd/system/ems-sidecar.service"
)

// A debian is a root directory with a Debian in it, in which no systemd runs.
type debian struct {
	t    *testing.T
	root string
}

// newDebian returns the root of the flag with the packages in /deb.
func newDebian(t *testing.T) *debian {
	t.Helper()
	if *rootFlag == "" || *debFlag == "" || *beforeFlag == "" {
		t.Skip("no Debian to install the package in: .ci/packages makes one")
	}
	d := &debian{t, *rootFlag}
	for name, from := range map[string]string{"/deb/new.deb": *debFlag, "/deb/before.deb": *beforeFlag} {
		content, err := os.ReadFile(from)
		e2e.Must(t, err)
		d.write(name, string(content), 0o644)
	}
	t.Cleanup(func() { d.run("dpkg -P ems-sidecar") }) // it is no failure if there is none
	return d
}

func (d *debian) path(name string) string { return filepath.Join(d.root, name) }

// write makes a file, and its directories.
func (d *debian) write(name, content string, mode fs.FileMode) {
	d.t.Helper()
	e2e.Must(d.t, os.MkdirAll(filepath.Dir(d.path(name)), 0o755))
	e2e.Must(d.t, os.WriteFile(d.path(name), []byte(content), mode))
}

// command returns a command that runs as root within.
func (d *debian) command(line string) *exec.Cmd {
	cmd := exec.Command("chroot", d.root, "/usr/bin/env", "-i", "HOME=/root", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", line)
	return testproc.Bind(cmd)
}

// run runs a line of the shell and returns what it prints.
func (d *debian) run(line string) string {
	d.t.Helper()
	out, err := d.command(line).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.TrimSpace(string(out))
}

// fails runs a line that must fail and returns what it prints.
func (d *debian) fails(line string) string {
	d.t.Helper()
	out, err := d.command(line).CombinedOutput()
	if err == nil {
		d.t.Errorf("%s: succeeds\n%s", line, out)
	}
	return string(out)
}

// is tests what a line prints.
func (d *debian) is(line, want string) {
	d.t.Helper()
	if got := d.run(line); got != want {
		d.t.Errorf("%s: %q, want %q", line, got, want)
	}
}

// ofOthers are files that change with each run of dpkg, backups of the list of users, and what the
// tests bring.
var ofOthers = regexp.MustCompile(`^/(var/lib/dpkg|var/lib/ems|var/log|var/cache|proc|dev|deb|run)(/|$)|^/etc/.*-$|^/etc/\.pwd\.lock$`)

// files returns the names of all files, and what is in those of /etc.
func (d *debian) files() map[string]string {
	d.t.Helper()
	found := map[string]string{}
	e2e.Must(d.t, filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(path, d.root), "/")
		switch {
		case err != nil:
			return err
		case ofOthers.MatchString(name):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.Type().IsRegular() && strings.HasPrefix(name, "/etc/"):
			content, err := os.ReadFile(path)
			found[name] = string(content)
			return err
		}
		found[name] = ""
		return nil
	}))
	return found
}

// different returns the names that are in one of two states only, or have another content.
func different(a, b map[string]string) (names []string) {
	for name, content := range a {
		if other, ok := b[name]; !ok || other != content {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// setting returns the values of a key of the installed unit.
func (d *debian) setting(key string) (values []string) {
	d.t.Helper()
	unit, err := os.ReadFile(d.path(unitFile))
	e2e.Must(d.t, err)
	for line := range strings.Lines(string(unit)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, strings.Fields(v)...)
		}
	}
	return values
}

// sandboxed returns a command that runs as the unit's user under as much of the unit's sandbox as
// needs no systemd: the capabilities, NoNewPrivileges, ProtectSystem=strict with what may be
// written, PrivateTmp, ProtectHome, UMask, and LimitNOFILE where this process may raise it.
func (d *debian) sandboxed(command ...string) *exec.Cmd {
	d.t.Helper()
	caps := ""
	for _, name := range d.setting("AmbientCapabilities") {
		caps += ",+" + strings.ToLower(strings.TrimPrefix(name, "CAP_"))
	}
	script := `set -e
cd "$1"
mkdir -p ."$2"
chroot . chown ems-sidecar:ems-sidecar "$2"
chmod 0700 ."$2"
mount --rbind . .
cd "$1"
mount -o remount,bind,ro .
for writable in "$2" "$3"; do
	mount --bind ."$writable" ."$writable"
	mount -o remount,bind,rw ."$writable"
done
for hidden in tmp var/tmp home root; do mount -t tmpfs tmpfs "$hidden"; done
ulimit -n ` + d.setting("LimitNOFILE")[0] + ` || ulimit -n "$(ulimit -Hn)"
umask ` + d.setting("UMask")[0] + `
shift 3
exec chroot . /usr/bin/env -i PATH=/usr/bin STATE_DIRECTORY="` + stateDir + `" ` + d.setting("Environment")[0] + ` \
	setpriv --reuid ` + d.setting("User")[0] + ` --regid ` + d.setting("Group")[0] + ` --init-groups --no-new-privs \
	--inh-caps=-all` + caps + ` --ambient-caps=-all` + caps + ` --bounding-set=-all` + caps + ` "$@"
`
	args := append([]string{"--mount", "--propagation", "private", "sh", "-c", script, "sh", d.root, stateDir, mediaDir}, command...)
	return testproc.Bind(exec.Command("unshare", args...))
}

// systemctl is the double of a systemd that runs: what the package's scripts ask it for comes to
// the test. Without an entry in do, it answers that all is well.
type systemctl struct {
	mu    sync.Mutex
	asked []string
	ended sync.WaitGroup
	ask   *os.File
}

// startSystemctl has the scripts find a systemd. do has what a request does, before it is answered.
func (d *debian) startSystemctl(do map[string]func()) *systemctl {
	d.t.Helper()
	s := &systemctl{}
	e2e.Must(d.t, os.MkdirAll(d.path("/run/systemd/system"), 0o755))
	var fifos []*os.File
	for _, name := range []string{"/run/ask", "/run/answer"} {
		e2e.Must(d.t, syscall.Mkfifo(d.path(name), 0o600))
		f, err := os.OpenFile(d.path(name), os.O_RDWR, 0)
		e2e.Must(d.t, err)
		fifos = append(fifos, f)
	}
	s.ask = fifos[0]
	d.write("/usr/local/bin/systemctl", "#!/bin/sh\necho \"$*\" >/run/ask\nread -r code </run/answer\nexit \"$code\"\n", 0o755)
	s.ended.Go(func() {
		defer fifos[1].Close()
		for lines := bufio.NewScanner(fifos[0]); lines.Scan(); {
			if act := do[lines.Text()]; act != nil {
				act()
			}
			s.mu.Lock() // after it: who sees the request sees what was done, too
			s.asked = append(s.asked, lines.Text())
			s.mu.Unlock()
			if _, err := fifos[1].WriteString("0\n"); err != nil {
				d.t.Errorf("answer %s: %v", lines.Text(), err)
				return
			}
		}
	})
	return s
}

// stop takes the double away.
func (d *debian) stop(s *systemctl) {
	d.t.Helper()
	s.ask.Close()
	s.ended.Wait()
	for _, name := range []string{"/run/ask", "/run/answer", "/usr/local/bin/systemctl", "/run/systemd/system"} {
		e2e.Must(d.t, os.Remove(d.path(name)))
	}
}

// requests returns what was asked for since the last call.
func (s *systemctl) requests() (asked []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, s.asked = s.asked, nil
	return asked
}

// mounted shows a directory of this machine within until the test ends.
func (d *debian) mounted(from, to string) {
	d.t.Helper()
	e2e.Must(d.t, os.MkdirAll(d.path(to), 0o755))
	e2e.Must(d.t, syscall.Mount(from, d.path(to), "", syscall.MS_BIND, ""))
	d.t.Cleanup(func() { e2e.Must(d.t, syscall.Unmount(d.path(to), syscall.MNT_DETACH)) })
}

// content returns a file's.
func (d *debian) content(name string) string {
	d.t.Helper()
	b, err := os.ReadFile(d.path(name))
	e2e.Must(d.t, err)
	return string(bytes.TrimSpace(b))
}
