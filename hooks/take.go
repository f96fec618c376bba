package hooks

import (
	"fmt"
	"time"

	"ems-sidecar/emsapi"
)

// sourceVariable is the variable of an order that has the source for which it was given.
const sourceVariable = "source"

// A take is what is known of the path of an order: it serves one source, and one output of it. EMS
// names files by what is on the disk, and there the former ones may have been deleted: a path that
// is used twice gives two recordings one name.
type take struct {
	path   string
	source string // that was recorded into it; "": none yet
}

// sourceOf names one life of an inbound stream. The server counts from 1 at each start.
func sourceOf(process int64, id uint32) string { return fmt.Sprintf("%d.%d", process, id) }

// A takeState says what is to be done about an order that stands.
type takeState uint8

const (
	takeFits  takeState = iota
	takeUsed            // its path has served another source before
	takeTwice           // EMS records it into two outputs at once
)

// look compares a take with the outputs that its order has now.
func (t *take) look(o *emsapi.Recording, outputs []*emsapi.Stream) takeState {
	if t.path != o.PathToFile { // of an earlier run
		*t = take{o.PathToFile, o.Variables[sourceVariable]}
	}
	if len(outputs) > 1 {
		return takeTwice
	}
	for _, out := range outputs {
		if out.InStreamID == 0 {
			continue // not known yet
		}
		source := sourceOf(out.ProcessID, out.InStreamID)
		if t.source == "" {
			t.source = source
		}
		if t.source != source {
			return takeUsed
		}
	}
	return takeFits
}

// isFresh reports whether the order waits for a stream with a path that was never used.
func (t *take) isFresh(o *emsapi.Recording) bool { return t.path == o.PathToFile && t.source == "" }

// outputsOf returns the outputs that each order to record has now, by its id.
func outputsOf(v *view) map[uint32][]*emsapi.Stream {
	outputs := make(map[uint32][]*emsapi.Stream)
	for i := range v.streams {
		if s := &v.streams[i]; s.Record != nil && s.Record.ConfigID != 0 {
			outputs[s.Record.ConfigID] = append(outputs[s.Record.ConfigID], s)
		}
	}
	return outputs
}

// freshPath returns a path for a stream that no recording ever had, before its extension.
func (r *recorder) freshPath(name string) string {
	at := time.Now()
	if next := r.stamped.Add(time.Millisecond); at.Before(next) {
		at = next
	}
	r.stamped = at
	return r.basePath(name) + stamp(at)
}
