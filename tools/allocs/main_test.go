package main

import (
	"maps"
	"strings"
	"testing"
)

func TestTableIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	want := map[string]int{"./a B/one": 3, "./a B/two_2": 0, "./b C": 1200}
	got, err := parse(format(want))
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parse("./a B\n"); err == nil {
		t.Error("a row without a number is accepted")
	}
}

func TestMoreAllocationsAreAnError(t *testing.T) {
	t.Parallel()
	before := map[string]int{"./a A": 100, "./a Gone": 1}
	for name, test := range map[string]struct {
		now  map[string]int
		want string
	}{
		"more":        {map[string]int{"./a A": 114, "./a Gone": 1}, "./a A allocates 114 times"},
		"another one": {map[string]int{"./a A": 100, "./a Gone": 1, "./a New": 1}, "./a New is not in the table"},
		"one less":    {map[string]int{"./a A": 100}, "./a Gone is in the table"},
		"as before":   {map[string]int{"./a A": 113, "./a Gone": 0}, ""},
	} {
		err := compare(before, test.now)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
