package uploader

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// A bootstraps knows which media the bootstraps of HDS streams belong to. A bootstrap lists
// fragments by number; only the F4M that names it tells their names.
type bootstraps struct {
	named   map[string][]fragments // by the F4M's path
	waiting map[string]bool        // bootstraps that were closed before an F4M named them
}

// A fragments is one media of an F4M, with paths below the root.
type fragments struct {
	bootstrap string
	base      string // followed by Seg1-Frag1 and so on
}

func newBootstraps() bootstraps {
	return bootstraps{named: make(map[string][]fragments), waiting: make(map[string]bool)}
}

// learn notes what the F4M f4m names, and returns the bootstraps that waited for it.
func (b *bootstraps) learn(f4m string, m media.Manifest) (found []string) {
	delete(b.named, f4m)
	names := media.NewNames(path.Dir(f4m), media.RootAddresses{})
	asWritten := func(string) bool { return true }
	for _, bm := range m.Media {
		list, _ := names.File(bm.Bootstrap, asWritten)
		base, _ := names.File(bm.URL, asWritten)
		if list == "" || base == "" {
			continue // on another host, or outside of the root
		}
		b.named[f4m] = append(b.named[f4m], fragments{list, base})
		if b.waiting[list] {
			delete(b.waiting, list)
			found = append(found, list)
		}
	}
	return found
}

// bases returns what the names of the fragments of bootstrap begin with.
func (b *bootstraps) bases(bootstrap string) []string {
	var bases []string
	for _, all := range b.named {
		for _, f := range all {
			if f.bootstrap == bootstrap && !slices.Contains(bases, f.base) {
				bases = append(bases, f.base)
			}
		}
	}
	slices.Sort(bases)
	return bases
}

func (b *bootstraps) forget(p string) {
	delete(b.named, p)
	delete(b.waiting, p)
}

// bases returns what the names of the fragments of the bootstrap p begin with. If no F4M that was
// closed so far names p, it reads those on the disk: at the start, files are reported in any order.
func (src *Source) bases(p string) []string {
	if known := src.reported.bootstraps.bases(p); len(known) > 0 {
		return known
	}
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return nil
	}
	defer root.Close()
	stream := path.Dir(p)
	files, left := maxAsked, int64(maxManifest)
	for _, dir := range []string{stream, path.Dir(stream)} {
		entries, _ := fs.ReadDir(disk.Tree{Root: root}, dir) // the next closing tries again
		for _, e := range entries {
			f4m := path.Join(dir, e.Name())
			if !strings.EqualFold(path.Ext(f4m), ".f4m") || files == 0 {
				continue
			}
			files--
			content, err := readIn(root, f4m, left)
			if err != nil {
				continue // if it is a manifest, its own closing reports that
			}
			left -= int64(len(content))
			if m, err := src.layout.Parse(f4m, content); err == nil {
				src.reported.bootstraps.learn(f4m, m)
			}
		}
	}
	return src.reported.bootstraps.bases(p)
}

func readIn(root *os.Root, p string, most int64) ([]byte, error) {
	f, err := disk.OpenIn(root, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return disk.ReadAll(f, most)
}
