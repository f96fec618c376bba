package hooks

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/internal/trouble"
)

// uniqueID is the variable of a timer that has the id of the recording's stream.
const uniqueID = "uniqueId"

const (
	// timerLate is how long after its time a timer counts as fired although no event said so.
	timerLate = 2 * time.Second
	// restartTakes is how long the server takes to begin the next file of a recording.
	restartTakes = time.Second
	// timerAgain is the pause before a timer that was refused is set again.
	timerAgain = 10 * time.Second
)

// rotate has recordings that are as long as a file may be go on in another file. A server that
// knows chunkLength needs none of this. Of the others, each recording has one timer. The timers are
// listed each time, so that neither a lost event nor a kill leaves a timer behind, or a recording
// without one. There is an error if the server does not answer.
func (r *recorder) rotate(ctx context.Context, v *view) (again time.Duration, err error) {
	ours := r.uncut(v)
	if r.config.Period == 0 || len(ours) == 0 {
		return 0, nil
	}
	timers, err := r.api.ListTimers(ctx)
	if err != nil {
		return timerAgain, silence(r.report(ctx, err, timersUnlisted))
	}
	r.diary.End(timersUnlisted, trouble.At{})
	recording := make(map[uint32]*emsapi.Stream)
	for i := range v.streams {
		if s := &v.streams[i]; s.Record != nil && ours[s.Record.ConfigID] != nil &&
			r.stream(s.Name).take.path == ours[s.Record.ConfigID].PathToFile { // not replaced in this pass
			recording[s.ID] = s
		}
	}
	timed := make(map[uint32]bool)
	for _, t := range timers {
		if t.Variables[mark] != r.diary.plugin {
			continue
		}
		id, _ := strconv.ParseUint(t.Variables[uniqueID], 10, 32)
		s := recording[uint32(id)]
		if s != nil && t.Triggered == 0 && !timed[s.ID] && r.remaining(s) > 0 &&
			t.Seconds <= int(r.config.Period/time.Second) {
			timed[s.ID] = true
			again = sooner(again, r.remaining(s)+timerLate)
			continue
		}
		switch err := r.removeTimer(ctx, t); {
		case isUnanswered(err):
			return again, err
		case err == nil && s != nil && t.Triggered > 0 && !timed[s.ID]:
			timed[s.ID] = true
			wait, err := r.end(ctx, s, ours[s.Record.ConfigID])
			if again = sooner(again, wait); err != nil {
				return again, err
			}
		}
	}
	for id, s := range recording {
		if timed[id] {
			continue
		}
		wait, err := r.limit(ctx, s, ours[s.Record.ConfigID])
		if again = sooner(again, wait); err != nil {
			return again, err
		}
	}
	return again, nil
}

// uncut returns our orders that the server does not cut into files itself, by their ids.
func (r *recorder) uncut(v *view) map[uint32]*emsapi.Recording {
	uncut := make(map[uint32]*emsapi.Recording)
	for i := range v.config.Record {
		if o := &v.config.Record[i]; r.isOurs(o) && !o.Chunked {
			uncut[o.ConfigID] = o
		}
	}
	return uncut
}

// remaining is how long the recording may still go on.
func (r *recorder) remaining(s *emsapi.Stream) time.Duration { return max(0, r.config.Period-age(s)) }

// limit gives a recording its timer, or ends it if it is over its time.
func (r *recorder) limit(ctx context.Context, s *emsapi.Stream, o *emsapi.Recording) (again time.Duration, err error) {
	left := r.remaining(s)
	if left < time.Second {
		return r.end(ctx, s, o)
	}
	_, err = r.api.SetTimer(ctx, emsapi.Timer{
		Seconds:   int((left + time.Second - 1) / time.Second),
		Variables: emsapi.Variables{mark: r.diary.plugin, uniqueID: strconv.FormatUint(uint64(s.ID), 10)},
	})
	if r.report(ctx, err, timerMissing, shown(s.Name)) != nil {
		return timerAgain, silence(err)
	}
	r.diary.did(slog.LevelDebug, "recording has a timer", shown(s.Name), "seconds", int(left.Seconds()))
	return left + timerLate, nil
}

// end has a recording go on in its next file, which has a path of its own, too.
func (r *recorder) end(ctx context.Context, s *emsapi.Stream, o *emsapi.Recording) (again time.Duration, err error) {
	next := wish[string, session]{o.LocalStreamName, session{sourceOf(s.ProcessID, s.InStreamID), true}}
	again, err = r.orders.replace(ctx, next, removal[*emsapi.Recording]{o, "its file is as long as it may be"})
	return sooner(again, restartTakes), err
}

func (r *recorder) removeTimer(ctx context.Context, t emsapi.Timer) error {
	err := r.api.RemoveTimer(ctx, t.ID)
	if f := (*emsapi.Failure)(nil); errors.As(err, &f) {
		return nil // there is none with this id: it is gone already
	}
	if err == nil {
		r.diary.did(slog.LevelDebug, "timer removed", "timer", t.ID)
	}
	return r.report(ctx, err, timerStays, "timer", t.ID)
}

// silence returns err if it says that the server did not answer, and else nil.
func silence(err error) error {
	if isUnanswered(err) {
		return err
	}
	return nil
}
