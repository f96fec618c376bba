// Command mutants breaks each of the rules R1 to R10 of docs/design.md on purpose, one small change
// of the code after the other, and runs the test that must notice. It prints a table of what
// noticed, and after how many steps if that was the model.
//
//	go -C tools run ./mutants            all: some minutes
//	go -C tools run ./mutants -rule R4   those of one rule
//
// It fails if a mutant survives, does not compile, or does not apply because the code it replaces
// has changed. The checkout is not touched: the compiler gets the changed file in place of the
// original.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	rule := flag.String("rule", "", "run the mutants of this rule only")
	steps := flag.Int("steps", 3_000_000, "how many steps the model makes at most")
	flag.Parse()
	module, err := filepath.Abs("..") // of tools
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("| rule | mutation | file | noticed by | as |\n| --- | --- | --- | --- | --- |")
	var failures []error
	for _, m := range mutants {
		if *rule != "" && m.rule != *rule {
			continue
		}
		how, err := m.run(module, *steps)
		if err != nil {
			how = verdict{by: "**nothing**"}
			failures = append(failures, fmt.Errorf("%s, %s: %w", m.rule, m.what, err))
		}
		fmt.Printf("| %s | %s | `%s` | %s | %s |\n", m.rule, m.what, m.file, how.by, how.as)
	}
	if len(failures) > 0 {
		fmt.Fprintln(os.Stderr, errors.Join(failures...))
		os.Exit(1)
	}
}

// A verdict is how a mutant was noticed.
type verdict struct {
	by string // the test, and the steps of the model
	as string // what it says is broken
}

// mutate returns the content of a file with the mutation.
func (m mutant) mutate(content string) (string, error) {
	if n := strings.Count(content, m.old); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, want once", m.file, m.old, n)
	}
	return strings.Replace(content, m.old, m.new, 1), nil
}

// run compiles the test with the mutation and runs it. The error says that nothing noticed, or what
// else is wrong.
func (m mutant) run(module string, steps int) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return verdict{}, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "test")
	if err := m.compile(module, dir, binary); err != nil {
		return verdict{}, err
	}
	test := cmp.Or(m.test, "TestModel")
	args := []string{"-test.run", "^" + test + "$", "-test.v", "-test.timeout", "30m"}
	if m.test == "" {
		args = append(args, "-steps", fmt.Sprint(steps), "-seed", fmt.Sprint(cmp.Or(m.seed, 1)), "-rapid.shrinktime", "0s")
	}
	run := exec.Command(binary, args...)
	run.Dir = filepath.Join(module, m.dir())
	out, err := run.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil && !strings.Contains(string(out), "--- PASS: "+test):
		return verdict{}, fmt.Errorf("%s has no %s that runs here", m.dir(), test)
	case err == nil:
		return verdict{}, fmt.Errorf("%s passes", test)
	case !errors.As(err, &failed):
		return verdict{}, err
	}
	return judge(test, string(out)), nil
}

// compile compiles the test of the mutant's package, with the mutation.
func (m mutant) compile(module, dir, binary string) error {
	original := filepath.Join(module, m.file)
	content, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	mutated, err := m.mutate(string(content))
	if err != nil {
		return err
	}
	changed, overlay := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(changed, []byte(mutated), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return err
	}
	build := exec.Command("go", "test", "-vet=off", "-overlay", overlay, "-c", "-o", binary, "./"+m.dir())
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not compile: %s", out)
	}
	return nil
}

func (m mutant) dir() string { return filepath.Dir(cmp.Or(m.tests, m.file)) }

var (
	modelSteps = regexp.MustCompile(`seed \d+, (\d+) steps`)
	brokenRule = regexp.MustCompile(`(?m)(R\d+): .*`)
	panicked   = regexp.MustCompile(`panic[^\n]*: ([^\n]*)`)
)

// judge returns what the output of a test that failed says.
func judge(test, out string) verdict {
	v := verdict{by: "`" + test + "`", as: "it fails"}
	if test != "TestModel" {
		return v
	}
	if n := modelSteps.FindStringSubmatch(out); n != nil {
		v.by += ", " + n[1] + " steps"
	}
	if r := brokenRule.FindStringSubmatch(out); r != nil {
		v.as = r[1]
	} else if p := panicked.FindStringSubmatch(out); p != nil {
		v.as = "panic: " + p[1]
	}
	return v
}
