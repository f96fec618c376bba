package daemon

import (
	"path/filepath"
	"slices"
	"strings"

	"ems-sidecar/emsapi"
	"ems-sidecar/media"
)

// A Directory is one into which the media server writes: a group's, or one of recordings.
type Directory struct {
	Root  string // paths below it are keys: the directory that holds the group, or the recordings' own
	Group string // the group's name, or "" for recordings
	dated bool   // the recordings are in directories in it, one for each day
}

// Path is the directory itself.
func (d Directory) Path() string { return filepath.Join(d.Root, d.Group) }

// Directories returns the directories into which the media server writes a format.
func Directories(f media.Format, cfg emsapi.Config) (found []Directory) {
	add := func(d Directory) {
		i := slices.IndexFunc(found, func(known Directory) bool { return known.Root == d.Root && known.Group == d.Group })
		if i < 0 {
			found = append(found, d)
		} else {
			found[i].dated = found[i].dated || d.dated
		}
	}
	if f.IsRecorded() {
		for _, r := range cfg.Record {
			if r.PathToFile != "" {
				// With dateFolderStructure=1, EMS names <dir>/<date>/.
				dir := filepath.Dir(filepath.Clean(r.PathToFile))
				add(Directory{Root: dir, dated: strings.HasSuffix(filepath.ToSlash(r.PathToFile), "/")})
			}
		}
	}
	for _, o := range cfg.Outputs[f] {
		if o.GroupTargetFolder != "" {
			dir, group := filepath.Split(filepath.Clean(o.GroupTargetFolder))
			add(Directory{Root: filepath.Clean(dir), Group: group})
		}
	}
	slices.SortFunc(found, func(a, b Directory) int { return strings.Compare(a.Path(), b.Path()) })
	return found
}

// scope returns which part of the root the directory is.
func (d Directory) scope() scope {
	switch {
	case d.Group != "":
		return scope{}.with(d.Group)
	case d.dated:
		return scope{kind: dated}
	}
	return scope{kind: flat}
}
