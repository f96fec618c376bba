package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Each mutation applies to the code as it is, and each rule has one.
func TestMutationsApply(t *testing.T) {
	rules := map[string]bool{}
	for _, m := range mutants {
		rules[m.rule] = true
		content, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.mutate(string(content)); err != nil {
			t.Errorf("%s, %s: %v", m.rule, m.what, err)
		}
	}
	for n := 1; n <= 10; n++ {
		if rule := fmt.Sprintf("R%d", n); !rules[rule] {
			t.Errorf("%s has no mutant", rule)
		}
	}
}

// A mutation that matches twice, or not at all, is an error.
func TestMutationThatIsNotUniqueIsRefused(t *testing.T) {
	m := mutant{old: "a", new: "b"}
	for content, ok := range map[string]bool{"xax": true, "aa": false, "x": false} {
		if got, err := m.mutate(content); (err == nil) != ok || ok && got != "xbx" {
			t.Errorf("%q: %q, %v", content, got, err)
		}
	}
}

// What the model prints tells which rule it found broken, and after how many steps.
func TestVerdictOfTheModel(t *testing.T) {
	out := "    model_test.go:58: [rapid] failed after 3 tests: R2: g/p.m3u8 names g/1.ts, which is not there\n" +
		"    model_test.go:50: seed 1, 290 steps\n--- FAIL: TestModel (0.10s)\n"
	if v := judge("TestModel", out); v.as != "R2" || v.by != "`TestModel`, 290 steps" {
		t.Errorf("%+v", v)
	}
}
