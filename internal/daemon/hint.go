package daemon

import (
	"context"
	"os"
	"path/filepath"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
)

// Hint has the watcher look at a file that an event names. The file counts as closed by the same
// rules as ever, and sooner only where the kernel does not tell. The event may be forged: only a
// path that leads to a file in a root counts, also after symbolic links. Hint does not wait for a
// file system.
func (d *Daemon) Hint(_ context.Context, file string) {
	if !filepath.IsAbs(file) {
		return
	}
	file = filepath.Clean(file)
	for _, r := range d.roots.list() {
		rel, err := filepath.Rel(r.dir, file)
		if err != nil || rel == "." || !filepath.IsLocal(rel) {
			continue // the server also writes what is not published
		}
		select {
		case r.hints <- rel:
		default:
		}
	}
}

// follow looks at what events name in r until ctx ends.
func (d *Daemon) follow(ctx context.Context, r *root) {
	for {
		select {
		case <-ctx.Done():
			return
		case rel := <-r.hints:
			if why := confined(r.dir, rel); why != "" {
				d.refuse(filepath.Join(r.dir, rel), why)
				continue
			}
			r.watcher.Look(filepath.ToSlash(rel))
		}
	}
}

// confined says what is wrong with a path below a root. A file that is gone is fine.
func confined(dir, rel string) string {
	root, err := disk.OpenRoot(dir)
	if err != nil {
		return "" // a root that does not exist has no files
	}
	defer root.Close()
	fi, err := root.Lstat(rel)
	switch {
	case os.IsNotExist(err):
		return ""
	case err != nil:
		return "it leads out of the directory, or cannot be looked at"
	case !fi.Mode().IsRegular():
		return "it is not a regular file"
	}
	return ""
}

// refuse reports that the file of an event is not looked at: one line for each reason.
func (d *Daemon) refuse(file, why string) {
	const most = 300 // bytes of a path that the sender of the event has chosen
	d.trouble.Begin(hintRefused, trouble.At{Subject: why}, "file", file[:min(len(file), most)], "why", why,
		"next", "nothing is lost; other such events are not logged")
}
