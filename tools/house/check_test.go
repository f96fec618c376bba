package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sound returns a house in which nothing is beyond a limit, and what breaks it.
func sound(t *testing.T, add map[string]string) *house {
	t.Helper()
	h := &house{packages: map[string]*pkg{}}
	sources := map[string]string{"uploader/publish/file.go": "package publish\n\ntype file struct{ work }\n\n" +
		"type work struct{ a, b, c bool }\n"}
	for _, name := range core {
		sources[name+"/doc.go"] = "package p\n"
	}
	for name := range records {
		dir, typ, _ := strings.Cut(name, ".")
		sources[dir+"/"+typ+".go"] = structOf(typ, maxFields+1)
	}
	for name, source := range add {
		sources[name] = source
	}
	for name, source := range sources {
		if source == "" {
			continue
		}
		if err := h.add(name, []byte(source)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func structOf(name string, fields int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package p\n\ntype %s struct {\n", name)
	for i := range fields {
		fmt.Fprintf(&b, "\tf%d int\n", i)
	}
	return b.String() + "}\n"
}

func TestWhatIsBeyondALimitIsSaid(t *testing.T) {
	branches := func(n int) string {
		return "package p\n\nfunc f(a bool) {\n" + strings.Repeat("if a { return }\n", n) + "}\n"
	}
	lines := func(n int) string { return "package p\n" + strings.Repeat("\n", n-1) }
	for name, c := range map[string]struct {
		add  map[string]string
		want []string
	}{
		"nothing":                 {},
		"as much as there may be": {map[string]string{"cmd/x/a.go": branches(14), "cmd/x/b.go": lines(300), "media/a.go": structOf("a", 15)}, nil},
		"a long file": {map[string]string{"cmd/x/b.go": lines(301)},
			[]string{"cmd/x/b.go has 301 lines, more than 300"}},
		"a branched function": {map[string]string{"cmd/x/a.go": branches(15)},
			[]string{"cmd/x/a.go:3:1: cmd/x.f has a cyclomatic complexity of 16, more than 15"}},
		"a large struct of the core": {map[string]string{"media/a.go": structOf("a", 16)},
			[]string{"media.a has 16 fields, more than 15"}},
		"a large struct elsewhere": {map[string]string{"config/a.go": structOf("a", 16)}, nil},
		"a flag more of a chunk": {map[string]string{"uploader/publish/file.go": "package publish\n\n" +
			"type file struct{ d bool; work }\n\ntype work struct{ a, b, c bool }\n"},
			[]string{"uploader/publish.file, a chunk, has 4 booleans, more than 3"}},
		"a chunk that is called otherwise": {map[string]string{"uploader/publish/file.go": ""},
			[]string{"uploader/publish.file, a chunk, is no struct: see tools/house/check.go"}},
		"a package that is called otherwise": {map[string]string{"watcher/doc.go": ""},
			[]string{"watcher is no package: see core in tools/house/check.go"}},
		"a record that became small": {map[string]string{"uploader/publish/View.go": structOf("View", 15)},
			[]string{"uploader/publish.View needs no exception: see records in tools/house/check.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			if found := sound(t, c.add).broken(); !slices.Equal(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}
