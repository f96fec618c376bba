package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
)

// journalSocket is where systemd's journal receives entries with fields.
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
const journalSocket = "/run/systemd/journal/socket"

// The bounds of one entry, which has to fit into a datagram: some 200 kB on Linux.
const (
	maxMessage    = 32 << 10 // bytes
	maxFields     = 48
	maxFieldName  = 64      // what the journal takes
	maxFieldValue = 2 << 10 // bytes
)

// A journalConn is the connection to the journal. One goroutine writes to it, an entry each time.
type journalConn struct {
	path string
	conn net.Conn
}

func dialJournal(path string) (*journalConn, error) {
	conn, err := net.Dial("unixgram", path)
	return &journalConn{path, conn}, err
}

// Write sends one entry. The socket of a journal that was started again is another one.
func (j *journalConn) Write(entry []byte) (int, error) {
	n, err := j.conn.Write(entry)
	if err == nil {
		return n, nil
	}
	again, dialErr := net.Dial("unixgram", j.path)
	if dialErr != nil {
		return 0, err
	}
	_ = j.conn.Close() // it sends nothing more, with or without an error
	j.conn = again
	return j.conn.Write(entry)
}

// A journalHandler writes entries for the journal. The message of an entry is the line that
// standard error would get, because journalctl shows nothing else by default. Each attribute is a
// field, too, so that journalctl STREAM=news/sport finds it.
type journalHandler struct {
	w     io.Writer
	lines slog.Handler // writes to line
	line  *heldLine    // of all handlers that come from one
	group string       // before the names of fields
	attrs []byte       // the fields of WithAttrs
	count int          // of them
}

// A heldLine is the last line that was written. It is held while an entry is made of it.
type heldLine struct {
	writing sync.Mutex
	bytes.Buffer
}

func newJournalHandler(w io.Writer, lines func(io.Writer) slog.Handler) *journalHandler {
	line := new(heldLine)
	return &journalHandler{w: w, lines: lines(line), line: line}
}

// Enabled implements slog.Handler.
func (h *journalHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.lines.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	h.line.writing.Lock()
	defer h.line.writing.Unlock()
	h.line.Reset()
	if err := h.lines.Handle(ctx, r); err != nil {
		return err
	}
	e := journalEntry{bytes: make([]byte, 0, h.line.Len()+len(h.attrs)+1024), count: h.count}
	e.write("MESSAGE", strings.TrimSuffix(h.line.String(), "\n"), maxMessage)
	e.write("PRIORITY", priorities[priorityOf(r.Level)], maxFieldValue)
	e.write("SYSLOG_IDENTIFIER", "ems-sidecar", maxFieldValue)
	e.write("MSG", r.Message, maxFieldValue)
	e.bytes = append(e.bytes, h.attrs...)
	r.Attrs(func(a slog.Attr) bool { e.add(h.group, a); return true })
	_, err := h.w.Write(e.bytes)
	return err
}

// WithAttrs implements slog.Handler.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.lines = h.lines.WithAttrs(attrs)
	e := journalEntry{bytes: bytes.Clone(h.attrs), count: h.count}
	for _, a := range attrs {
		e.add(h.group, a)
	}
	with.attrs, with.count = e.bytes, e.count
	return &with
}

// WithGroup implements slog.Handler.
func (h *journalHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.lines = h.lines.WithGroup(name)
	with.group = h.group + name + "_"
	return &with
}

// A journalEntry is an entry in the journal's own protocol.
type journalEntry struct {
	bytes []byte
	count int // fields of attributes
}

// add adds an attribute, or those of a group.
func (e *journalEntry) add(group string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "_"
		}
		for _, inner := range v.Group() {
			e.add(group, inner)
		}
		return
	}
	name := fieldName(group + a.Key)
	if name == "" || e.count >= maxFields {
		return
	}
	e.count++
	text := v.String()
	if v.Kind() == slog.KindTime {
		text = v.Time().Format(time.RFC3339Nano)
	}
	e.write(name, text, maxFieldValue)
}

// write writes a field. A value with a line break has its length before it.
func (e *journalEntry) write(name, value string, most int) {
	if len(value) > most {
		value = strings.ToValidUTF8(value[:most], "") // a character may have been cut
	}
	e.bytes = append(e.bytes, name...)
	if strings.ContainsRune(value, '\n') {
		e.bytes = append(e.bytes, '\n')
		e.bytes = binary.LittleEndian.AppendUint64(e.bytes, uint64(len(value)))
	} else {
		e.bytes = append(e.bytes, '=')
	}
	e.bytes = append(append(e.bytes, value...), '\n')
}

// fieldName returns the name of an attribute's field: the journal takes upper case, digits and _,
// and no _ or digit at the beginning. The fields that say who logs are not an attribute's.
func fieldName(key string) string {
	name := strings.TrimLeft(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, key), "_0123456789")
	switch name = name[:min(len(name), maxFieldName)]; name {
	case "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "MSG", "MESSAGE_ID":
		return ""
	}
	return name
}
