package media

import (
	"path"
	"slices"
	"strings"
)

const (
	// maxElements is how many elements of an address are looked at, from its end on, if no address of
	// the root is known.
	maxElements = 16
	// maxPlaces is how many places are looked for.
	maxPlaces = 1000
)

// Names tell which files below a root the references of a manifest mean. All who ask for that ask
// here.
//
// A relative reference begins at the manifest. An address, such as https://cdn.example.com/live/a.ts,
// means a file if it begins with an address of the root. Without one, it means the file beside the
// manifest, or below, that has its name: that with the longest path.
type Names struct {
	dir    string // of the manifest
	beside string // where files are that addresses mean by their names
	roots  RootAddresses
	places map[string]place // by address.place: what was found out
	tries  int              // places that were looked for
}

// A place says what a directory in addresses is below the root.
type place struct {
	dropped int    // elements at the beginning that are not below from
	from    string // below the root

	host     string   // of the addresses
	elements []string // of the directory in them
}

// NewNames returns the names for a manifest in the directory dir.
func NewNames(dir string, roots RootAddresses) *Names {
	return &Names{dir: dir, beside: dir, roots: roots, places: make(map[string]place)}
}

// FromPlaylistIn has addresses mean what they do in a playlist in that directory, from which they were
// copied.
func (n *Names) FromPlaylistIn(dir string) *Names {
	n.beside = dir
	return n
}

// File returns the path below the root that uri means, or "" if that is no file of the root. have
// reports whether there is a file: it decides where a reference may mean several. EMS writes file
// names as they are, so that `a%20b.ts` may be two. outside is set if uri leads out of the root.
func (n *Names) File(uri string, have func(p string) bool) (p string, outside bool) {
	a, ok := addressOf(uri)
	if !ok {
		literal, decoded, outside := resolve(n.dir, uri)
		if (decoded != "" || outside) && literal != "" && !have(literal) {
			return decoded, outside
		}
		return literal, outside
	}
	if !a.isFile() {
		return "", false
	}
	at, ok := n.placeOf(&a, have)
	if !ok {
		return "", false
	}
	p = a.below(at.from, at.dropped)
	if literal := a.literallyBelow(at.from, at.dropped); literal != p && have(literal) {
		return literal, false
	}
	return p, false
}

// All returns all paths below the root that uri may mean, for one who does not know which files there
// are.
func (n *Names) All(uri string) (paths []string) {
	add := func(p string) {
		if p != "" && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	a, ok := addressOf(uri)
	if !ok {
		literal, decoded, _ := resolve(n.dir, uri)
		add(literal)
		add(decoded)
		return paths
	}
	if !a.isFile() {
		return nil
	}
	addAt := func(at place) {
		add(a.below(at.from, at.dropped))
		add(a.literallyBelow(at.from, at.dropped))
	}
	if dropped, ok := n.roots.within(&a); ok {
		addAt(place{dropped: dropped, from: "."})
	}
	if n.maybeBeside(&a) {
		for dropped := range a.endings() {
			addAt(place{dropped: dropped, from: n.beside})
		}
	}
	return paths
}

// Beside returns the file beside the manifest that uri would mean if there were one, or "".
func (n *Names) Beside(uri string) string {
	a, ok := addressOf(uri)
	if !ok || !a.isFile() || !n.maybeBeside(&a) {
		return ""
	}
	return path.Join(n.beside, a.elements[len(a.elements)-1])
}

// Learn finds out what the addresses mean that m names, for those that are asked for later.
func (n *Names) Learn(m Manifest, have func(p string) bool) {
	for ref := range m.References() {
		if a, ok := addressOf(ref.URI); ok && a.isFile() {
			n.placeOf(&a, have)
		}
	}
}

// placeOf returns where the directory of a is below the root. What one address in it means tells what
// the others do, also if their files are gone.
func (n *Names) placeOf(a *address, have func(p string) bool) (at place, ok bool) {
	if at, ok = n.places[a.place()]; ok {
		return at, true
	}
	dropped, mapped := n.roots.within(a)
	at = place{dropped: dropped, from: "."}
	if mapped && a.host != "" {
		return at, true
	}
	if n.tries == maxPlaces || !mapped && !n.maybeBeside(a) {
		return at, mapped
	}
	n.tries++
	if mapped && a.exists(".", dropped, have) {
		n.learn(a, at)
		return at, true
	}
	for dropped := range a.endings() {
		if a.exists(n.beside, dropped, have) {
			at = place{dropped: dropped, from: n.beside}
			n.learn(a, at)
			return at, true
		}
	}
	return at, mapped
}

func (n *Names) learn(a *address, at place) {
	at.host, at.elements = a.host, a.dir()
	n.places[a.place()] = at
}

// below returns the file that a means if its first elements are not below the directory dir.
func (a *address) below(dir string, dropped int) string {
	return path.Join(dir, path.Join(a.elements[dropped:]...))
}

// literallyBelow is below for a writer who escapes nothing.
func (a *address) literallyBelow(dir string, dropped int) string {
	return path.Join(dir, path.Join(a.raw[dropped:]...))
}

// exists reports whether there is a file that a means if its first elements are not below dir.
func (a *address) exists(dir string, dropped int, have func(p string) bool) bool {
	p, literal := a.below(dir, dropped), a.literallyBelow(dir, dropped)
	return have(p) || literal != p && have(literal)
}

// maybeBeside reports whether a file beside the manifest may be meant by its name alone.
func (n *Names) maybeBeside(a *address) bool { return a.host == "" || !n.roots.isPublic }

// endings yields how many elements at the beginning of a are left out, for each path that it may mean:
// the longest first.
func (a *address) endings() func(yield func(dropped int) bool) {
	return func(yield func(int) bool) {
		for i := max(0, len(a.elements)-maxElements); i < len(a.elements); i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// Relative returns a relative reference that means the same as uri, if that is an address of a file or
// a directory of the root, or a template for such; else uri. What was learnt before tells that.
func (n *Names) Relative(uri string) string {
	a, ok := addressOf(uri)
	if !ok {
		return uri
	}
	at, ok := n.places[a.place()]
	if !ok && n.maybeBeside(&a) {
		at, ok = n.placeAround(&a)
	}
	if !ok {
		at.from = "."
		at.dropped, ok = n.roots.within(&a)
	}
	if !ok {
		return uri
	}
	up, raw := max(0, at.dropped-len(a.raw)), a.raw[min(at.dropped, len(a.raw)):]
	if at.from != n.beside {
		here, there := split(n.dir), a.dir()[at.dropped:]
		common := 0
		for common < min(len(here), len(there)) && here[common] == there[common] {
			common++
		}
		up, raw = len(here)-common, raw[common:]
	}
	relative := strings.Repeat("../", up) + strings.Join(raw, "/")
	if a.isDir && len(raw) > 0 {
		relative += "/"
	}
	if first, _, _ := strings.Cut(relative, "/"); first == "" || strings.Contains(first, ":") {
		relative = "./" + relative // it would be the manifest itself, or have a scheme
	}
	return relative + a.tail
}

// placeAround returns the place of a, in which no file is known, from those of files that are around it:
// a manifest may write their addresses in parts.
func (n *Names) placeAround(a *address) (at place, ok bool) {
	here, dir := split(n.dir), a.dir()
	for _, near := range n.places {
		known := min(near.dropped, len(dir))
		if near.host != a.host || near.from != n.beside || len(near.elements) < near.dropped ||
			!slices.Equal(near.elements[:known], dir[:known]) || ok && near.dropped >= at.dropped {
			continue
		}
		// Of what is dropped, the rest has to be the end of the manifest's own directory.
		rest := near.elements[known:near.dropped]
		isEnd := len(rest) <= len(here) && slices.Equal(here[len(here)-len(rest):], rest)
		if len(rest) == 0 || a.isDir && isEnd {
			at, ok = near, true
		}
	}
	return at, ok
}

// split returns the elements of a path below the root.
func split(p string) []string {
	if p == "." || p == "" {
		return nil
	}
	return strings.Split(p, "/")
}
