// Command allocs runs the benchmarks of the hot paths and compares how often they allocate with
// table.txt, which is checked in. Seconds depend on the machine, and allocations do not: a path
// that allocates more than it did is seen at once. With -update it writes the table.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// packages have the hot paths: a manifest is read, continued and decided about, and an object is
// put.
var packages = []string{"./media", "./hls", "./uploader/publish", "./uploader/s3store"}

const (
	table = "tools/allocs/table.txt"
	// runs is how often a benchmark does its work: often enough for pools to be filled.
	runs = "50x"
	// large are benchmarks of very long manifests, which take seconds and show what short ones show.
	large = "/[0-9]{5}"
	// tolerance is what a count may exceed the table's by: connections and pools vary with the
	// garbage collector.
	tolerance = 0.1
	slack     = 3
)

func main() {
	update := flag.Bool("update", false, "write the table")
	flag.Parse()
	if err := run(*update); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(update bool) error {
	if err := os.Chdir(".."); err != nil { // of tools
		return err
	}
	now, err := measure()
	if err != nil {
		return err
	}
	if update {
		return os.WriteFile(table, []byte(format(now)), 0o644)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	before, err := parse(string(text))
	if err != nil {
		return err
	}
	return compare(before, now)
}

// line matches a benchmark's result: name without the number of processors, allocations.
var line = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s.*\s(\d+) allocs/op`)

// measure returns the allocations of each benchmark, by package and name.
func measure() (map[string]int, error) {
	found := make(map[string]int)
	for _, pkg := range packages {
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-skip", large,
			"-benchtime", runs, "-benchmem", pkg)
		out, err := cmd.CombinedOutput() // what does not compile is told on stderr
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
		}
		results := line.FindAllSubmatch(bytes.TrimSpace(out), -1)
		if len(results) == 0 {
			return nil, fmt.Errorf("%s has no benchmark", pkg)
		}
		for _, m := range results {
			allocs, err := strconv.Atoi(string(m[2]))
			if err != nil {
				return nil, err
			}
			found[pkg+" "+string(m[1])] = allocs
		}
	}
	return found, nil
}

func format(allocs map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(allocs)) {
		fmt.Fprintf(&b, "%s %d\n", name, allocs[name])
	}
	return b.String()
}

func parse(text string) (map[string]int, error) {
	found := make(map[string]int)
	for row := range strings.Lines(text) {
		row = strings.TrimSpace(row)
		i := max(0, strings.LastIndexByte(row, ' '))
		name := row[:i]
		allocs, err := strconv.Atoi(strings.TrimSpace(row[i:]))
		if err != nil || name == "" {
			return nil, fmt.Errorf("%s: %q: want a package, a benchmark and a number", table, row)
		}
		found[name] = allocs
	}
	return found, nil
}

// compare returns an error that names each path that allocates more than the table says, and each
// that only one of both has.
func compare(before, now map[string]int) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, ok := before[name]
		switch is := now[name]; {
		case !ok:
			all = append(all, fmt.Errorf("%s is not in the table", name))
		case float64(is) > float64(was)*(1+tolerance)+slack:
			all = append(all, fmt.Errorf("%s allocates %d times; the table says %d", name, is, was))
		default:
			fmt.Printf("%s: %d allocations, %d in the table\n", name, is, was)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := now[name]; !ok {
			all = append(all, fmt.Errorf("%s is in the table, and there is no such benchmark", name))
		}
	}
	if len(all) > 0 {
		all = append(all, errors.New("if that is meant: go -C tools run ./allocs -update"))
	}
	return errors.Join(all...)
}
