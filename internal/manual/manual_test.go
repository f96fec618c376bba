package manual_test

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"ems-sidecar/config"
	"ems-sidecar/internal/manual"
)

var update = flag.Bool("update", false, "write the files")

// The example, the reference and the man page say what the table of keys says.
func TestTextsOfTheConfigAreCurrent(t *testing.T) {
	sections := config.Reference()
	for file, want := range map[string]string{
		"../../config.ini.example":              manual.Example(sections),
		"../../docs/config.md":                  manual.Reference(sections),
		"../../deploy/man/ems-sidecar-config.5": manual.ConfigPage(sections),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("%s is out of date (%v): go test ./internal/manual -update", file, err)
		}
	}
}

// A key without a text would be one that no operator finds.
func TestEveryKeyIsExplained(t *testing.T) {
	for _, s := range config.Reference() {
		for _, k := range s.Keys {
			if k.About == "" && s.Name != "Plugins" || k.Allowed == "" {
				t.Errorf("[%s] %s is not explained", s.Name, k.Name)
			}
		}
	}
}

// What a name or a text has in it is no command of the page's language.
func TestManPagesEscapeTexts(t *testing.T) {
	page := manual.ConfigPage([]config.SectionText{{Name: "A-B", About: `.so /etc/passwd`, Keys: []config.KeyText{
		{Name: "k", About: `'\*[x] C:\media`, Allowed: "text"},
	}}})
	for _, want := range []string{".SH [A\\-B]\n", "\n\\&.so /etc/passwd\n", "\n\\&'\\e*[x] C:\\emedia\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
}

func TestManPagesHaveNoWarning(t *testing.T) {
	pages, err := os.ReadDir("../../deploy/man")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	checked := false
	for _, tool := range [][]string{{"groff", "-man", "-ww", "-z"}, {"mandoc", "-Tlint"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			continue
		}
		checked = true
		for _, p := range pages {
			out, err := exec.Command(tool[0], append(tool[1:], "../../deploy/man/"+p.Name())...).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%s: %s %v\n%s", p.Name(), tool[0], err, out)
			}
		}
	}
	if !checked {
		t.Skip("neither groff nor mandoc")
	}
}
