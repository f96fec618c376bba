package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// watchDir parses one more directory of this section. A file below two of them would be published
// twice.
func (u *Upload) watchDir(value string) (string, string) {
	dir, want := directoryPath(value)
	if want != "" {
		return "", want
	}
	const twice = ": its files would be published twice"
	for _, other := range u.WatchDirs {
		switch {
		case dir == other:
			return "", "is listed twice in this section" + twice
		case inside(dir, other):
			return "", "lies in " + other + ", which this section watches, too" + twice
		case inside(other, dir):
			return "", "contains " + other + ", which this section watches, too" + twice
		}
	}
	return dir, ""
}

// inside reports whether dir lies in parent, and is not parent itself.
func inside(dir, parent string) bool {
	rel, err := filepath.Rel(parent, dir)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// checkRecordings gives the recordings' section its default directory. It reports a directory that
// another section watches, too: a name alone does not tell a recording from a chunk.
func (u *Upload) checkRecordings(d *decoder, r Recorder, others []Upload) {
	if len(u.WatchDirs) == 0 && r.FileLocation != "" {
		dir, want := directoryPath(r.FileLocation)
		if want != "" {
			d.bad("StreamRecorder", "file_location", r.FileLocation, "is not a path on this host: "+
				"set watch_dir in ["+u.Section+"] to the directory as this host sees it")
			return
		}
		u.WatchDirs = []string{dir}
	}
	for _, dir := range u.WatchDirs {
		for _, other := range others {
			if slices.Contains(other.WatchDirs, dir) {
				d.bad(u.Section, "watch_dir", dir,
					"is watched by ["+other.Section+"], too: recordings need a directory of their own")
			}
		}
	}
}

// checkSpool reports a spool that would be watched itself: the links in it would be linked again,
// and uploaded.
func (p *Pool) checkSpool(d *decoder, uploads []Upload) {
	for _, u := range uploads {
		for _, dir := range u.WatchDirs {
			rel, err := filepath.Rel(dir, p.SpoolDir)
			if p.SpoolDir == "" || err != nil || rel != "." && !inside(p.SpoolDir, dir) {
				continue
			}
			names := strings.Split(rel, string(filepath.Separator))
			hidden := slices.ContainsFunc(names, func(name string) bool { return len(name) > 1 && name[0] == '.' })
			if !hidden {
				d.bad("Upload", "spool_dir", p.SpoolDir, "lies in the watch_dir "+dir+" of ["+u.Section+
					"], so that its files would be uploaded: leave it empty, "+
					"or use a name below that directory that begins with a dot")
				return
			}
		}
	}
}
