package installed

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

// An image is the root of a container that is built by hand: the files that the last stage of the
// Containerfile copies, and how it runs.
type image struct {
	root        string
	env         []string
	user        string
	command     []string
	healthCheck []string
}

// newImage builds the image as the Containerfile says, except that the binary is the tests' own.
func newImage(t *testing.T) image {
	t.Helper()
	const top = "../../../"
	built := t.TempDir()
	e2e.Must(t, os.MkdirAll(filepath.Join(built, "out", "state"), 0o755))
	e2e.Must(t, e2e.Build("ems-sidecar/cmd/ems-sidecar", filepath.Join(built, "out", "ems-sidecar")))
	for _, name := range []string{"etc/ssl/certs/ca-certificates.crt", "out/third-party-licences"} {
		e2e.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(built, name)), 0o755))
		e2e.Must(t, os.WriteFile(filepath.Join(built, name), nil, 0o644))
	}
	text, err := os.ReadFile(top + "deploy/container/Containerfile")
	e2e.Must(t, err)
	_, final, _ := strings.Cut(string(text), "\nFROM scratch\n")
	i := image{root: t.TempDir()}
	list := func(arg string) (words []string) {
		e2e.Must(t, json.Unmarshal([]byte(arg[strings.Index(arg, "["):]), &words))
		return words
	}
	for line := range strings.Lines(final) {
		name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "COPY":
			words := strings.Fields(arg)
			from, to := words[len(words)-2], filepath.Join(i.root, words[len(words)-1])
			owner := "0:0"
			base := top
			for _, option := range words[:len(words)-2] {
				if option == "--from=build" {
					base = built
				}
				if o, ok := strings.CutPrefix(option, "--chown="); ok {
					owner = o
				}
			}
			e2e.Must(t, os.MkdirAll(filepath.Dir(to), 0o755))
			if out, err := exec.Command("sh", "-c", `cp -R "$1" "$2" && chown -R "$3" "$2"`, "sh", filepath.Join(base, from), to,
				owner).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v, %s", line, err, out)
			}
		case "ENV":
			i.env = append(i.env, arg)
		case "USER":
			i.user = arg
		case "ENTRYPOINT", "CMD":
			i.command = append(i.command, list(arg)...)
		case "HEALTHCHECK":
			i.healthCheck = list(arg)
		}
	}
	return i
}

// run returns a command in a container of the image: with its user, which has no capability, in a
// root that is read-only except for the volumes.
func (i image) run(volumes []string, command ...string) *exec.Cmd {
	script := `set -e
cd "$1"
for volume in $2; do mkdir -p ".${volume#*:}"; done
mount --rbind . .
cd "$1"
mount -o remount,bind,ro .
for volume in $2; do mount --bind "${volume%%:*}" ".${volume#*:}"; done
user=$3
shift 3
exec setpriv --no-new-privs chroot --userspec="$user" --groups= . "$@"
`
	args := []string{"--mount", "--propagation", "private", "sh", "-c", script, "sh", i.root, strings.Join(volumes, " "), i.user}
	cmd := exec.Command("unshare", append(args, command...)...)
	cmd.Env = append(i.env, "PATH="+os.Getenv("PATH"))
	return testproc.Bind(cmd)
}

// The image runs, publishes, and its health check tells whether the daemon works.
func TestContainer(t *testing.T) {
	if os.Geteuid() != 0 || exec.Command("unshare", "--mount", "true").Run() != nil {
		t.Skip("no right to mount")
	}
	i := newImage(t)
	site := e2e.NewSite(t, 3, e2e.LivePace)
	e2e.Must(t, os.Chmod(site.Root, 0o777)) // as an emptyDir
	admin := e2e.FreeAddress(t)
	config := e2e.ConfigFor("/media", site.Proxy.Endpoint, admin, "AmazonHDSUpload watch_dir = /media", "AmazonDASHUpload watch_dir = /media",
		"Upload drain_timeout = 3s")
	e2e.Must(t, os.WriteFile(filepath.Join(i.root, "etc/ems-sidecar/config.ini"), []byte(config), 0o644))
	// A new volume has the owner of the directory in the image.
	state := t.TempDir()
	owned, err := os.Stat(filepath.Join(i.root, stateDir))
	e2e.Must(t, err)
	id := owned.Sys().(*syscall.Stat_t)
	e2e.Must(t, os.Chown(state, int(id.Uid), int(id.Gid)))
	volumes := []string{site.Root + ":/media", state + ":" + stateDir}
	healthy := func() (string, bool) {
		out, err := i.run(volumes, i.healthCheck...).CombinedOutput()
		return string(out), err == nil
	}
	if out, ok := healthy(); ok || !strings.Contains(out, "the daemon does not work") {
		t.Errorf("without a daemon, the health check says %q", out)
	}

	site.Command = func() (*exec.Cmd, string) { return i.run(volumes, i.command...), admin }
	site.Launch()
	site.Ready()
	site.Play(e2e.NewRandom(t), time.Minute)
	site.BecomesCurrent(time.Now(), e2e.RecoveryTime)
	if out, ok := healthy(); !ok || out != "ok\n" {
		t.Errorf("the health check says %q", out)
	}
	site.End()
	site.Recovers(e2e.RecoveryTime)
	site.NothingIsLost()
	if failed := site.Side.Lines("read-only file system"); len(failed) > 0 {
		t.Errorf("the daemon writes elsewhere: %q", failed)
	}
	if code := site.Side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	for _, dir := range []string{filepath.Join(site.Root, ".ems-sidecar"), state} {
		if files, err := os.ReadDir(dir); err != nil || len(files) == 0 {
			t.Errorf("%s has %d files: %v", dir, len(files), err)
		}
	}
}
