package main

import (
	"testing"
)

const source = `package p

import "os"

type work int

type inner struct {
	a, b bool
	c    *inner
}

type outer struct {
	inner
	first, second inner
	d             bool
	e             struct{ f bool }
	g             work
	h             map[string]bool
}

func (o *outer) simple() {}

func (o outer) branched(c chan int) {
	if o.d && o.a || o.b {
		for range 3 {
			switch o.g {
			case 1, 2:
			default:
			}
		}
	}
	select {
	case <-c:
	default:
	}
	func() {
		for {
			os.Exit(1)
		}
	}()
}

func free[T any]() {}
`

func TestWhatAReaderHasToHoldIsCounted(t *testing.T) {
	h := &house{packages: map[string]*pkg{}}
	if err := h.add("p/p.go", []byte(source)); err != nil {
		t.Fatal(err)
	}
	p := h.packages["p"]
	if len(p.types) != 3 || !p.imports["os"] || len(p.imports) != 1 || p.lines() != 43 {
		t.Errorf("%d types, imports %v, %d lines", len(p.types), p.imports, p.lines())
	}
	if s, ok := p.size("outer"); !ok || s != (size{fields: 7, bools: 1, allFields: 13, allBools: 8}) {
		t.Errorf("outer is %+v, %v", s, ok)
	}
	if s, ok := p.size("inner"); !ok || s != (size{3, 2, 3, 2}) {
		t.Errorf("inner is %+v, %v", s, ok)
	}
	if s, ok := p.size("work"); ok {
		t.Errorf("work is no struct, and %+v", s)
	}
	want := []function{
		{"p.outer.simple", "p/p.go:21:1", 1},
		{"p.outer.branched", "p/p.go:23:1", 8},
		{"p.free", "p/p.go:43:1", 1},
	}
	for i, f := range p.functions {
		if i >= len(want) || f != want[i] {
			t.Errorf("function %d is %v", i, f)
		}
	}
	if len(p.functions) != len(want) {
		t.Errorf("%d functions, want %d", len(p.functions), len(want))
	}
}
