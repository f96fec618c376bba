package s3store

import (
	"io"
	"strings"
	"testing"
)

// Each sum takes processor time: only those that are needed are computed.
func TestOnlyNeededSumsAreComputed(t *testing.T) {
	section := io.NewSectionReader(strings.NewReader("content"), 0, 7)
	for n := range summers {
		got, payload, err := sumOnce(t.Context(), section, need{md5: n.md5, crc32: n.crc32}, n.payload)
		if err != nil {
			t.Fatal(err)
		}
		if computed := (need{got.md5 != "", got.crc32 != "", payload != ""}); computed != n {
			t.Errorf("computed %+v, needed %+v", computed, n)
		}
	}
}
