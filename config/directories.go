package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// watchDir parses one more directory of this section.
func (u *Upload) watchDir(value string) (string, string) {
	dir, want := directoryPath(value)
	if want != "" {
		return "", want
	}
	for _, other := range u.WatchDirs {
		switch {
		case dir == other:
			return "", "is listed twice in this section: its files would be published twice"
		case inside(dir, other):
			return "", "lies in " + other + ", which this section watches, too: its files would be published twice"
		case inside(other, dir):
			return "", "contains " + other + ", which this section watches, too: its files would be published twice"
		}
	}
	return dir, ""
}

func inside(dir, parent string) bool {
	rel, err := filepath.Rel(parent, dir)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// checkRecordings gives the recordings' section its default directory, and reports one that another section
// watches, too: a name alone does not tell a recording from a chunk.
func (u *Upload) checkRecordings(d *decoder, r Recorder, others []Upload) {
	if len(u.WatchDirs) == 0 && r.FileLocation != "" {
		dir, want := directoryPath(r.FileLocation)
		if want != "" {
			d.bad("StreamRecorder", "file_location", r.FileLocation, "is no path of this host, so that ["+u.Section+
				"] needs watch_dir: the directory as this host sees it")
			return
		}
		u.WatchDirs = []string{dir}
	}
	for _, dir := range u.WatchDirs {
		for _, other := range others {
			if slices.Contains(other.WatchDirs, dir) {
				d.bad(u.Section, "watch_dir", dir, "is watched by ["+other.Section+"], too: recordings need a directory of their own")
			}
		}
	}
}

// checkSpool reports a spool that would be watched itself: what is linked into it would be linked again, and uploaded.
func (p *Pool) checkSpool(d *decoder, uploads []Upload) {
	for _, u := range uploads {
		for _, dir := range u.WatchDirs {
			rel, err := filepath.Rel(dir, p.SpoolDir)
			if p.SpoolDir == "" || err != nil || rel != "." && !inside(p.SpoolDir, dir) {
				continue
			}
			hidden := slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(name string) bool {
				return len(name) > 1 && name[0] == '.'
			})
			if !hidden {
				d.bad("Upload", "spool_dir", p.SpoolDir, "lies in the watch_dir "+dir+" of ["+u.Section+
					"], and would be uploaded itself: leave it empty, or let a name below that directory begin with a dot")
				return
			}
		}
	}
}
