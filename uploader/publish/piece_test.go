package publish

import "testing"

func TestNamesOfPiecesAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		PieceName("g/s/cam-1.m4s", 1<<40, "0123456789ab"): true,
		PieceName("all", 0, "0123456789ab"):               true,
		"g/s/all.m4s":                                     false,
		"g/s/all-0.m4s":                                   false,
		"g/s/all-x-0123456789ab.m4s":                      false,
		"g/s/all-0-0123456789.m4s":                        false,
		"g/s/all-0-0123456789xy.m4s":                      false,
		"0123456789ab":                                    false,
	} {
		if isPiece(name) != want {
			t.Errorf("%s is a piece: %t", name, !want)
		}
	}
}
