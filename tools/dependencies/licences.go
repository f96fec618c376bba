package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// legal are the names of the files that must go wherever a module goes.
var legal = []string{"LICENSE*", "LICENCE*", "License*", "COPYING*", "NOTICE*", "PATENTS*"}

// printLicences writes the licences and notices of all that is linked into the daemon, or embedded
// in it: each text once, below the names of those that have it.
func printLicences(w io.Writer) error {
	if err := os.Chdir(".."); err != nil { // of tools
		return err
	}
	// What is linked for Linux, whatever this system is.
	if err := os.Setenv("GOOS", "linux"); err != nil {
		return err
	}
	modules := map[string]*module{}
	if err := list(modules, "daemon", []string{"./cmd/ems-sidecar"}); err != nil {
		return err
	}
	texts := map[string][]string{} // names of those that have the text
	goroot, err := command("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	if err := addLegal(texts, "the standard library of Go", strings.TrimSpace(string(goroot))); err != nil {
		return err
	}
	for _, m := range modules {
		if err := addLegal(texts, m.path+" "+m.version, m.dir); err != nil {
			return err
		}
	}
	if err := addEmbedded(texts, "admin"); err != nil {
		return err
	}
	for _, users := range texts {
		slices.Sort(users)
	}
	var b bytes.Buffer
	b.WriteString("ems-sidecar is linked with the following, under the licences below.\n")
	for _, text := range slices.SortedFunc(maps.Keys(texts), func(x, y string) int {
		return slices.Compare(append(texts[x], x), append(texts[y], y))
	}) {
		fmt.Fprintf(&b, "\n%s\n\n%s\n\n%s\n", strings.Repeat("=", 72), strings.Join(texts[text], "\n"), text)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// addLegal adds the legal files in a directory. There must be one.
func addLegal(texts map[string][]string, name, dir string) error {
	found := false
	for _, pattern := range legal {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := add(texts, name, file); err != nil {
				return err
			}
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%s has no licence in %s", name, dir)
	}
	return nil
}

// addEmbedded adds the licences of what is embedded from the directory, such as those of a player:
// NAME.LICENSE is that of NAME.
func addEmbedded(texts map[string][]string, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _, is := strings.Cut(filepath.Base(path), ".LICENSE")
		if err != nil || d.IsDir() || !is {
			return err
		}
		return add(texts, name, path)
	})
}

func add(texts map[string][]string, name, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(b))
	if !slices.Contains(texts[text], name) {
		texts[text] = append(texts[text], name)
	}
	return nil
}
