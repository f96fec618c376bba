package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// maxFileName bounds what is left of a stream's name in a file's, in bytes: the server appends to it, and a file system
// takes 255.
const maxFileName = 100

// reserved are the ends that the server gives to files, an extension that it does not give twice, and our own.
var reserved = regexp.MustCompile(`(?i)(_\d{4}|_part\d{4}|\.(mp4|ts|flv)|-[0-9a-f]{16})$`)

// fileName returns the name, without extension, of the file into which a stream is recorded. Different streams have
// different names, the same stream always the same one. It has only what neither a shell nor a file system minds: the
// server puts it into commands. A name that cannot stand as it is gets a hash.
func fileName(stream string, foldsCase bool) string {
	safe := strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r == '-' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' {
			return r
		}
		return '_'
	}, stream)
	if foldsCase {
		safe = strings.ToLower(safe)
	}
	safe = strings.TrimLeft(safe, ".-")
	if safe == stream && safe != "" && len(safe) <= maxFileName && !reserved.MatchString(safe) && !isDevice(safe) {
		return safe
	}
	sum := sha256.Sum256([]byte(stream))
	return strings.TrimRight("s_"+safe[:min(len(safe), maxFileName)], ".") + "-" + hex.EncodeToString(sum[:8])
}

// isDevice reports whether Windows takes a name for a device's, whatever its extension.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt"))
}

// isWindowsPath reports whether the media server runs on Windows, where names that differ in case only are the same.
func isWindowsPath(dir string) bool {
	return strings.Contains(dir, `\`) || len(dir) > 1 && dir[1] == ':'
}

// pathIn returns the path of name in dir, which is a path of the media server's host.
func pathIn(dir, name string) string {
	if isWindowsPath(dir) && !strings.Contains(dir, "/") {
		return strings.TrimRight(dir, `\`) + `\` + name
	}
	return strings.TrimRight(dir, "/") + "/" + name
}
