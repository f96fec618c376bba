package dash

import (
	"fmt"
	"strings"
	"testing"
)

// Each attribute is compared with those before it: as many as fit into an MPD would take hours.
func TestAttributesAreBounded(t *testing.T) {
	own := string(written(t, 0, 0, 2).Bytes())
	with := func(count int) []byte {
		var attrs strings.Builder
		for n := range count {
			fmt.Fprintf(&attrs, ` a%d=""`, n)
		}
		return []byte(strings.Replace(own, "<AdaptationSet", "<AdaptationSet"+attrs.String(), 1))
	}
	if _, err := Parse(with(maxAttrs)); err != nil {
		t.Error(err)
	}
	if _, err := Parse(with(maxAttrs + 1)); err == nil {
		t.Error("more attributes than the limit pass")
	}
}
