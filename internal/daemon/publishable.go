package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader/spool"
)

// Limits say which of the directories that the media server names may be published. Anyone who can
// use the server's API, or pretend to be the server, chooses what it names. Directories that the
// operator names with watch_dir have no limits.
type Limits struct {
	allowed []string // they, or others in them; empty: all that is not refused
	spool   []string // spool_dir
	own     []string // files and directories of the daemon, which are in no directory that is published
	links   *links
}

// NewLimits returns the limits for cfg and a daemon that keeps notes in the directory state, or
// none if that is empty. It waits for a file system for linkTime at most for each path.
func NewLimits(cfg *config.Config, state string) Limits { return newLimits(cfg, state, &links{}) }

func newLimits(cfg *config.Config, state string, to *links) Limits {
	l := Limits{allowed: to.led(cfg.EMS.Directories...), links: to}
	if cfg.Upload.SpoolDir != "" {
		l.spool = to.led(cfg.Upload.SpoolDir)
	}
	for _, p := range []string{cfg.Path, state} {
		if p == "" {
			continue
		}
		if abs, err := filepath.Abs(p); err == nil {
			l.own = append(l.own, to.led(abs)...)
		}
	}
	return l
}

// system are directories in which no one keeps media: neither they nor those in them are published.
var system = []string{
	"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys",
	"/usr",
	"/var/backups", "/var/lib/private", "/var/log", "/var/mail", "/var/run", "/var/spool",
}

// shared are directories of many programs: they are not published, but others in them may be.
var shared = []string{"/", "/home", "/opt", "/var", "/var/lib"}

// memoryDisk is the exception: live streams are often written to memory.
const memoryDisk = "/dev/shm"

// Refuse returns why a directory that the media server names is not published, or nil. It follows
// symbolic links. It waits for a file system for linkTime at most.
func (l Limits) Refuse(dir Directory) error {
	named := dir.Path()
	if !filepath.IsAbs(named) || dir.Root == string(filepath.Separator) {
		return errors.New("it is not a directory of this host that can be watched: set watch_dir to the directory as " +
			"this host sees it")
	}
	if slices.ContainsFunc(l.spool, func(dir string) bool { return spoolShows(named, dir) }) {
		return errors.New("spool_dir is in it, and would be uploaded itself: set another spool_dir")
	}
	leads, err := l.links.follow(named)
	if err != nil {
		return fmt.Errorf("finding out where it leads failed: %w", err)
	}
	if err := l.refusePath(named); err != nil {
		return err
	}
	if err := l.refusePath(leads); err != nil {
		return err
	}
	if len(l.allowed) > 0 && !slices.ContainsFunc(l.allowed, func(dir string) bool { return within(leads, dir) }) {
		return errors.New("directories[] in [EMS] does not have it: add it there if it is right")
	}
	return nil
}

// led returns paths of the operator, and where symbolic links in them lead.
func (l *links) led(paths ...string) (all []string) {
	for _, p := range paths {
		all = append(all, p)
		if leads, err := l.follow(p); err == nil && leads != p {
			all = append(all, leads)
		}
	}
	return all
}

func (l Limits) refusePath(p string) error {
	const hint = ": if it is right, set watch_dir to it"
	if !within(p, memoryDisk) || p == memoryDisk {
		if i := slices.IndexFunc(system, func(s string) bool { return within(p, s) }); i >= 0 {
			return fmt.Errorf("it leads into %s, a directory of the system"+hint, system[i])
		}
	}
	if slices.Contains(shared, filepath.ToSlash(p)) {
		return fmt.Errorf("%s belongs to many programs"+hint, p)
	}
	if err := refuseHome(p); err != nil {
		return err
	}
	for _, own := range l.own {
		if within(own, p) {
			return errors.New("the daemon's own config or state lies in it" + hint)
		}
	}
	if slices.ContainsFunc(l.spool, func(dir string) bool { return within(p, dir) }) ||
		slices.Contains(strings.Split(filepath.ToSlash(p), "/"), spool.DirName) {
		return errors.New("it leads into a spool")
	}
	return nil
}

// refuseHome returns why p is not published if it is a home directory, or hidden in one.
func refuseHome(p string) error {
	homes := []string{"/home/*", "/Users/*"}
	if home, err := os.UserHomeDir(); err == nil && home != string(filepath.Separator) {
		homes = append(homes, home)
	}
	for _, pattern := range homes {
		for dir, below := p, "."; ; dir, below = filepath.Dir(dir), filepath.Join(filepath.Base(dir), below) {
			if match, err := filepath.Match(pattern, filepath.ToSlash(dir)); err == nil && match {
				switch {
				case below == ".":
					return fmt.Errorf("%s is a home directory: have EMS write to a directory in it, or set watch_dir to it", p)
				case strings.Contains("/"+filepath.ToSlash(below), "/."):
					return fmt.Errorf("%s is hidden in a home directory", p)
				}
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

// spoolShows reports whether the spool lies below dir under names that are not hidden.
func spoolShows(dir, spool string) bool {
	rel, err := filepath.Rel(dir, spool)
	return err == nil && filepath.IsLocal(rel) && !strings.Contains("/"+filepath.ToSlash(rel), "/.")
}

// within reports whether p is dir or in it.
func within(p, dir string) bool {
	rel, err := filepath.Rel(dir, p)
	return err == nil && filepath.IsLocal(rel)
}

// links tells where paths lead.
type links struct {
	calls sync.WaitGroup // those that have not returned; the daemon waits for them at its end

	mu    sync.Mutex // guards asked
	asked map[string]bool
}

// linkTime is how long a file system may take to tell where a path leads.
const linkTime = 2 * time.Second

// errNoAnswer says that a directory may be published later.
var errNoAnswer = errors.New("its file system does not answer")

// follow returns where p leads. Of a path that does not exist yet, it returns where it would be.
func (l *links) follow(p string) (string, error) {
	if !l.begin(p) {
		return "", errNoAnswer // an earlier call waits still
	}
	type answer struct {
		leads string
		err   error
	}
	found := make(chan answer, 1)
	l.calls.Go(func() { // returns when the file system answers, which may be never
		leads, err := follow(p)
		l.end(p) // before the answer: after it, the same path may be asked for again
		found <- answer{leads, err}
	})
	late := time.NewTimer(linkTime)
	defer late.Stop()
	select {
	case a := <-found:
		return a.leads, a.err
	case <-late.C:
		return "", errNoAnswer
	}
}

func (l *links) begin(p string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked[p] {
		return false
	}
	if l.asked == nil {
		l.asked = make(map[string]bool)
	}
	l.asked[p] = true
	return true
}

func (l *links) end(p string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.asked, p)
}

func follow(p string) (string, error) {
	rest := ""
	for dir := p; ; dir = filepath.Dir(dir) {
		leads, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(leads, rest), nil
		}
		if dir == filepath.Dir(dir) || !disk.IsGone(err) {
			return "", err
		}
		if fi, err := os.Lstat(dir); err == nil && fi.Mode()&os.ModeSymlink != 0 {
			return "", fmt.Errorf("%s is a symbolic link to nothing", dir)
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}
