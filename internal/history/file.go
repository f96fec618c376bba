package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxLine is the longest line that is read: more than the longest that is written.
const maxLine = 16 << 10

// Load reads the events of an earlier run from the file, of JSON lines. Lines that are no events,
// such as one that was cut short, are left out. That there is no file is no error. It is called
// before all else.
func (h *History) Load(file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer f.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := bufio.NewReaderSize(f, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		var e Event
		if err == nil && json.Unmarshal(line, &e) == nil && e.ID > h.last() {
			h.events = append(h.events, e)
			h.trim()
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull): // the rest of a line that is too long is no event
			return fmt.Errorf("history: %w", err)
		}
	}
}

// Keep writes events to the file as they come, until ctx ends and those before it are written. When
// the file has twice as many events as are kept, it is written again. failed is told of the first
// of several failures in a row; Keep goes on, and the events stay in memory.
func (h *History) Keep(ctx context.Context, file string, failed func(error)) {
	k := keeper{file: file}
	well := true
	for {
		last := ctx.Err() != nil
		events, more := h.Since(k.written)
		err := k.write(events, h)
		if err != nil && well {
			failed(fmt.Errorf("history: %w", err))
		}
		well = err == nil
		if last {
			return
		}
		select {
		case <-ctx.Done():
		case <-more:
		}
	}
}

// A keeper writes a history to a file.
type keeper struct {
	file    string
	written uint64 // the ID of the last event in the file
	lines   int    // in the file; 0: it is written as a whole
}

func (k *keeper) write(events []Event, h *History) error {
	if len(events) == 0 {
		return nil
	}
	whole := k.lines == 0 || k.lines+len(events) > 2*Max
	if whole {
		events, _ = h.Since(0)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, e := range events {
		if err := encoder.Encode(e); err != nil {
			return err
		}
	}
	var err error
	if whole {
		err = replace(k.file, text.Bytes())
		k.lines = 0
	} else {
		err = add(k.file, text.Bytes())
	}
	if err != nil {
		k.lines = 0 // the file may have half of it
		return err
	}
	k.lines += len(events)
	k.written = events[len(events)-1].ID
	return nil
}

// replace writes a new file and renames it over the old one.
func replace(file string, content []byte) error {
	next := file + ".new"
	if err := os.WriteFile(next, content, 0o640); err != nil {
		return err
	}
	return os.Rename(next, file)
}

// add appends to the file.
func add(file string, content []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
