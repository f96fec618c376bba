package media

import (
	"net/url"
	"path"
	"strings"
)

// An address is a URI that does not begin at the manifest: of a host, from a host's root, or a path
// on the disk of the host that writes. It may mean a file of the stream all the same.
type address struct {
	host     string   // "//" and the name, or another scheme with it; "" for a path
	raw      []string // the elements of the path, as they are written
	elements []string // the same without escapes
	isDir    bool     // it ends with a slash
	tail     string   // the query and the fragment, as they are written
}

// addressOf returns the address that uri is, or false if it is none.
func addressOf(uri string) (a address, ok bool) {
	if !strings.HasPrefix(uri, "/") && !hasScheme(uri) {
		return a, false
	}
	p, escaped := uri, true
	if isDrivePath(uri) {
		p, escaped = "/"+strings.ReplaceAll(p, `\`, "/"), false
	} else {
		p = a.cut(uri)
	}
	if !strings.HasPrefix(p, "/") {
		return a, false // such as data:, urn: or skd:
	}
	if _, err := url.PathUnescape(p); err != nil {
		escaped = false
	}
	for element := range strings.SplitSeq(p[1:], "/") {
		a.add(element, escaped)
	}
	return a, true
}

// cut takes the host and the tail from uri, and returns the path.
func (a *address) cut(uri string) (p string) {
	end := hostEnd(uri)
	a.host, p = hostOf(uri[:end]), uri[end:]
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		p, a.tail = p[:i], p[i:]
	}
	if p == "" && strings.HasPrefix(a.host, "//") {
		p = "/"
	}
	return p
}

// add adds an element of the path. escaped: the whole path can be read as one with escapes.
func (a *address) add(element string, escaped bool) {
	plain := element
	if escaped {
		plain, _ = url.PathUnescape(element)
		if strings.Contains(plain, "/") {
			plain = element // no file has a slash in its name, and it could lead out of the root
		}
	}
	a.isDir = plain == "" || plain == "." || plain == ".."
	switch {
	case !a.isDir:
		a.raw, a.elements = append(a.raw, element), append(a.elements, plain)
	case plain == ".." && len(a.raw) > 0:
		a.raw, a.elements = a.raw[:len(a.raw)-1], a.elements[:len(a.elements)-1]
	}
}

// isFile reports whether a file can be called so.
func (a *address) isFile() bool {
	return !a.isDir && len(a.elements) > 0 && !strings.ContainsRune(path.Join(a.elements...), 0)
}

// dir returns the elements of the directory.
func (a *address) dir() []string {
	if a.isDir || len(a.elements) == 0 {
		return a.elements
	}
	return a.elements[:len(a.elements)-1]
}

// place is what addresses in one directory of a host have in common.
func (a *address) place() string { return a.host + "/" + path.Join(a.dir()...) }

// hostOf returns what is the same for all ways to write a scheme and a host: http and https, in any
// case, with or without the usual port. A path and a file: have none.
func hostOf(text string) string {
	scheme, name, ok := strings.Cut(strings.ToLower(text), "//")
	if name = name[strings.LastIndexByte(name, '@')+1:]; !ok {
		return scheme
	}
	switch scheme {
	case "http:":
		name = strings.TrimSuffix(name, ":80")
	case "https:":
		name = strings.TrimSuffix(name, ":443")
	case "":
		name = strings.TrimSuffix(strings.TrimSuffix(name, ":80"), ":443")
	case "file:":
		return ""
	default:
		return scheme + "//" + name
	}
	return "//" + name
}

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
