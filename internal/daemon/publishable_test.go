package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/config"
)

// Anyone who can reach EMS's API, or answer in its place, can name directories. That publishes no
// private file.
func TestDirectoriesThatAreNeverPublishedBecauseEMSNamesThem(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("paths of Unix")
	}
	t.Setenv("HOME", "/srv/operator")
	l := NewLimits(&config.Config{Path: "/srv/ems-sidecar/config.ini", Upload: config.Pool{SpoolDir: "/srv/spool"}}, "/var/lib/ems-sidecar")
	for path, why := range map[string]string{
		"/etc/ssl/private": "/etc", "/etc": "", "/root/.ssh": "/root", "/proc/self/root/srv": "/proc", "/sys/x": "/sys", "/dev/x": "/dev",
		"/dev/shm": "/dev", "/boot/x": "/boot", "/usr/share/x": "/usr", "/bin/x": "", "/sbin/x": "", "/lib/x": "", "/lib64/x": "", "/run/user/0": "/run",
		"/var/run/x": "", "/var/log/x": "/var/log", "/var/spool/mail": "/var/spool", "/var/lib/private/x": "/var/lib/private",
		"/var": "", "/home": "", "/var/lib": "many programs", "/": "", "/media": "",
		"/home/ems": "home directory", "/home/ems/.ssh": "hidden in a home", "/home/ems/www/.git/x": "hidden in a home",
		"/srv/operator": "home directory", "/srv/operator/.aws/x": "hidden in a home",
		"/srv/ems-sidecar": "config or state", "/var/lib/ems-sidecar": "config or state",
		"/srv/spool": "", "/srv/spool/x": "spool", "/srv/media/.ems-sidecar/hls": "spool",
		"media": "not a directory of this host", `C:\media`: "not a directory of this host", "../x": "not a directory of this host",
		"/srv/../etc/x": "/etc", "/srv//./../etc/x": "/etc",
	} {
		for _, dir := range []Directory{
			{Root: filepath.Dir(filepath.Clean(path)), Group: filepath.Base(filepath.Clean(path))},
			{Root: filepath.Clean(path)},
		} {
			err := l.Refuse(dir)
			if path == "/media" && dir.Group == "" {
				continue // for recordings
			}
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s, group %q: %v, want %q", path, dir.Group, err, why)
			}
		}
	}
	for _, path := range []string{"/srv/media/g", "/home/ems/media", "/dev/shm/hls/g", "/var/www/live", "/var/lib/ems/media/g", "/srv/operator/media", "/srv/ems-sidecar/media",
		"/etcetera/g", "/srv/etc/g", "/usrlocal/g"} {
		if err := l.Refuse(Directory{Root: filepath.Dir(path), Group: filepath.Base(path)}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLinksAreFollowedBeforeADirectoryIsPublished(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.Symlink("/etc", dir+"/etc"), os.MkdirAll(dir+"/real/g", 0o755), os.Symlink("real", dir+"/link"), os.Symlink("none", dir+"/dangling"),
		os.Symlink("loop", dir+"/loop"), os.MkdirAll(dir+"/own", 0o755), os.WriteFile(dir+"/own/config.ini", nil, 0o600), os.Symlink("own", dir+"/mine"),
		os.Symlink("etc", dir+"/twice"))
	if err != nil {
		t.Fatal(err)
	}
	l := NewLimits(&config.Config{Path: dir + "/mine/config.ini"}, "")
	for path, refused := range map[string]bool{
		"/etc": true, "/etc/ssl": true, "/twice/x": true, "/dangling": true, "/dangling/g": true, "/loop/g": true, "/own": true, "/mine": true,
		"/link/g": false, "/real/g": false, "/not/there/yet": false,
	} {
		if err := l.Refuse(Directory{Root: filepath.Dir(dir + path), Group: filepath.Base(path)}); (err != nil) != refused {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOnlyDirectoriesOfTheConfigsListArePublished(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.MkdirAll(dir+"/media/g", 0o755), os.Symlink("media", dir+"/link"), os.MkdirAll(dir+"/other", 0o755), os.Symlink("../other", dir+"/media/out"))
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []string{dir + "/media", dir + "/link", dir + "/media/g"} {
		l := NewLimits(&config.Config{EMS: config.EMS{Directories: []string{"/srv/none", allowed}}}, "")
		for path, refused := range map[string]bool{
			"/media/g": false, "/media/g/sub": false, "/link/g": false, "/other": true, "/other/g": true, "/media/out": true, "/media/out/g": true,
			"/mediag": true, "/media-2/g": true,
		} {
			if err := l.Refuse(Directory{Root: filepath.Dir(dir + path), Group: filepath.Base(path)}); (err != nil) != refused {
				t.Errorf("with %s: %s: %v", allowed, path, err)
			}
		}
	}
}
