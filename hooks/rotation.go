package hooks

import (
	"context"
	"errors"
	"strconv"
	"time"

	"ems-sidecar/emsapi"
)

// uniqueID is the variable of a timer that has the id of the recording's stream.
const uniqueID = "uniqueId"

const (
	// timerLate is how long after its time a timer counts as fired although no event said so.
	timerLate = 2 * time.Second
	// restartTakes is how long the server takes to begin the next file of a recording.
	restartTakes = time.Second
	// timerAgain is when a timer that was refused is set again.
	timerAgain = 10 * time.Second
)

// rotate has recordings that are as long as a file may be go on in another file. A server that
// knows chunkLength needs none of this. Of the others, each recording has one timer; what is there is asked each time, so
// that neither a lost event nor a kill leaves a timer behind, or a recording without one.
func (r *recorder) rotate(ctx context.Context, v *view) (again time.Duration) {
	if r.config.Period == 0 {
		return 0
	}
	ours := make(map[uint32]*emsapi.Recording)
	for i := range v.config.Record {
		if o := &v.config.Record[i]; r.isOurs(o) && !o.Chunked {
			ours[o.ConfigID] = o
		}
	}
	if len(ours) == 0 {
		return 0
	}
	timers, err := r.api.ListTimers(ctx)
	if err != nil {
		r.done(ctx, err, "timers cannot be listed")
		return timerAgain
	}
	r.diary.over("timers cannot be listed")
	recording := make(map[uint32]*emsapi.Stream)
	for i := range v.streams {
		if s := &v.streams[i]; s.Record != nil && ours[s.Record.ConfigID] != nil &&
			r.state(s.Name).take.path == ours[s.Record.ConfigID].PathToFile { // not replaced in this pass
			recording[s.ID] = s
		}
	}
	timed := make(map[uint32]bool)
	for _, t := range timers {
		if t.Variables[mark] != r.diary.plugin || r.silent {
			continue
		}
		id, _ := strconv.ParseUint(t.Variables[uniqueID], 10, 32)
		s := recording[uint32(id)]
		if s != nil && t.Triggered == 0 && !timed[s.ID] && r.left(s) > 0 && t.Seconds <= int(r.config.Period/time.Second) {
			timed[s.ID] = true
			again = sooner(again, r.left(s)+timerLate)
			continue
		}
		if r.removeTimer(ctx, t) && s != nil && t.Triggered > 0 && !timed[s.ID] {
			r.end(ctx, s, ours[s.Record.ConfigID])
			timed[s.ID] = true
			again = sooner(again, restartTakes)
		}
	}
	for id, s := range recording {
		if !timed[id] && !r.silent {
			again = sooner(again, r.limit(ctx, s, ours[s.Record.ConfigID]))
		}
	}
	return again
}

// left is how long the recording may still go on.
func (r *recorder) left(s *emsapi.Stream) time.Duration { return max(0, r.config.Period-age(s)) }

// limit gives a recording its timer, or ends it if it is over its time.
func (r *recorder) limit(ctx context.Context, s *emsapi.Stream, o *emsapi.Recording) (again time.Duration) {
	left := r.left(s)
	if left < time.Second {
		r.end(ctx, s, o)
		return restartTakes
	}
	timer := emsapi.Timer{
		Seconds:   int((left + time.Second - 1) / time.Second),
		Variables: emsapi.Variables{mark: r.diary.plugin, uniqueID: strconv.FormatUint(uint64(s.ID), 10)},
	}
	if _, err := r.api.SetTimer(ctx, timer); !r.done(ctx, err, "recording has no timer", shown(s.Name)) {
		return timerAgain
	}
	return left + timerLate
}

// end has a recording go on in its next file, which has a path of its own, too.
func (r *recorder) end(ctx context.Context, s *emsapi.Stream, o *emsapi.Recording) {
	r.renew(ctx, o, sourceOf(s.ProcessID, s.InStreamID), "its file is as long as it may be")
}

func (r *recorder) removeTimer(ctx context.Context, t emsapi.Timer) bool {
	err := r.api.RemoveTimer(ctx, t.ID)
	if f := (*emsapi.Failure)(nil); errors.As(err, &f) {
		return true // it is gone already
	}
	return r.done(ctx, err, "timer cannot be removed", "timer", t.ID)
}
