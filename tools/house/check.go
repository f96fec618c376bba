package main

import (
	"fmt"
	"maps"
	"slices"
)

// core are the packages whose structs have a limit: what a reader must hold of a stream, of its files
// and of what is done about them. Elsewhere, a struct with many fields is a config, or the JSON of
// others.
var core = []string{"dash", "hls", "hooks", "hooks/events", "media", "uploader", "uploader/archive",
	"uploader/health", "uploader/publish", "uploader/s3store", "uploader/spool", "watcher"}

// records are structs of the core that may have more fields. Each is a row that one part fills in and
// another one reads; no decision changes it.
var records = map[string]string{
	"uploader/publish.Destination": "what the config says of a section",
	"uploader/publish.Figures":     "counters for metrics and status",
	"uploader/publish.Job":         "what a worker is to do",
	"uploader/publish.Result":      "a job's result",
	"uploader/publish.Step":        "a step in the path of a file, for the API",
	"uploader/publish.View":        "a stream, for the API",
}

// A chunk is this struct.
const chunkPackage, chunkType = "uploader/publish", "file"

// broken returns what is beyond a limit.
func (h *house) broken() (found []string) {
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(h.packages)) {
		for _, f := range h.packages[name].files {
			if f.lines > maxLines {
				add("%s has %d lines, more than %d", f.name, f.lines, maxLines)
			}
		}
	}
	for _, f := range h.branched() {
		add("%s: %s has a cyclomatic complexity of %d, more than %d", f.at, f.name, f.complexity, maxComplexity)
	}
	large := make(map[string]bool)
	for _, name := range core {
		p := h.packages[name]
		if p == nil {
			add("%s is no package: see core in tools/house/check.go", name)
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(p.types)) {
			s, ok := p.size(t)
			if !ok || s.fields <= maxFields {
				continue
			}
			large[name+"."+t] = true
			if records[name+"."+t] == "" {
				add("%s.%s has %d fields, more than %d", name, t, s.fields, maxFields)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if !large[name] {
			add("%s needs no exception: see records in tools/house/check.go", name)
		}
	}
	if p := h.packages[chunkPackage]; p != nil {
		if s, ok := p.size(chunkType); !ok {
			add("%s.%s, a chunk, is no struct: see tools/house/check.go", chunkPackage, chunkType)
		} else if s.allBools > maxBooleans {
			add("%s.%s, a chunk, has %d booleans, more than %d", chunkPackage, chunkType, s.allBools, maxBooleans)
		}
	}
	return found
}
