package s3store

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
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

// What waits for a processor has its turn while a long part is summed up, not only behind it.
func TestR9SumOfAPartLetsOthersHaveTheirTurn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	content := make([]byte, 8*copyBuffer)
	var turn atomic.Int64 // at which read
	body := &turningBody{ReaderAt: bytes.NewReader(content)}
	body.first = func() { go func() { turn.Store(body.reads.Load()) }() }
	section := io.NewSectionReader(body, 0, int64(len(content)))
	if _, _, err := newSummer(need{md5: true, crc32: true}).sum(t.Context(), section); err != nil {
		t.Fatal(err)
	}
	if turn.Load() == 0 {
		t.Errorf("another goroutine had no turn within %d reads", body.reads.Load())
	}
}

// A turningBody counts how often it is read, and calls first at the first time.
type turningBody struct {
	io.ReaderAt
	reads atomic.Int64
	first func()
}

func (b *turningBody) ReadAt(p []byte, at int64) (int, error) {
	if b.reads.Add(1) == 1 {
		b.first()
	}
	return b.ReaderAt.ReadAt(p, at)
}
