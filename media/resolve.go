package media

import (
	"net/url"
	"path"
	"strings"
)

// Resolve returns the paths below the root that uri can mean in a manifest in the directory dir: first
// as it is written, and then, where that differs, without query and fragment and with its escapes
// decoded. EMS writes file names as they are, so that `a%20b.ts` may be either. Both are empty for a URI
// that leads elsewhere: to another host, to the top of this one, or out of the root.
func Resolve(dir, uri string) (literal, decoded string) {
	if strings.HasPrefix(uri, "/") || hasScheme(uri) || strings.ContainsRune(uri, 0) {
		return "", ""
	}
	literal = below(dir, uri)
	p, _, _ := strings.Cut(uri, "#")
	p, _, _ = strings.Cut(p, "?")
	if u, err := url.PathUnescape(p); err == nil && !strings.ContainsRune(u, 0) {
		p = u
	}
	if decoded = below(dir, p); decoded == literal {
		decoded = ""
	}
	if literal == "" {
		return decoded, ""
	}
	return literal, decoded
}

// below joins dir and name, and returns "" if that is not a file below the root.
func below(dir, name string) string {
	if name == "" || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") {
		return ""
	}
	p := path.Join(dir, name)
	if p == "." || p == ".." || strings.HasPrefix(p, "../") || p == path.Clean(dir) {
		return ""
	}
	return p
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
