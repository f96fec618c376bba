// Package docs_test holds README and docs/ against the program: links lead somewhere, configs are
// right, and commands exist.
package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ems-sidecar/config"
	"ems-sidecar/internal/e2e"
)

const top = "../.."

// pages returns README and all pages of docs.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{top + "/README.md", top + "/CONTRIBUTING.md", top + "/SECURITY.md"}
	for _, dir := range []string{"docs", "deploy"} {
		err := filepath.WalkDir(filepath.Join(top, dir), func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".md") {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// A block is a fenced block of a page.
type block struct {
	page, language, text string
}

func blocks(t *testing.T) []block {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	var all []block
	for _, page := range pages(t) {
		for _, m := range fence.FindAllStringSubmatch(read(t, page), -1) {
			all = append(all, block{page, m[1], m[2]})
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// anchors returns what the headings of a page are called in links.
func anchors(page string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := strings.ToLower(strings.TrimSpace(m[1]))
		name = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(name, "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s does not exist", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s: %s has no heading #%s", page, target, anchor)
			}
		}
	}
}

// A secret's file is the operator's to make.
func withSecretFile(t *testing.T, text string) string {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "s3-secret")
	if err := os.WriteFile(secret, []byte("a secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text, "/etc/ems-sidecar/s3-secret", secret)
}

func load(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(file, []byte(withSecretFile(t, text)), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(file)
}

func TestConfigsOfPagesAreRight(t *testing.T) {
	n := 0
	for _, b := range blocks(t) {
		if b.language != "ini" || strings.HasSuffix(b.page, "/config.md") { // has keys one by one
			continue
		}
		n++
		cfg, err := load(t, b.text)
		if err != nil {
			t.Errorf("%s:\n%s\n%v", b.page, b.text, err)
		} else if len(cfg.Uploads) == 0 && !cfg.Reacts() {
			t.Errorf("%s: this switches nothing on:\n%s", b.page, b.text)
		}
	}
	if n < 2 {
		t.Errorf("%d configs found", n)
	}
}

func TestExampleOfEachStoreIsRight(t *testing.T) {
	files, err := filepath.Glob(top + "/deploy/stores/*.ini")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	page := read(t, top+"/docs/stores.md")
	for _, file := range files {
		cfg, err := load(t, read(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if len(cfg.Uploads) != 1 || len(cfg.Warnings) > 0 {
			t.Errorf("%s: %d uploads, warnings %q", file, len(cfg.Uploads), cfg.Warnings)
		}
		if !strings.Contains(page, "deploy/stores/"+filepath.Base(file)) {
			t.Errorf("docs/stores.md does not name %s", file)
		}
	}
}

// commands returns the lines of blocks that begin with one of the words, which is the program. Output
// that is shown is no command.
func commands(t *testing.T, program string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, b := range blocks(t) {
		if b.language != "" && b.language != "sh" || strings.HasSuffix(b.page, "/commands.md") { // generated, of forms
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			if rest, ok := strings.CutPrefix(line, program+" "); ok {
				all[strings.TrimSpace(rest)] = b.page
			}
		}
	}
	return all
}

func TestCommandsOfPagesExist(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "ems-sidecar")
	if err := e2e.Build("ems-sidecar/cmd/ems-sidecar", binary); err != nil {
		t.Fatal(err)
	}
	for line, page := range commands(t, "ems-sidecar") {
		line, _, _ = strings.Cut(line, "|")
		line, _, _ = strings.Cut(line, ">")
		out, err := exec.Command(binary, append(strings.Fields(line), "--help")...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: ems-sidecar %s: %v\n%s", page, line, err, out)
		}
	}
}

// Each package and each test that a page has run must exist, and each flag after it.
func TestTestsOfPagesExist(t *testing.T) {
	n := 0
	for line, page := range commands(t, "go") {
		words := strings.Fields(line)
		i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "./") })
		if i < 0 || words[i] == "./..." {
			continue
		}
		n++
		dir := filepath.Join(top, words[i])
		code := sources(t, dir)
		for j, word := range words {
			name := ""
			switch word {
			case "-run", "-bench":
				name = strings.Trim(words[j+1], "'^$")
			}
			if name != "" && !regexp.MustCompile(`(?m)^func (Test|Benchmark)?`+name).Match(code) {
				t.Errorf("%s: go %s: %s has no %s", page, line, dir, name)
			}
			known := []string{"-run", "-bench", "-v", "-race", "-benchtime", "-timeout", "-long", "-count", "-tags", "-args"}
			if strings.HasPrefix(word, "-") && j > i && !slices.Contains(known, word) &&
				!bytes.Contains(code, []byte(`"`+word[1:]+`"`)) {
				t.Errorf("%s: go %s: %s has no flag %s", page, line, dir, word)
			}
		}
	}
	if n == 0 {
		t.Error("no command found")
	}
}

func sources(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files: %v", dir, err)
	}
	var all []byte
	for _, f := range files {
		all = append(all, read(t, f)...)
	}
	return all
}

// TestWaysThroughTheCodeAreShort: each way in CONTRIBUTING visits eight files at most, and none twice.
func TestWaysThroughTheCodeAreShort(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([a-z0-9_/]+\\.go)` \\|.*\n")
	way := regexp.MustCompile("(?m)^\\| file \\| read \\|.*\n\\|[ |-]+\n((?:\\|.*\n)+)")
	ways := way.FindAllStringSubmatch(read(t, top+"/CONTRIBUTING.md"), -1)
	if len(ways) != 3 { // a chunk's, an event's, a config value's
		t.Fatalf("CONTRIBUTING has %d ways", len(ways))
	}
	for _, w := range ways {
		var files []string
		for _, m := range row.FindAllStringSubmatch(w[1], -1) {
			if slices.Contains(files, m[1]) {
				t.Errorf("a way visits %s twice", m[1])
			}
			files = append(files, m[1])
		}
		if n := len(files); n == 0 || n > 8 || n != strings.Count(w[1], "\n") {
			t.Errorf("a way has %d rows with %d files: %s", strings.Count(w[1], "\n"), n, strings.Join(files, ", "))
		}
	}
}
