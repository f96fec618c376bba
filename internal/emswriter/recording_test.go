package emswriter

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestRecordingsAreWrittenAsRecorded(t *testing.T) {
	for _, r := range []struct {
		file  string
		parts int
	}{
		{"r2.ts", 0}, {"r3.mp4", 4}, {"r4.ts", 4}, {"r5.flv", 4},
	} {
		t.Run(r.file, func(t *testing.T) {
			tr := newTrace(t.TempDir())
			w := &Recording{File: filepath.Join(tr.root, "rec", r.file), Parts: r.parts > 0, disk: tr.disk()}
			must(t, w.Start())
			contents := map[string][]byte{}
			for part := range max(1, r.parts) {
				if part > 0 {
					must(t, w.Next())
				}
				content := Content(100000, fmt.Sprint(r.file, part))
				contents[w.Chunk()] = content
				for len(content) > 0 {
					n, err := w.Write(content[:min(777, len(content))])
					must(t, err)
					content = content[n:]
				}
			}
			must(t, w.End())
			diff(t, tr.events, recorded(t, "record/fs-events.txt", `^rec/`+r.file[:2]+`[._]`))
			for name, content := range contents {
				if got := read(t, name); got != string(content) {
					t.Errorf("%s has %d bytes, want %d and the content that was written", name, len(got), len(content))
				}
			}
		})
	}
}

func TestAnFLVIsPatchedWhenItIsOpenedOnceMore(t *testing.T) {
	tr := newTrace(t.TempDir())
	w := &Recording{File: filepath.Join(tr.root, "r.flv"), disk: tr.disk()}
	must(t, w.Start())
	content := Content(10000, "r")
	_, err := w.Write(content)
	must(t, err)
	must(t, w.End())
	versions := tr.versions["r.flv"]
	if len(versions) != 3 {
		t.Fatalf("closed %d times, want 3, the first of which is EMS's test", len(versions))
	}
	if len(versions[1]) != len(content) || string(versions[1]) == string(content) {
		t.Errorf("at the second closing there are %d bytes, or already all of the content", len(versions[1]))
	}
	if string(versions[2]) != string(content) {
		t.Error("at the last closing the content is not there")
	}
}

func TestAnMP4IsNotThereBeforeItEnds(t *testing.T) {
	w := &Recording{File: filepath.Join(t.TempDir(), "r.mp4")}
	must(t, w.Start())
	_, err := w.Write(Content(10000, "r"))
	must(t, err)
	if _, err := os.Stat(w.Chunk()); !os.IsNotExist(err) {
		t.Errorf("%s is there: %v", w.Chunk(), err)
	}
	if got := len(read(t, w.Chunk()+".mdat")); got != 2*page {
		t.Errorf("mdat has %d bytes, want whole pages", got)
	}
	must(t, w.End())
	if left, _ := filepath.Glob(w.File + ".*"); left != nil {
		t.Errorf("%s are left", left)
	}
}

func TestARecordingThatComesBackHasANewName(t *testing.T) {
	dir := t.TempDir()
	w := &Recording{File: filepath.Join(dir, "r.ts")}
	for _, name := range []string{"r.ts", "r_0001.ts", "r_0002.ts"} {
		must(t, w.Start())
		_, err := w.Write(Content(1000, name))
		must(t, err)
		must(t, w.End())
		if got := read(t, filepath.Join(dir, name)); got != string(Content(1000, name)) {
			t.Errorf("%s is %.20q", name, got)
		}
	}
}
