package media

import (
	"iter"
	"net/url"
	"path"
	"strings"
)

// An Address is a URI that does not begin at the manifest: of a host, from a host's root, or a path
// on the disk of the host that writes. It may mean a file of the stream all the same.
type Address struct {
	dir      string // of the manifest
	host     string // with the scheme; "" for a path
	elements []string
}

// maxElements is how many elements of an address are looked at, from its end on.
const maxElements = 16

// AddressOf returns the address that uri is in a manifest in the directory dir, or false if it
// is none, or can name no file.
func AddressOf(dir, uri string) (Address, bool) {
	if !strings.HasPrefix(uri, "/") && !hasScheme(uri) {
		return Address{}, false
	}
	p, host := uri, ""
	if isDrivePath(uri) {
		p = "/" + strings.ReplaceAll(p, `\`, "/")
	} else {
		end := hostEnd(p)
		p, host = p[end:], p[:end]
		p, _, _ = strings.Cut(p, "#")
		p, _, _ = strings.Cut(p, "?")
		if u, err := url.PathUnescape(p); err == nil {
			p = u
		}
	}
	if !strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.ContainsRune(p, 0) {
		return Address{}, false // such as data:, urn: or skd:
	}
	elements := strings.Split(strings.TrimPrefix(path.Clean(p), "/"), "/")
	return Address{dir, host, elements[max(0, len(elements)-maxElements):]}, true
}

// Place is what addresses in one directory of a host have in common. What one of them means tells
// what the others do.
func (a Address) Place() string { return a.host + "/" + path.Join(a.elements[:len(a.elements)-1]...) }

// Files yields the files in the manifest's directory and below that a may mean: that with the
// longest path first. The number is what After needs for that file.
func (a Address) Files() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for n := range a.elements {
			if !yield(n, a.After(n)) {
				return
			}
		}
	}
}

// After returns the file that a means if its first n elements are not of the directory.
func (a Address) After(n int) string { return path.Join(a.dir, path.Join(a.elements[n:]...)) }

// IsHostPath reports whether uri is a path on the disk of the host that writes below root, which no
// player can use.
func IsHostPath(root, uri string) bool {
	return isDrivePath(uri) || strings.HasPrefix(strings.ToLower(uri), "file:") ||
		strings.HasPrefix(uri, strings.TrimSuffix(root, "/")+"/")
}

// isDrivePath reports whether uri is a path of Windows.
func isDrivePath(uri string) bool {
	return len(uri) > 2 && uri[1] == ':' && (uri[2] == '\\' || uri[2] == '/' && !strings.HasPrefix(uri[2:], "//")) &&
		('a' <= uri[0]|0x20 && uri[0]|0x20 <= 'z')
}
