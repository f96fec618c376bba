package reconnect

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// runOf returns the part of a chunk's name that tells its run, which all streams of a group share.
func runOf(uri string) string {
	run, _ := parts(uri)
	return run
}

// ivOf returns the vector with which the server encrypted a chunk: its number in its run.
func ivOf(uri string) string {
	_, number := parts(uri)
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%032x", n)
}

// parts returns what a chunk's name tells: segment_<run>_<number>.ts.
func parts(uri string) (run, number string) {
	name := strings.TrimSuffix(strings.TrimPrefix(uri, "segment_"), filepath.Ext(uri))
	run, number, _ = strings.Cut(name, "_")
	return run, number
}
