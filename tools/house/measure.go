package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A house is what a checkout has, by the directories of the packages.
type house struct {
	packages map[string]*pkg
}

type pkg struct {
	files     []file
	types     map[string]ast.Expr
	functions []function
	imports   map[string]bool
}

type file struct {
	name  string
	lines int
}

type function struct {
	name       string
	at         string // file:line
	complexity int
}

// A size counts the fields of a struct; all: with those of the structs of its package that it has
// as values in it.
type size struct{ fields, bools, allFields, allBools int }

// measure reads all Go files below dir, except tests, the tools, and what is not code of the module.
func measure(dir string) (*house, error) {
	h := &house{packages: map[string]*pkg{}}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch name := d.Name(); {
		case d.IsDir() && rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || rel == "tools"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return h.add(rel, source)
	})
	if err == nil && len(h.packages) == 0 {
		return nil, fmt.Errorf("%s has no Go files", dir)
	}
	return h, err
}

func (h *house) add(name string, source []byte) error {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	p := h.packages[dir]
	if p == nil {
		p = &pkg{types: map[string]ast.Expr{}, imports: map[string]bool{}}
		h.packages[dir] = p
	}
	p.files = append(p.files, file{name, bytes.Count(source, []byte("\n"))})
	for _, i := range parsed.Imports {
		p.imports[strings.Trim(i.Path.Value, `"`)] = true
	}
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.functions = append(p.functions, function{dir + "." + nameOf(d), set.Position(d.Pos()).String(), complexity(d)})
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if t, ok := s.(*ast.TypeSpec); ok {
					p.types[t.Name.Name] = t.Type
				}
			}
		}
	}
	return nil
}

func (p *pkg) lines() (n int) {
	for _, f := range p.files {
		n += f.lines
	}
	return n
}

// size returns that of a type of the package, if it is a struct.
func (p *pkg) size(name string) (size, bool) {
	s, ok := p.types[name].(*ast.StructType)
	if !ok {
		return size{}, false
	}
	return p.sizeOf(s), true
}

func (p *pkg) sizeOf(s *ast.StructType) (n size) {
	for _, f := range s.Fields.List {
		count := max(1, len(f.Names)) // an embedded field has no name
		inner := size{allFields: 1}
		switch t := f.Type.(type) {
		case *ast.Ident:
			if t.Name == "bool" {
				inner.bools, inner.allBools = 1, 1
			} else if nested, ok := p.size(t.Name); ok {
				inner.allFields, inner.allBools = nested.allFields, nested.allBools
			}
		case *ast.StructType:
			nested := p.sizeOf(t)
			inner.allFields, inner.allBools = nested.allFields, nested.allBools
		}
		n.fields += count
		n.bools += count * inner.bools
		n.allFields += count * inner.allFields
		n.allBools += count * inner.allBools
	}
	return n
}

// nameOf returns the name of a function, or Type.name of a method.
func nameOf(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		case *ast.Ident:
			return u.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

// complexity is the cyclomatic one: 1, and 1 for each branch.
func complexity(d *ast.FuncDecl) int {
	n := 1
	ast.Inspect(d, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil { // default is no branch
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}
