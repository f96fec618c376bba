package publish

import (
	"reflect"
	"testing"
)

// There is one for each chunk on the disk. Go gives out memory in sizes, of which this is one.
func TestFileIsSmall(t *testing.T) {
	if size := reflect.TypeFor[file]().Size(); size > 576 {
		t.Errorf("a file takes %d bytes, want at most 576", size)
	}
}
