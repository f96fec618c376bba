package media

import (
	"net/url"
	"path"
	"strings"
)

// resolve returns the paths below the root that uri can mean in a manifest in the directory dir.
// The first is the URI as it is written. The second, if it differs, is without query and fragment
// and with its escapes decoded. EMS writes file names as they are, so that `a%20b.ts` may be
// either. Both are empty for a URI of another host, or an absolute path. Outside is set if one of
// the two meanings leads out of the root.
func resolve(dir, uri string) (literal, decoded string, outside bool) {
	if strings.HasPrefix(uri, "/") || hasScheme(uri) || strings.ContainsRune(uri, 0) {
		return "", "", false
	}
	p, _, _ := strings.Cut(uri, "#")
	p, _, _ = strings.Cut(p, "?")
	if u, err := url.PathUnescape(p); err == nil && !strings.ContainsRune(u, 0) {
		p = u
	}
	literal, out := below(dir, uri)
	decoded, decodedOut := below(dir, p)
	if decoded == literal {
		decoded = ""
	}
	if literal == "" {
		literal, decoded = decoded, ""
	}
	return literal, decoded, out || decodedOut
}

// below joins dir and name. It returns "" if that is not a file below the root, and whether it
// leads out of the root.
func below(dir, name string) (p string, outside bool) {
	if name == "" || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") {
		return "", false
	}
	p = path.Join(dir, name)
	if p == ".." || strings.HasPrefix(p, "../") {
		return "", true
	}
	if p == "." || p == path.Clean(dir) {
		return "", false
	}
	return p, false
}

// hasScheme reports whether uri begins with a scheme (RFC 3986, section 3.1).
func hasScheme(uri string) bool {
	for i, c := range []byte(uri) {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return true
		default:
			return false
		}
	}
	return false
}

// joinURI returns what ref means relative to base (RFC 3986, section 5.2.2). It leaves dot segments
// and escapes as they are, so that it joins paths that are not valid URIs, too. (a+b)+c is a+(b+c).
func joinURI(base, ref string) string {
	switch {
	case ref == "":
		return base
	case hasScheme(ref) || strings.HasPrefix(ref, "//"):
		return ref
	}
	host := base[:hostEnd(base)]
	if strings.HasPrefix(ref, "/") {
		return host + ref
	}
	if i := strings.IndexAny(base, "?#"); i >= 0 {
		base = base[:i]
	}
	if i := strings.LastIndexByte(base, '/'); i >= len(host) {
		return base[:i+1] + ref
	}
	if host != "" {
		return host + "/" + ref
	}
	return ref
}

// hostEnd returns where the scheme and host of uri end, or 0 if it is relative.
func hostEnd(uri string) int {
	i := 0
	if hasScheme(uri) {
		i = strings.IndexByte(uri, ':') + 1
	}
	if !strings.HasPrefix(uri[i:], "//") {
		return i
	}
	if end := strings.IndexAny(uri[i+2:], "/?#"); end >= 0 {
		return i + 2 + end
	}
	return len(uri)
}
