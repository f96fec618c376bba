package hooks

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
)

// localStreamName is the variable that has the name of a stream as its publisher chose it.
const localStreamName = "localStreamName"

// A recorder has every inbound stream recorded. Its orders have keepAlive=1, so that the server
// goes on by itself when a stream comes back: each time that one is gone, its order is replaced by
// one that waits with a new path.
type recorder struct {
	api     *emsapi.Client
	config  *config.Recorder
	keep    time.Duration // how long the order of a stream that is gone is kept
	diary   *diary
	orders  *reconciler[string, session, *emsapi.Recording] // by the stream's name
	streams map[string]*recorded
	stamped time.Time // the last time that is in a path
}

// A session is what is to be recorded: one life of a stream, or its next one.
type session struct {
	source string // "": the order waits for its stream
	renews bool   // it replaces an order
}

// Recorded is what is known of one stream beside its order.
type recorded struct {
	take    take
	gone    time.Time // when the stream was first found missing
	stopped int       // how often its order was found to record nothing
}

func newRecorder(api *emsapi.Client, c *config.Recorder, keep time.Duration, d *diary, j backoff.Jitter) *recorder {
	if strings.ContainsAny(c.FileLocation, " \t") {
		d.log.Warn("file_location contains a space", "file_location", c.FileLocation,
			"next", "EMS cannot finish mp4 recordings there; set another directory, or type = ts")
	}
	r := &recorder{api: api, config: c, keep: keep, diary: d, streams: make(map[string]*recorded)}
	r.orders = newReconciler(r, pace{
		first: time.Second, most: 30 * time.Second, taken: 30 * time.Second, away: lastRetry,
		unwanted: "the stream has ended",
	}, j)
	return r
}

func (r *recorder) act(ctx context.Context, v *view) (again time.Duration) {
	live := make(map[string]session)
	var wishes []wish[string, session]
	for _, s := range v.inbound() {
		live[s.Name] = session{source: sourceOf(s.ProcessID, s.ID)}
		wishes = append(wishes, wish[string, session]{s.Name, live[s.Name]})
	}
	orders, waiting, again := r.find(v, live)
	wishes = append(wishes, waiting...)
	renewed := make(map[string]bool)
	for _, o := range orders {
		renewed[o.key] = renewed[o.key] || o.condition == spent
	}
	for i, w := range wishes {
		wishes[i].want.renews = renewed[w.key]
	}
	wait, err := r.orders.reconcile(ctx, wishes, func(context.Context) (listing[string, *emsapi.Recording], error) {
		return listing[string, *emsapi.Recording]{v.asked, orders}, nil
	})
	again = sooner(again, wait)
	if err == nil {
		wait, err = r.rotate(ctx, v)
		if again = sooner(again, wait); err != nil {
			wait, _ = r.orders.unanswered(ctx, err) // rotate has told of it
			again = sooner(again, wait)
		}
	}
	return again
}

// find returns the orders to record that the server has, the newest first, those to wait for
// streams that are gone, and when one of these is no longer kept.
func (r *recorder) find(v *view, live map[string]session) (orders []found[string, *emsapi.Recording],
	waiting []wish[string, session], again time.Duration) {
	outputs := outputsOf(v)
	standing := make(map[string]bool)
	for i := range slices.Backward(v.config.Record) {
		o := &v.config.Record[i]
		name := o.LocalStreamName
		_, lives := live[name]
		f := found[string, *emsapi.Recording]{key: name, order: o, ours: r.isOurs(o)}
		switch {
		case f.ours && lives:
			r.stream(name).gone = time.Time{}
			f.condition, f.why = r.compare(o, outputs[o.ConfigID])
		case f.ours:
			left := r.left(name)
			f.condition, f.why = r.compareWaiting(o)
			if left > 0 && !standing[name] {
				waiting = append(waiting, wish[string, session]{key: name})
				again = sooner(again, left)
			}
		case !lives || o.PathToFile != r.basePath(name):
			continue
		}
		standing[name] = true
		orders = append(orders, f)
	}
	for name := range r.streams {
		if _, lives := live[name]; !lives && !standing[name] {
			delete(r.streams, name)
			r.diary.Forget(recordsNothing, trouble.At{Stream: name})
		}
	}
	return orders, waiting, again
}

// isOurs reports whether the order is one of ours, also of an earlier run and other settings.
func (r *recorder) isOurs(o *emsapi.Recording) bool { return o.Variables[mark] == r.diary.plugin }

func (r *recorder) stream(name string) *recorded {
	s := r.streams[name]
	if s == nil {
		s = &recorded{}
		r.streams[name] = s
	}
	return s
}

// compare says how an order of ours for a live stream is doing.
func (r *recorder) compare(o *emsapi.Recording, outputs []*emsapi.Stream) (_ condition, why string) {
	s := r.stream(o.LocalStreamName)
	if !r.isCurrent(o) || s.take.path != "" && s.take.path != o.PathToFile {
		return stale, "it is not as the config wants it"
	}
	switch s.take.look(o, outputs) {
	case takeTwice:
		r.diary.Report(recordedTwice, trouble.At{Stream: o.LocalStreamName}, "file", o.ComputedPathToFile,
			"config", o.ConfigID, "next", "both end, and new files begin; those of the last seconds may be broken")
		return spent, "EMS recorded it twice"
	case takeUsed:
		return spent, "the stream came back, and its files get new names"
	}
	r.watch(s, o)
	return works, ""
}

// compareWaiting says how an order of ours for a stream that is gone is doing.
func (r *recorder) compareWaiting(o *emsapi.Recording) (_ condition, why string) {
	switch s := r.stream(o.LocalStreamName); {
	case s.take.path != "" && s.take.path != o.PathToFile:
		return stale, "another one has taken its place"
	case !s.take.isFresh(o):
		return spent, "the stream has ended, and its next files get new names"
	}
	return works, ""
}

// left returns how long the order of a stream that is gone is kept: names are the publishers' to
// choose, and their orders would pile up. The server itself records a stream that comes back
// sooner.
func (r *recorder) left(name string) time.Duration {
	s := r.stream(name)
	if s.gone.IsZero() {
		s.gone = time.Now()
	}
	return r.keep - time.Since(s.gone)
}

// watch tells of an order that records nothing although its stream lives.
func (r *recorder) watch(s *recorded, o *emsapi.Recording) {
	if o.Status != emsapi.Disconnected && o.Status != emsapi.ConnectionFailed {
		r.diary.End(recordsNothing, trouble.At{Stream: o.LocalStreamName})
		s.stopped = 0
		return
	}
	s.stopped++
	if s.stopped > 1 {
		r.diary.Begin(recordsNothing, trouble.At{Stream: o.LocalStreamName},
			"file", o.ComputedPathToFile, "config", o.ConfigID, "next", "EMS tries again when the stream comes back",
			"hint", "check that the directory exists, that EMS may write to it, and that it has room")
	}
}

// basePath is the path into which a stream is recorded, before what tells its recordings apart.
func (r *recorder) basePath(name string) string {
	return pathIn(r.config.FileLocation, fileName(name, isWindowsPath(r.config.FileLocation)))
}

// order is what is wanted for a stream, with a new path.
func (r *recorder) order(name, source string) emsapi.Recording {
	o := emsapi.Recording{
		LocalStreamName: name,
		PathToFile:      r.freshPath(name),
		Type:            r.config.Type,
		ChunkLength:     int(r.config.Period / time.Second),
		KeepAlive:       true,
		Variables:       emsapi.Variables{mark: r.diary.plugin, localStreamName: name},
	}
	if source != "" {
		o.Variables[sourceVariable] = source
	}
	return o
}

func (r *recorder) isCurrent(o *emsapi.Recording) bool {
	return isOf(o.PathToFile, r.basePath(o.LocalStreamName)) && o.Type == r.config.Type &&
		(!o.Chunked || o.ChunkLength == int(r.config.Period/time.Second))
}

// create orders a recording into a new path. Without a source it waits for its stream.
func (r *recorder) create(ctx context.Context, name string, of session, _ int) error {
	wanted := r.order(name, of.source)
	r.stream(name).take = take{wanted.PathToFile, of.source} // also without an answer: EMS may have accepted it
	began := time.Now()
	made, err := r.api.Record(ctx, wanted)
	r.diary.asked(began, r.api, "record", name, order(made.ConfigID), err)
	if err != nil {
		return err
	}
	level, message := slog.LevelInfo, "stream is recorded"
	if of.renews {
		level, message = slog.LevelDebug, "recording has a new path"
	}
	r.diary.did(level, message, shown(name), "file", made.ComputedPathToFile, "config", made.ConfigID)
	r.diary.End(unwritable, trouble.At{}, "file_location", r.config.FileLocation)
	return nil
}

func (r *recorder) failed(name string, _ session, err error) {
	at := trouble.At{Stream: name}
	f := (*emsapi.Failure)(nil)
	switch {
	case errors.Is(err, emsapi.ErrValue):
		r.diary.Report(notRecordable, at, "err", err, "next", "it is left out; publish it under another name")
	case !errors.As(err, &f):
		r.diary.Begin(notRecorded, at, "err", err, "next", "it is tried again")
	case f.Description != "Unable to record stream":
		r.diary.Begin(recordRefused, at, "err", err, "next", "it is tried again")
	default:
		r.diary.Begin(unwritable, trouble.At{}, "file_location", r.config.FileLocation, shown(name), "err", err,
			"next", "it is tried again; no stream is recorded until then",
			"hint", "create the directory and let the user that EMS runs as write to it")
	}
}

func (r *recorder) recovered(name string, _ session, _ phase) {
	r.diary.End(notRecorded, trouble.At{Stream: name})
	r.diary.End(recordRefused, trouble.At{Stream: name})
}

func (r *recorder) forget(name string) {
	r.diary.Forget(notRecorded, trouble.At{Stream: name})
	r.diary.Forget(recordRefused, trouble.At{Stream: name})
}

func (r *recorder) remove(ctx context.Context, o *emsapi.Recording, why string) error {
	began := time.Now()
	err := r.api.RemoveConfig(ctx, o.ConfigID)
	r.diary.asked(began, r.api, "removeConfig", o.LocalStreamName, order(o.ConfigID), err)
	if err == nil {
		r.diary.did(slog.LevelInfo, "recording removed", shown(o.LocalStreamName), "config", o.ConfigID, "why", why)
	}
	return r.report(ctx, err, recordingStays, shown(o.LocalStreamName), "config", o.ConfigID)
}

// report reports that a condition holds, if err is not nil, or that it has ended, and returns err.
func (r *recorder) report(ctx context.Context, err error, c trouble.Condition, attributes ...any) error {
	if err == nil {
		r.diary.End(c, trouble.At{})
	} else if ctx.Err() == nil {
		r.diary.Begin(c, trouble.At{}, append(attributes, "err", err,
			"next", "this and others like it are tried again at the next look")...)
	}
	return err
}
