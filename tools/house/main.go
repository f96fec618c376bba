// Command house measures the code of a checkout: what a reader has to hold. It prints, for the code
// that is not a test's, files, types and functions of each package, the fields and booleans of the
// larger structs, what the packages that decide import, and the files and functions that are too
// long or too branched.
//
//	go -C tools run ./house        of this checkout
//	go -C tools run ./house DIR    of another one, of an older commit, say; a relative DIR starts in tools
//	go -C tools run ./house -check [DIR]    prints what breaks a limit, and fails if anything does
package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// The limits. What is more than this is listed.
const (
	maxLines      = 300 // of a file
	maxFields     = 15  // of a struct
	maxComplexity = 15  // of a function, cyclomatic
	maxBooleans   = 3   // of a chunk, with the structs in it
)

// deciding are the packages that decide what is published. One of them may not be there.
var deciding = []string{"uploader", "uploader/publish"}

func main() {
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: house [-check] [DIR]") }
	check := flag.Bool("check", false, "")
	flag.Parse()
	if flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	h, err := measure(cmp.Or(flag.Arg(0), ".."))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !*check {
		h.print()
		return
	}
	broken := h.broken()
	for _, what := range broken {
		fmt.Println(what)
	}
	if len(broken) > 0 {
		os.Exit(1)
	}
	fmt.Println("every file, struct and function is within the limits")
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
	for _, f := range h.branched() {
		fmt.Printf("- %s: %d (%s)\n", f.name, f.complexity, f.at)
	}
}

// branched returns the functions that are too branched, the worst first.
func (h *house) branched() (found []function) {
	for _, p := range h.packages {
		for _, f := range p.functions {
			if f.complexity > maxComplexity {
				found = append(found, f)
			}
		}
	}
	slices.SortFunc(found, func(a, b function) int {
		return cmp.Or(b.complexity-a.complexity, strings.Compare(a.at, b.at))
	})
	return found
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
