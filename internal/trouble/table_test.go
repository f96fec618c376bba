package trouble_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// endless has the conditions whose recovery is not logged, and the reason.
var endless = map[string]string{
	"backend_missing":     "what the system lacks, it lacks for good",
	"no_leases":           "the first file of many tells of all",
	"not_regular":         "what is ignored goes unnoticed",
	"event_ids_skipped":   "how this media server numbers its events",
	"event_path_refused":  "a path in an event is refused each time",
	"destination_is_own":  "how it is configured",
	"not_balanceable":     "the stream's name",
	"not_advertised":      "how it is configured",
	"feed_left_alone":     "the stream is no transcode",
	"run_names_unused":    "DASH has the same files there",
	"store_untold":        "what the store lacks",
	"store_unlisted":      "what the store lacks",
	"store_unconditional": "what the store lacks",
}

// All conditions of the program, wherever they are declared: each has a kind and a message of its
// own, and a message of its recovery. Reporter.End logs that at the level of the beginning.
func TestR10EachConditionHasARecovery(t *testing.T) {
	kinds, messages := make(map[string]bool), make(map[string]bool)
	for _, c := range declared(t, "Condition") {
		kind, message, over := c["Kind"], c["Message"], c["Over"]
		if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(kind) || message == "" || messages[message] {
			t.Errorf("condition %q with the message %q: its kind is no name, or its message is not its own", kind, message)
		}
		if c["Level"] == "" {
			t.Errorf("condition %s has no level", kind)
		}
		if why := endless[kind]; (over == "") != (why != "") {
			t.Errorf("condition %s has the recovery %q, and is endless because %q: one of both", kind, over, why)
		}
		kinds[kind], messages[message] = true, true
	}
	if len(kinds) < 40 {
		t.Errorf("only %d conditions were found", len(kinds))
	}
	for kind := range endless {
		if !kinds[kind] {
			t.Errorf("no condition is called %s", kind)
		}
	}
}

// declared returns the fields of all literals of a type of this package in the module, as text.
func declared(t *testing.T, name string) (all []map[string]string) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if l, ok := n.(*ast.CompositeLit); ok {
				all = append(all, literals(l, name)...)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// literals returns the fields of l, or of its elements if it is a map, if they are of that type.
func literals(l *ast.CompositeLit, name string) (all []map[string]string) {
	if m, ok := l.Type.(*ast.MapType); ok && isTrouble(m.Value, name) {
		for _, e := range l.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if value, ok := kv.Value.(*ast.CompositeLit); ok {
					all = append(all, fields(value))
				}
			}
		}
		return all
	}
	if isTrouble(l.Type, name) && len(l.Elts) > 0 {
		return []map[string]string{fields(l)}
	}
	return nil
}

func isTrouble(e ast.Expr, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "trouble"
}

func fields(l *ast.CompositeLit) map[string]string {
	f := make(map[string]string)
	for _, e := range l.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := kv.Key.(*ast.Ident)
		switch v := kv.Value.(type) {
		case *ast.BasicLit:
			f[key.Name], _ = strconv.Unquote(v.Value)
		case *ast.Ident:
			f[key.Name] = v.Name
		case *ast.SelectorExpr:
			f[key.Name] = v.Sel.Name
		}
	}
	return f
}
