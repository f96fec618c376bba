package publish

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The drawing in docs/design.md has just the states that the code has.
func TestStatesAreThoseOfTheDesign(t *testing.T) {
	doc, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	_, drawing, found := strings.Cut(string(doc), "    ------------          ------------------------------           ----------\n")
	if !found {
		t.Fatal("docs/design.md has no drawing of a chunk's states")
	}
	drawing, _, _ = strings.Cut(drawing, "\n\n")
	var drawn [3][]string
	for line := range strings.Lines(drawing) {
		line = fmt.Sprintf("%-80s", strings.TrimRight(line, "\n"))
		for i, column := range []string{line[4:26], line[26:36], line[67:]} {
			if name := strings.TrimSpace(strings.Split(column, "(")[0]); name != "" {
				drawn[i] = append(drawn[i], name)
			}
		}
	}
	var states [3][]string
	for d := diskUnknown; d <= diskGone; d++ {
		states[0] = append(states[0], d.String())
	}
	for _, b := range []belief{{}, {state: bucketHas}, {other: true}, {state: bucketLost}, {inDoubt: true}} {
		states[1] = append(states[1], b.String())
	}
	for w := idle; w <= inFlight; w++ {
		states[2] = append(states[2], w.String())
	}
	if fmt.Sprint(drawn) != fmt.Sprint(states) {
		t.Errorf("docs/design.md draws\n%q, and the code has\n%q", drawn, states)
	}
}
