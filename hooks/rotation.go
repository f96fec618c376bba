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

// A timed recording is one that the server does not cut into files itself.
type timedRecording struct {
	*emsapi.Stream
	order *emsapi.Recording
}

// rotate has recordings that are as long as a file may be go on in another file. A server that
// knows chunkLength does that itself. On others, each recording has one timer. The timers are
// listed each time, so that neither a lost event nor a kill leaves a timer behind, or a recording
// without one. There is an error if the server does not answer.
func (r *recorder) rotate(ctx context.Context, v *view) (again time.Duration, err error) {
	orders := r.uncut(v)
	if r.config.Period == 0 || len(orders) == 0 {
		return 0, nil
	}
	timers, err := r.api.ListTimers(ctx)
	if err != nil {
		return timerAgain, silence(r.report(ctx, err, timersUnlisted))
	}
	r.diary.End(timersUnlisted, trouble.At{})
	recordings := r.timed(v, orders)
	for _, t := range timers {
		if t.Variables[mark] != r.diary.plugin {
			continue
		}
		id, _ := strconv.ParseUint(t.Variables[uniqueID], 10, 32)
		rec, exists := recordings[uint32(id)]
		wait, done, err := r.compareTimer(ctx, t, rec, exists)
		if again = sooner(again, wait); err != nil {
			return again, err
		}
		if done {
			delete(recordings, uint32(id))
		}
	}
	for _, rec := range recordings {
		wait, err := r.limit(ctx, rec.Stream, rec.order)
		if again = sooner(again, wait); err != nil {
			return again, err
		}
	}
	return again, nil
}

// timed returns the recordings of orders, by the ids of their streams.
func (r *recorder) timed(v *view, orders map[uint32]*emsapi.Recording) map[uint32]timedRecording {
	found := make(map[uint32]timedRecording)
	for i := range v.streams {
		s := &v.streams[i]
		if s.Record == nil {
			continue
		}
		order := orders[s.Record.ConfigID]
		if order != nil && r.stream(s.Name).take.path == order.PathToFile { // not replaced in this pass
			found[s.ID] = timedRecording{s, order}
		}
	}
	return found
}

// compareTimer compares a timer of ours with its recording, if that exists and has no other timer.
// A timer that fits stays. Others are removed, and a recording whose timer has fired goes on in its
// next file. It reports whether the recording needs nothing more.
func (r *recorder) compareTimer(ctx context.Context, t emsapi.Timer, rec timedRecording, exists bool) (
	again time.Duration, done bool, err error) {
	if exists && t.Triggered == 0 && r.remaining(rec.Stream) > 0 && t.Seconds <= int(r.config.Period/time.Second) {
		return r.remaining(rec.Stream) + timerLate, true, nil
	}
	err = r.removeTimer(ctx, t)
	if err == nil && exists && t.Triggered > 0 {
		again, err = r.end(ctx, rec.Stream, rec.order)
		return again, true, err
	}
	return 0, false, silence(err)
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
	began := time.Now()
	made, err := r.api.SetTimer(ctx, emsapi.Timer{
		Seconds:   int((left + time.Second - 1) / time.Second),
		Variables: emsapi.Variables{mark: r.diary.plugin, uniqueID: strconv.FormatUint(uint64(s.ID), 10)},
	})
	r.diary.asked(began, r.api, "setTimer", s.Name, timer(made.ID), err)
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
	began := time.Now()
	err := r.api.RemoveTimer(ctx, t.ID)
	r.diary.asked(began, r.api, "removeTimer", "", timer(t.ID), err)
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
