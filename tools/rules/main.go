// Command rules shows where each of the rules R1 to R10 of docs/design.md lives: its owner, which
// is the one file with a comment line that begins "// R4:", and the tests that are named after it,
// such as TestR4NewestPublishableWins. R8, that everything is bounded, has one owner in each
// package with limits: limits.go.
//
//	go -C tools run ./rules          prints the table, and below it what is missing
//	go -C tools run ./rules -check   also fails if something is missing
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	rules    = 10
	limits   = 8 // the rule whose owners are called limits.go
	maxLines = 300
)

var (
	ownerLine = regexp.MustCompile(`(?m)^\s*// R(\d+):`)
	testLine  = regexp.MustCompile(`(?m)^func (TestR(\d+)[A-Z]\w*)\(`)
)

// A rule is what the checkout has of one of them.
type rule struct {
	owners []string // files
	tests  []test
}

type test struct{ name, file string }

func main() {
	check := flag.Bool("check", false, "fail if something is missing")
	flag.Parse()
	files, err := sources("..") // of tools
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	table := find(files)
	print(table)
	missing := judge(table, files)
	for _, m := range missing {
		fmt.Println(m)
	}
	if *check && len(missing) > 0 {
		os.Exit(1)
	}
}

// sources returns the content of each Go file of the checkout that git knows, by its path; those of
// tools are not about media.
func sources(dir string) (map[string][]byte, error) {
	list := exec.Command("git", "ls-files", "-z", "--", "*.go", ":!tools")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	files := map[string][]byte{}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			return nil, err
		}
		files[name] = b
	}
	return files, nil
}

// find returns the rules; that of index 0 is none.
func find(files map[string][]byte) (table [rules + 1]rule) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, "_test.go") {
			for _, m := range testLine.FindAllSubmatch(files[name], -1) {
				if n := number(m[2]); n > 0 {
					table[n].tests = append(table[n].tests, test{string(m[1]), name})
				}
			}
			continue
		}
		for _, m := range ownerLine.FindAllSubmatch(files[name], -1) {
			if n := number(m[1]); n > 0 && !slices.Contains(table[n].owners, name) {
				table[n].owners = append(table[n].owners, name)
			}
		}
	}
	return table
}

// number returns the number of a rule, or 0 if there is none with that number.
func number(b []byte) int {
	n, err := strconv.Atoi(string(b))
	if err != nil || n > rules {
		return 0
	}
	return n
}

func print(table [rules + 1]rule) {
	fmt.Println("| rule | owner | tests |\n| --- | --- | --- |")
	for n, r := range table {
		if n == 0 {
			continue
		}
		var names []string
		for _, t := range r.tests {
			names = append(names, t.name)
		}
		fmt.Printf("| R%d | %s | %s |\n", n, cmp.Or(strings.Join(r.owners, ", "), "none"), cmp.Or(strings.Join(names, ", "),
			"none"))
	}
}

// judge returns a sentence for each thing that is missing.
func judge(table [rules + 1]rule, files map[string][]byte) (missing []string) {
	say := func(format string, args ...any) { missing = append(missing, fmt.Sprintf(format, args...)) }
	for n, r := range table {
		switch {
		case n == 0:
			continue
		case len(r.owners) == 0:
			say("R%d has no owner: no file has a comment line that begins \"// R%d:\"", n, n)
		case n != limits && len(r.owners) > 1:
			say("R%d has more than one owner: %s", n, strings.Join(r.owners, ", "))
		}
		for _, owner := range r.owners {
			if lines := bytes.Count(files[owner], []byte("\n")); lines >= maxLines {
				say("%s, which owns R%d, has %d lines; it must have fewer than %d", owner, n, lines, maxLines)
			}
			if n == limits && path.Base(owner) != "limits.go" {
				say("%s has a comment line that begins \"// R8:\"; the owners of R8 are called limits.go", owner)
			}
		}
		near := func(t test) bool {
			return slices.ContainsFunc(r.owners, func(owner string) bool { return area(owner) == area(t.file) })
		}
		switch {
		case len(r.tests) == 0:
			say("R%d has no test that is called TestR%d…", n, n)
		case len(r.owners) > 0 && !slices.ContainsFunc(r.tests, near):
			say("R%d has no test TestR%d… in the package of its owner, or beside or below it", n, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Base(name) == "limits.go" && !slices.Contains(table[limits].owners, name) {
			say("%s has no comment line that begins \"// R8:\"", name)
		}
	}
	return missing
}

// area returns the directory at the top that a file lies in: the packages below it are about one
// thing. Those in internal and cmd are about one thing each.
func area(file string) string {
	top, rest, _ := strings.Cut(file, "/")
	if top == "internal" || top == "cmd" {
		next, _, _ := strings.Cut(rest, "/")
		return top + "/" + next
	}
	return top
}
