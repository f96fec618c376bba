package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// complete returns files in which each rule has an owner and a test.
func complete() map[string][]byte {
	files := map[string][]byte{}
	for n := 1; n <= rules; n++ {
		name := fmt.Sprintf("uploader/r%d.go", n)
		if n == limits {
			name = "uploader/limits.go"
		}
		files[name] = fmt.Appendf(nil, "package uploader\n\n// R%d: it holds.\n", n)
		files[fmt.Sprintf("uploader/publish/r%d_test.go", n)] = fmt.Appendf(nil, "package publish\n\nfunc TestR%dHolds(t *testing.T) {\n", n)
	}
	return files
}

func TestCompleteTableLacksNothing(t *testing.T) {
	files := complete()
	files["media/limits.go"] = []byte("package media\n\n// R8: so many references.\n")
	files["uploader/spool_test.go"] = []byte("package uploader\n\n// R6: a comment of a test is no owner.\n")
	table := find(files)
	if missing := judge(table, files); missing != nil {
		t.Errorf("missing: %q", missing)
	}
	if want := []string{"media/limits.go", "uploader/limits.go"}; !slices.Equal(table[limits].owners, want) {
		t.Errorf("the owners of R8 are %q, want %q", table[limits].owners, want)
	}
	if table[1].tests[0] != (test{"TestR1Holds", "uploader/publish/r1_test.go"}) || len(table[1].tests) != 1 {
		t.Errorf("the tests of R1 are %v", table[1].tests)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(files map[string][]byte)
		says   string
	}{
		"no owner":            {func(f map[string][]byte) { delete(f, "uploader/r4.go") }, "R4 has no owner"},
		"two owners":          {func(f map[string][]byte) { f["watcher/a.go"] = []byte("\t// R1: whole files only.\n") }, "R1 has more than one owner"},
		"an owner in a block": {func(f map[string][]byte) { f["uploader/r2.go"] = []byte("// see R2: references first\n") }, "R2 has no owner"},
		"a long owner": {func(f map[string][]byte) {
			f["uploader/r5.go"] = append(f["uploader/r5.go"], strings.Repeat("\n", maxLines)...)
		}, "R5, has 303 lines"},
		"no test": {func(f map[string][]byte) { delete(f, "uploader/publish/r6_test.go") }, "R6 has no test"},
		"a test elsewhere": {func(f map[string][]byte) {
			f["hooks/r7_test.go"] = f["uploader/publish/r7_test.go"]
			delete(f, "uploader/publish/r7_test.go")
		}, "R7 has no test"},
		"a limit elsewhere":     {func(f map[string][]byte) { f["media/mpd.go"] = []byte("// R8: so many.\n") }, "media/mpd.go has a comment line"},
		"limits without a rule": {func(f map[string][]byte) { f["media/limits.go"] = []byte("package media\n") }, "media/limits.go has no comment line"},
	} {
		t.Run(name, func(t *testing.T) {
			files := complete()
			c.change(files)
			missing := judge(find(files), files)
			if !slices.ContainsFunc(missing, func(m string) bool { return strings.Contains(m, c.says) }) {
				t.Errorf("missing are %q, want %q", missing, c.says)
			}
		})
	}
}

func TestR10IsNotR1(t *testing.T) {
	files := map[string][]byte{"a/a.go": []byte("// R10: never silent.\n"), "a/a_test.go": []byte("func TestR10Never(t *testing.T) {\n")}
	if table := find(files); len(table[1].owners)+len(table[1].tests) > 0 || len(table[10].owners) != 1 || len(table[10].tests) != 1 {
		t.Errorf("R1 is %v, R10 is %v", table[1], table[10])
	}
}
