package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ems-sidecar/media"
)

// The parsers of what the store needs to know.

var (
	// bucketName allows upper case and underscores: AWS did once, and such buckets still exist.
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

func bucket(value string) (string, string) {
	if rest, ok := strings.CutPrefix(value, "arn:"); ok {
		name := rest[strings.LastIndexByte(rest, ':')+1:]
		if strings.Contains(rest, ":s3:::") && !strings.Contains(name, "/") {
			return "", "must be a bucket's name, not its ARN: write " + name
		}
		return "", "must be a bucket's name, not an ARN: for an access point, write its alias"
	}
	if name, ok := strings.CutPrefix(value, "s3://"); ok {
		name, _, _ = strings.Cut(name, "/")
		return "", "must be a bucket's name alone, not a URL: write " + name
	}
	if strings.Contains(value, "://") {
		return "", "must be a bucket's name alone, not a URL"
	}
	if strings.Contains(value, "/") {
		return "", "must be a bucket's name alone: what follows the slash belongs in prefix"
	}
	if !bucketName.MatchString(value) {
		return "", "must be a bucket's name alone: 3 to 63 letters, digits, dots and hyphens"
	}
	return value, ""
}

func region(value string) (string, string) {
	if !regionName.MatchString(value) {
		return "", "must be a region's name, such as eu-central-1"
	}
	return value, ""
}

// prefix returns the beginning of every key, so that prefix + path is a key.
func prefix(value string) (string, string) {
	value = strings.TrimLeft(value, "/")
	if value == "" {
		return "", ""
	}
	segments := strings.Split(value, "/")
	switch {
	case !utf8.ValidString(value):
		return "", "must be UTF-8 text"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "", "must not contain control characters"
	case slices.Contains(segments, "..") || slices.Contains(segments, "."):
		return "", "must not contain . or .. as a segment"
	case len(value) > maxPrefix:
		return "", fmt.Sprintf("must have at most %d bytes", maxPrefix)
	}
	return strings.TrimSuffix(value, "/") + "/", ""
}

// publicURLs parses the addresses of a watched directory.
func publicURLs(value string) (string, string) {
	if _, err := media.NewRootAddresses("/", value); err != nil {
		return "", "must be addresses for players, such as https://cdn.example.com/live/, separated by blanks"
	}
	return value, ""
}

// headerText parses what an HTTP header may have as its value.
func headerText(value string) (string, string) {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", "must be plain ASCII text, such as max-age=2"
	}
	return value, ""
}
