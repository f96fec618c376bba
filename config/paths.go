package config

import (
	"path/filepath"
	"strings"

	"ems-sidecar/media"
)

// The parsers of paths on this host.

func directoryPath(value string) (string, string) {
	if !filepath.IsAbs(value) {
		return "", "must be a directory's absolute path"
	}
	return filepath.Clean(value), ""
}

func fileName(value string) (string, string) {
	if value == "" || value == "." || value == ".." || strings.ContainsAny(value, `/\`) {
		return "", "must be a file's name without a directory"
	}
	return value, ""
}

// patterns are of names and of paths below a root, separated by white space.
func patterns(value string) (string, string) {
	if err := media.CheckInclude(value); err != nil {
		return "", "must be patterns such as *.jpg or posters/*.png, but " + err.Error()
	}
	return value, ""
}

func filePath(value string) (string, string) {
	if !filepath.IsAbs(value) {
		return "", "must be a file's absolute path"
	}
	return filepath.Clean(value), ""
}
