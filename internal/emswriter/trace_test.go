package emswriter

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A trace is what a watcher of a directory sees: "CREATE g/s/x", "CLOSE_WRITE g/s/x", "DELETE
// g/s/x".
type trace struct {
	root     string
	events   []string
	versions map[string][][]byte // of each file, at each closing
}

func newTrace(root string) *trace { return &trace{root: root, versions: map[string][][]byte{}} }

func (tr *trace) disk() disk {
	return disk{seen: func(event, path string) {
		name, err := filepath.Rel(tr.root, path)
		if err != nil {
			panic(err)
		}
		tr.events = append(tr.events, event+" "+name)
		if event != "CLOSE_WRITE" {
			return
		}
		b, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		tr.versions[name] = append(tr.versions[name], b)
	}}
}

// since returns the events after the first n.
func (tr *trace) since(n int) []string { return tr.events[n:] }

// recorded returns the events of a recording on paths that match.
func recorded(t *testing.T, name, pattern string) []string {
	t.Helper()
	match := regexp.MustCompile(pattern)
	var events []string
	for line := range strings.Lines(read(t, filepath.Join("../../testdata", name))) {
		fields := eventLine.FindStringSubmatch(line)
		if fields == nil || strings.Contains(line, "CREATE,ISDIR") {
			continue
		}
		if path := strings.TrimSuffix(fields[2], "/"); match.MatchString(path) {
			events = append(events, fields[1]+" "+path)
		}
	}
	if len(events) == 0 {
		t.Fatalf("%s has nothing like %s", name, pattern)
	}
	return events
}

// The .tsv has tabs, the .txt has columns and a size behind the path. Directories appear faster
// than a recorder can watch them, so that only their deletion counts.
var eventLine = regexp.MustCompile(`^\S+\s+(CREATE|CLOSE_WRITE|DELETE)(?:,CLOSE)?(?:,ISDIR)?\s+(?:x\d+ )?(\S.*?)(?:\t| size)`)

// diff reports where two sequences of events differ. Whole runs of deletions have no order: a
// directory's.
func diff(t *testing.T, got, want []string) {
	t.Helper()
	got, want = ordered(got), ordered(want)
	for i := range max(len(got), len(want)) {
		g, w := at(got, i), at(want, i)
		if g != w {
			t.Fatalf("event %d of %d is %q, want %q of %d; before:\n%s", i, len(got), g, w, len(want), strings.Join(got[max(0, i-8):i], "\n"))
		}
	}
}

func at(s []string, i int) string {
	if i >= len(s) {
		return ""
	}
	return s[i]
}

func ordered(events []string) []string {
	events = slices.Clone(events)
	for from := 0; from < len(events); from++ {
		to := from
		for to < len(events) && strings.HasPrefix(events[to], "DELETE ") {
			to++
		}
		slices.Sort(events[from:to])
		from = max(from, to-1)
	}
	return events
}

// tail returns the last n events.
func tail(events []string, n int) []string { return events[max(0, len(events)-n):] }

// sameVersions tests that the recorded versions of a manifest come in their order among those that
// were written.
func sameVersions(t *testing.T, written [][]byte, name string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../testdata/live/manifests", "*_"+name))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded %s: %v", name, err)
	}
	from := 0
	for _, file := range files {
		want := []byte(read(t, file))
		if len(want) == 0 {
			continue // read between truncation and write
		}
		i := slices.IndexFunc(written[from:], func(got []byte) bool { return bytes.Equal(got, want) })
		if i < 0 {
			t.Fatalf("%s was not written after version %d of %d; the next is\n%q\nwant\n%q", file, from, len(written), written[min(from, len(written)-1)], want)
		}
		from += i // not one more: a recorder that was late has the second of two versions twice
	}
}

// numbers returns what the group in the pattern matches in events, as they come.
func numbers(t *testing.T, events []string, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	for _, event := range events {
		if m := re.FindStringSubmatch(event); m != nil {
			found = append(found, m[1])
		}
	}
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
