package daemon

import (
	"maps"
	"strings"
)

// A scope is the part of a root that is published.
type scope struct {
	kind   scopeKind
	groups map[string]bool // of grouped; not changed once in use
}

type scopeKind uint8

const (
	whole scopeKind = iota // everything below it: the operator has named it
	flat                   // the files in it, none in its directories: EMS puts a recording's files beside each other
	// and the files in directories that are called as a day: recordings with dateFolderStructure=1
	dated
	grouped // the directories in it that EMS has named: others are not EMS's
)

// has reports whether the file p is published.
func (s scope) has(p string) bool {
	dir, _, below := strings.Cut(p, "/")
	switch s.kind {
	case flat:
		return !below
	case dated:
		return !below || isDay(dir)
	case grouped:
		return below && s.groups[dir]
	}
	return true
}

// with returns s and another group.
func (s scope) with(group string) scope {
	groups := maps.Clone(s.groups)
	if groups == nil {
		groups = make(map[string]bool)
	}
	groups[group] = true
	return scope{grouped, groups}
}

// isDay reports whether a name is that of a directory for one day, such as 20261129.
func isDay(name string) bool {
	return len(name) == len("20261129") && strings.Trim(name, "0123456789") == ""
}
