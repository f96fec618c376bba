package media

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// A recording is a file in testdata that EMS wrote, and what it means.
type recording struct {
	file string
	want Manifest
	uris []string
}

// testRecordings also checks that no beginning of a file passes for whole: EMS truncates in place.
func testRecordings(t *testing.T, dir string, parse func([]byte) (Manifest, error), recordings []recording) {
	for _, r := range recordings {
		t.Run(r.file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("../testdata", dir, r.file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if u := uris(got); !reflect.DeepEqual(u, r.uris) {
				t.Errorf("references %q, want %q", u, r.uris)
			}
			checkNames(t, got)
			checkStops(t, got)
			got.references = nil
			if !reflect.DeepEqual(got, r.want) {
				t.Errorf("got %+v, want %+v", got, r.want)
			}
			// A line end behind the last tag says nothing.
			for n := range len(bytes.TrimSpace(b)) {
				if _, err := parse(b[:n]); !errors.Is(err, ErrIncomplete) {
					t.Errorf("the first %d of %d bytes: %v, want an error that wraps ErrIncomplete", n, len(b), err)
				}
			}
		})
	}
}

// A malformed input is not parsed; incomplete says whether the rest of it may still come.
type malformed struct {
	text       string
	incomplete bool
}

func testMalformed(t *testing.T, parse func([]byte) (Manifest, error), inputs map[string]malformed) {
	for name, c := range inputs {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(c.text))
			if err == nil {
				t.Fatal("passes")
			}
			if errors.Is(err, ErrIncomplete) != c.incomplete {
				t.Errorf("%v: incomplete is %v, want %v", err, !c.incomplete, c.incomplete)
			}
		})
	}
}
