package config

import (
	"path/filepath"
	"strings"
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

func filePath(value string) (string, string) {
	if !filepath.IsAbs(value) {
		return "", "must be a file's absolute path"
	}
	return filepath.Clean(value), ""
}
