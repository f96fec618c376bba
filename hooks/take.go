package hooks

import (
	"context"
	"fmt"
	"time"

	"ems-sidecar/emsapi"
)

// sourceVariable is the variable of an order that has the source for which it was given.
const sourceVariable = "source"

// A take is what is known of the path of an order: it serves one source, and one output of it. EMS names
// files by what is on the disk, and there the former ones may have been deleted: a path that is used
// twice gives two recordings one name.
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

// give orders a recording into a new path. The source may be "": then it waits for its stream.
func (r *recorder) give(ctx context.Context, name, source string) (made emsapi.Recording, err error) {
	order, s := r.order(name, source), r.state(name)
	s.take = take{order.PathToFile, source} // also without an answer: it may have been accepted
	if made, err = r.api.Record(ctx, order); err == nil {
		s.ordered = time.Now()
	}
	return made, err
}

// renew replaces an order by one with a new path. It returns when to go on if that fails.
func (r *recorder) renew(ctx context.Context, o *emsapi.Recording, source, why string) (again time.Duration) {
	if !r.remove(ctx, o, why) {
		return orderTakes
	}
	name := o.LocalStreamName
	made, err := r.give(ctx, name, source)
	switch {
	case ctx.Err() != nil:
	case r.diary.did(err) != nil:
		return r.failed(r.state(name), name, err)
	default:
		r.diary.log.Debug("recording has a new path", shown(name), "file", made.ComputedPathToFile, "config", made.ConfigID)
	}
	return 0
}
