// Package logqueue puts a bounded queue between a program and the file that takes its log, so that
// logging never blocks: not on a full pipe, not on a disk that hangs. What does not fit is dropped,
// counted, and reported where it is missing. It knows nothing of what a line says.
package logqueue

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

const (
	// againAfter is how long a file that would block is left alone. Another process may have made
	// the pipe that it shares with us non-blocking.
	againAfter = 50 * time.Millisecond
)

// A Queue is an io.Writer of whole lines. Create it with New, end it with Close.
type Queue struct {
	file   io.Writer
	notice func(dropped int) []byte
	ended  chan struct{} // closed when nothing is written any more

	queueing sync.Mutex // guards what follows
	entries  []entry
	bytes    int
	closed   bool
	more     chan struct{} // capacity 1: entries or closed has changed
}

// An entry is a line, or a gap: how many lines are missing here.
type entry struct {
	line    []byte
	dropped int
}

// New returns a queue that writes to file from a goroutine of its own. The notice is the line that
// stands for dropped ones; it is asked for on that goroutine.
func New(file io.Writer, notice func(dropped int) []byte) *Queue {
	q := &Queue{file: file, notice: notice, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	go q.run()
	return q
}

// Write queues a copy of line, or drops it. It never blocks and never fails: there is no one whom a
// program could tell that its log is gone. It may be called from any goroutine, also after Close.
func (q *Queue) Write(line []byte) (int, error) {
	q.queueing.Lock()
	defer q.queueing.Unlock()
	switch cost := len(line) + overhead; {
	case q.closed:
		return len(line), nil
	case q.bytes+cost <= maxBytes:
		q.bytes += cost
		q.entries = append(q.entries, entry{line: append([]byte(nil), line...)})
	case len(q.entries) > 0 && q.entries[len(q.entries)-1].line == nil:
		q.entries[len(q.entries)-1].dropped++
	default:
		q.entries = append(q.entries, entry{dropped: 1})
	}
	q.wake()
	return len(line), nil
}

// Close waits until all that is queued is written, for limit at most, and reports whether it is. A
// write that blocks for longer is left to the end of the process, as nothing can end it.
func (q *Queue) Close(limit time.Duration) bool {
	q.queueing.Lock()
	q.closed = true
	q.wake()
	q.queueing.Unlock()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-q.ended:
		return true
	case <-late.C:
		return false
	}
}

// wake is called with queueing held.
func (q *Queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// next waits for an entry. It reports false when there will be none.
func (q *Queue) next() (entry, bool) {
	for {
		q.queueing.Lock()
		if len(q.entries) > 0 {
			e := q.entries[0]
			q.entries[0] = entry{}
			q.entries = q.entries[1:]
			if e.line != nil {
				q.bytes -= len(e.line) + overhead
			}
			q.queueing.Unlock()
			return e, true
		}
		closed := q.closed
		q.queueing.Unlock()
		if closed {
			return entry{}, false
		}
		<-q.more
	}
}

func (q *Queue) run() {
	defer close(q.ended)
	w := lineWriter{file: q.file}
	dropped := 0
	for {
		e, ok := q.next()
		if !ok {
			return
		}
		dropped += e.dropped
		if dropped > 0 && w.write(q.notice(dropped)) {
			dropped = 0
		}
		if e.line != nil && (dropped > 0 || !w.write(e.line)) {
			dropped++
		}
	}
}

// A lineWriter writes whole lines, as far as the file takes them.
type lineWriter struct {
	file io.Writer
	torn bool // the file ends within a line
}

// write reports whether the file has the line. Why not is of no use: there is no other place to say
// it.
func (w *lineWriter) write(line []byte) bool {
	if w.torn {
		line = append([]byte("\n"), line...)
	}
	for {
		n, err := w.file.Write(line)
		if n > 0 {
			w.torn = n < len(line)
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return err == nil
		}
		line = line[n:]
		time.Sleep(againAfter)
	}
}
