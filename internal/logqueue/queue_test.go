package logqueue

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A file takes what take allows, and keeps it. It belongs to the queue until that has ended.
type file struct {
	bytes.Buffer
	take func(line []byte) (int, error)
}

func (f *file) Write(line []byte) (int, error) {
	n, err := f.take(line)
	f.Buffer.Write(line[:n])
	return n, err
}

func whole(line []byte) (int, error) { return len(line), nil }

func notice(dropped int) []byte { return fmt.Appendf(nil, "%d dropped\n", dropped) }

func TestLinesArriveWholeAndInOrder(t *testing.T) {
	f := &file{take: whole}
	q := New(f, notice)
	line := []byte("x\n")
	for c := byte('a'); c <= 'z'; c++ {
		line[0] = c // the caller uses its memory again
		q.Write(line)
	}
	if !q.Close(time.Minute) {
		t.Error("not all is written")
	}
	if got := strings.ReplaceAll(f.String(), "\n", ""); got != "abcdefghijklmnopqrstuvwxyz" {
		t.Errorf("written: %q", got)
	}
}

// A reader that stalls blocks no writer, costs bounded memory, and finds the number of lines that
// are missing where they are missing.
func TestStalledReaderFindsHowManyLinesAreMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		f := &file{take: func(line []byte) (int, error) { <-goOn; return len(line), nil }}
		q := New(f, notice)
		line := []byte(strings.Repeat("x", 1<<20-1) + "\n")
		for range 10 {
			q.Write(line)
		}
		synctest.Wait()
		for range 5 {
			q.Write([]byte("y\n")) // there is room for these
		}
		if held := len(q.entries); q.bytes > maxBytes || held > 10 {
			t.Errorf("%d bytes in %d entries are held", q.bytes, held)
		}
		close(goOn)
		synctest.Wait()
		q.Write([]byte("z\n"))
		if !q.Close(time.Second) {
			t.Error("not all is written")
		}
		got := strings.ReplaceAll(f.String(), string(line), "X")
		// The first of the ten had left the queue or not when the others came.
		if got != "XXX7 dropped\ny\ny\ny\ny\ny\nz\n" && got != "XXXX6 dropped\ny\ny\ny\ny\ny\nz\n" {
			t.Errorf("written: %q", got)
		}
	})
}

// Close ends although the reader never reads again.
func TestCloseDoesNotWaitForAStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		q := New(&file{take: func(line []byte) (int, error) { <-goOn; return len(line), nil }}, notice)
		q.Write([]byte("x\n"))
		began := time.Now()
		if q.Close(3 * time.Second) {
			t.Error("all is written, it says")
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		q.Write([]byte("after the end\n"))
		close(goOn) // for the test's sake: no goroutine may stay in it
		<-q.ended
	})
}

// A file that fails, as on a full disk or a broken pipe, loses lines and says so when it is back.
func TestFailuresAreCountedAndReported(t *testing.T) {
	for name, err := range map[string]error{"broken pipe": syscall.EPIPE, "full disk": syscall.ENOSPC, "closed": io.ErrClosedPipe} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &file{take: whole}
				q := New(f, notice)
				q.Write([]byte("before\n"))
				synctest.Wait()
				f.take = func(line []byte) (int, error) { return len("tor"), err }
				q.Write([]byte("torn\n"))
				synctest.Wait()
				f.take = func([]byte) (int, error) { return 0, err }
				q.Write([]byte("lost\n"))
				synctest.Wait()
				f.take = whole
				q.Write([]byte("after\n"))
				if !q.Close(time.Second) || f.String() != "before\ntor\n2 dropped\nafter\n" {
					t.Errorf("written: %q", f.String())
				}
			})
		})
	}
}

// A file that would block is written when it does not any more, from where it stopped.
func TestFileThatWouldBlockGetsTheRestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		f := &file{take: func(line []byte) (int, error) {
			if calls++; calls < 4 {
				return 1, syscall.EAGAIN
			}
			return len(line), nil
		}}
		q := New(f, notice)
		q.Write([]byte("a line\n"))
		if !q.Close(time.Second) || f.String() != "a line\n" {
			t.Errorf("written: %q", f.String())
		}
	})
}

func TestManyWritersLoseNothing(t *testing.T) {
	f := &file{take: whole}
	q := New(f, notice)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 1000 {
				q.Write([]byte("a line\n"))
			}
		})
	}
	writers.Wait()
	if !q.Close(time.Minute) || f.String() != strings.Repeat("a line\n", 8000) {
		t.Errorf("%d bytes of %d are written", f.Len(), 7*8000)
	}
}
