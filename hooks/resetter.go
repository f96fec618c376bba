package hooks

import (
	"context"
	"errors"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/hooks/events"
)

// A resetter ends transcodes whose audio or video stopped. Whoever ordered the transcode starts it anew.
type resetter struct {
	api   *emsapi.Client
	video bool
	diary *diary
	stops chan stop
}

const (
	// resetPause is the least time between two resets of one stream.
	resetPause = 10 * time.Second
	// resetTries is how often a reset is tried while the server does not answer: the report may not come again.
	resetTries = 3
	// resetWithin is how long a report counts: later, something else may have the id.
	resetWithin = 10 * time.Second
	// maxStops bounds the reports that wait.
	maxStops = 256
)

// A stop is a report that a feed stopped.
type stop struct {
	events.Event
	at time.Time
}

func newResetter(api *emsapi.Client, video bool, d *diary) *resetter {
	return &resetter{api: api, video: video, diary: d, stops: make(chan stop, maxStops)}
}

// stopped takes in one report. It does not block.
func (r *resetter) stopped(e events.Event) {
	if e.Type == "videoFeedStopped" && !r.video {
		return
	}
	if e.StreamID == 0 {
		if r.diary.first("no id") {
			r.diary.log.Warn("report of a stopped feed has no id", "event", e.Type, shown(e.Name), "next", "nothing is reset")
		}
		return
	}
	select {
	case r.stops <- stop{e, time.Now()}:
	default:
		r.diary.count("dropped")
		if r.diary.first("full") {
			r.diary.log.Warn("more feeds stop than can be reset", "event", e.Type, shown(e.Name), "id", e.StreamID,
				"next", "the server's next report counts")
		}
	}
}

// run resets one stream after the other until ctx ends.
func (r *resetter) run(ctx context.Context) {
	type id struct {
		process int64
		stream  uint32
	}
	recent := make(map[id]time.Time)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-r.stops:
			now := time.Now()
			for k, at := range recent {
				if now.Sub(at) >= resetPause {
					delete(recent, k)
				}
			}
			key := id{e.ProcessID, e.StreamID}
			if _, ok := recent[key]; ok {
				continue
			}
			recent[key] = now
			r.reset(ctx, e)
		}
	}
}

func (r *resetter) reset(ctx context.Context, e stop) {
	var err error
	f := (*emsapi.Failure)(nil)
	for try := range resetTries {
		if time.Since(e.at) > resetWithin {
			if err == nil {
				err = errors.New("it waited for too long")
			}
			break
		}
		err = r.diary.did(r.shutdown(ctx, e))
		if err == nil || errors.As(err, &f) || errors.Is(err, errOther) || try == resetTries-1 {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second << try):
		}
	}
	log := r.diary.log.With("event", e.Type, shown(e.Name), "id", e.StreamID)
	switch {
	case err == nil:
		r.diary.over("full")
		log.Info("stream reset")
	case ctx.Err() != nil:
	case f != nil || errors.Is(err, errOther):
		log.Warn("stream cannot be reset", "err", err, "next", "nothing: it has most likely ended by itself")
	default:
		log.Error("stream cannot be reset", "err", err, "next", "nothing until the server reports it again; shut the stream down by hand")
	}
}

var errOther = errors.New("another stream has the id now")

// shutdown ends the stream that was reported, and no other: a server that was started anew counts its streams from 1.
func (r *resetter) shutdown(ctx context.Context, e stop) error {
	s, err := r.api.StreamInfoByID(ctx, e.StreamID)
	if err != nil {
		return err
	}
	if e.ProcessID != 0 && s.ProcessID != e.ProcessID || e.Name != "" && s.Name != e.Name {
		return errOther
	}
	return r.api.ShutdownStream(ctx, e.StreamID, true)
}
