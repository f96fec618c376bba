package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// reserved are the ends that the server gives to files, an extension that it does not give twice,
// and our own.
var reserved = regexp.MustCompile(`(?i)(_\d{4}|_part\d{4}|\.(mp4|ts|flv)|-[0-9a-f]{16}|-\d{8}-\d{6}-\d{3})$`)

// stampForm is the time in the name of a recording, in UTC, before its milliseconds.
const stampForm = "20060102-150405"

// stamp is the end of a recording's name that no other one has.
func stamp(at time.Time) string {
	at = at.UTC()
	return fmt.Sprintf("-%s-%03d", at.Format(stampForm), at.Nanosecond()/int(time.Millisecond))
}

var stamped = regexp.MustCompile(`^-\d{8}-\d{6}-\d{3}$`)

// isOf reports whether path is one of those that begin with base and have a stamp.
func isOf(path, base string) bool {
	end, ok := strings.CutPrefix(path, base)
	return ok && stamped.MatchString(end)
}

// risky is a character that a shell or a file system may mind.
var risky = regexp.MustCompile(`[^0-9A-Za-z_.-]`)

// fileName returns the name, without stamp and extension, of the files into which a stream is
// recorded. Different streams have different names, the same stream always the same one. It has
// only what neither a shell nor a file system minds: the server puts it into commands. A name that
// cannot stand as it is gets a hash.
func fileName(stream string, foldsCase bool) string {
	safe := risky.ReplaceAllString(stream, "_")
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

// isWindowsPath reports whether the media server runs on Windows, where names that differ in case
// only are the same.
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
