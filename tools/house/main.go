// Command house measures the code of a checkout: what a reader has to hold. It prints, for the code
// that is not a test's, files, types and functions of each package, the fields and booleans of the
// larger structs, what the packages that decide import, and the files and functions that are too
// long or too branched.
//
//	go -C tools run ./house        of this checkout
//	go -C tools run ./house DIR    of another one, of an older commit, say; a relative DIR starts in tools
package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// What is more than this is listed.
const (
	maxLines      = 300 // of a file
	maxFields     = 15  // of a struct
	maxComplexity = 15  // of a function, cyclomatic
)

// deciding are the packages that decide what is published. One of them may not be there.
var deciding = []string{"uploader", "uploader/publish"}

func main() {
	dir := ".."
	switch len(os.Args) {
	case 1:
	case 2:
		dir = os.Args[1]
	default:
		fmt.Fprintln(os.Stderr, "usage: house [DIR]")
		os.Exit(2)
	}
	h, err := measure(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	h.print()
}

func (h *house) print() {
	fmt.Println("| package | files | lines | types | functions |\n| --- | --- | --- | --- | --- |")
	for _, name := range slices.Sorted(maps.Keys(h.packages)) {
		p := h.packages[name]
		fmt.Printf("| %s | %d | %d | %d | %d |\n", name, len(p.files), p.lines(), len(p.types), len(p.functions))
	}

	fmt.Printf("\nStructs of %s, with more than %d fields or 3 booleans; in all: with those of the package's structs "+
		"in them\n\n",
		strings.Join(deciding, " and "), maxFields)
	fmt.Println("| struct | fields | booleans | fields in all | booleans in all |\n| --- | --- | --- | --- | --- |")
	h.printStructs(func(name string, s size) bool {
		return slices.Contains(deciding, name) && (s.allFields > maxFields || s.allBools > 3)
	})
	fmt.Printf("\nStructs of other packages with more than %d fields\n\n", maxFields)
	fmt.Println("| struct | fields | booleans | fields in all | booleans in all |\n| --- | --- | --- | --- | --- |")
	h.printStructs(func(name string, s size) bool { return !slices.Contains(deciding, name) && s.fields > maxFields })

	for _, name := range deciding {
		if p := h.packages[name]; p != nil {
			fmt.Printf("\n%s imports %s\n", name, strings.Join(slices.Sorted(maps.Keys(p.imports)), ", "))
		}
	}

	fmt.Printf("\nFiles of more than %d lines\n\n", maxLines)
	for _, name := range slices.Sorted(maps.Keys(h.packages)) {
		for _, f := range h.packages[name].files {
			if f.lines > maxLines {
				fmt.Printf("- %s: %d\n", f.name, f.lines)
			}
		}
	}

	fmt.Printf("\nFunctions of a cyclomatic complexity of more than %d\n\n", maxComplexity)
	var branched []function
	for _, p := range h.packages {
		for _, f := range p.functions {
			if f.complexity > maxComplexity {
				branched = append(branched, f)
			}
		}
	}
	slices.SortFunc(branched, func(a, b function) int {
		return cmp.Or(b.complexity-a.complexity, strings.Compare(a.at, b.at))
	})
	for _, f := range branched {
		fmt.Printf("- %s: %d (%s)\n", f.name, f.complexity, f.at)
	}
}

func (h *house) printStructs(listed func(name string, s size) bool) {
	for _, name := range slices.Sorted(maps.Keys(h.packages)) {
		p := h.packages[name]
		for _, t := range slices.Sorted(maps.Keys(p.types)) {
			if s, ok := p.size(t); ok && listed(name, s) {
				fmt.Printf("| %s.%s | %d | %d | %d | %d |\n", name, t, s.fields, s.bools, s.allFields, s.allBools)
			}
		}
	}
}
