package uploader

import (
	"ems-sidecar/media"
)

// maxTries is how many addresses of a manifest are looked for on the disk.
const maxTries = 1000

// addresses tell which files below a root the addresses of a manifest mean: one whose name is that
// of a file beside the manifest, or below its directory, counts as that file.
type addresses struct {
	files *lookup
	dir   string         // of the manifest
	after map[string]int // by place: see media.Address.After
}

// addressesOf finds out what the addresses in m mean.
func addressesOf(dir string, m media.Manifest, files *lookup) addresses {
	all := addresses{files: files, dir: dir, after: make(map[string]int)}
	tries := 0
	for ref := range m.References() {
		a, ok := media.AddressOf(dir, ref.URI)
		if !ok {
			continue
		}
		if _, known := all.after[a.Place()]; known {
			continue
		}
		if tries++; tries > maxTries {
			break
		}
		for n, p := range a.Files() {
			if files.have(p) {
				all.after[a.Place()] = n
				break
			}
		}
	}
	return all
}

// file returns the file that uri means, or "" if it is another host's. It need not exist any more.
func (all addresses) file(uri string) string {
	a, ok := media.AddressOf(all.dir, uri)
	if !ok {
		return ""
	}
	if n, known := all.after[a.Place()]; known {
		return a.After(n)
	}
	return ""
}

// tellHostPath logs, once, that the manifest p names a file by a path on this host.
func (src *Source) tellHostPath(p, uri string) {
	if uri == "" || src.reported.hostPaths[p] {
		return
	}
	src.reported.hostPaths[p] = true
	src.log.Warn("manifest names a file by a path on this host", "stream", src.nameOf(p),
		"key", src.dest.Prefix+p, "uri", uri, "next", "it is published all the same, and no player can play it",
		"hint", "have the writer name its files relative to the playlist")
}
