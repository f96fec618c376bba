package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// No operator sees what these log.
var notInTheDaemon = []string{"tools", "testdata", ".git", "e2e", "ems-demo", "emstest", "emswriter", "s3test"}

// messages returns the messages that the daemon logs at info and above, with where each is.
func messages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, name := range notInTheDaemon {
			if d.IsDir() && d.Name() == name {
				return fs.SkipDir
			}
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text := message(n); text != "" {
				found[text] = files.Position(n.Pos()).String()
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// message returns the message that n logs, or "".
func message(n ast.Node) string {
	var text ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr: // log.Warn("…")
		s, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) == 0 {
			return ""
		}
		switch s.Sel.Name {
		case "Info", "Warn", "Error":
			text = n.Args[0]
		}
	case *ast.KeyValueExpr: // of a trouble.Condition or Failure
		if k, ok := n.Key.(*ast.Ident); ok && (k.Name == "Message" || k.Name == "Over") {
			text = n.Value
		}
	}
	if l, ok := text.(*ast.BasicLit); ok && l.Kind == token.STRING {
		if s, err := strconv.Unquote(l.Value); err == nil {
			return s
		}
	}
	return ""
}

func TestEachLogMessageIsExplained(t *testing.T) {
	page := read(t, top+"/docs/logs.md")
	found := messages(t)
	if len(found) < 150 {
		t.Fatalf("%d messages found", len(found))
	}
	for text, where := range found {
		if !strings.Contains(page, "`"+text+"`") {
			t.Errorf("%s: docs/logs.md does not have %q", where, text)
		}
	}
}

// What the page explains must be logged.
func TestEachExplainedMessageIsLogged(t *testing.T) {
	found := messages(t)
	for line := range strings.Lines(read(t, top+"/docs/logs.md")) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| message") {
			continue
		}
		for i, text := range strings.Split(cells[1], "`") {
			if i%2 == 1 && found[text] == "" && text != "lost" {
				t.Errorf("docs/logs.md explains %q, which nothing logs", text)
			}
		}
	}
}
