package hooks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
)

// localStreamName is the variable that has the name of a stream as its publisher chose it.
const localStreamName = "localStreamName"

// A recorder has every inbound stream recorded. Its orders have keepAlive=1, so that the server goes on by itself when a
// stream comes back: each time that one is gone, its order is replaced by one that waits with a new path.
type recorder struct {
	api     *emsapi.Client
	config  *config.Recorder
	keep    time.Duration // how long the order of a stream that is gone is kept
	diary   *diary
	states  map[string]*recordingState // by the stream's name
	silent  bool                       // the server did not answer in this pass
	stamped time.Time                  // the last time that is in a path
}

// recordingState is what became of the order to record one stream.
type recordingState struct {
	take     take
	ordered  time.Time
	failures int
	next     time.Time // not before
	refused  bool      // it cannot be ordered at all
	gone     time.Time // when the stream was first found missing
	stopped  int       // how often its order was found to record nothing
}

const (
	firstRecord = time.Second
	lastRecord  = 30 * time.Second
)

func newRecorder(api *emsapi.Client, c *config.Recorder, keep time.Duration, d *diary) *recorder {
	if strings.ContainsAny(c.FileLocation, " \t") {
		d.log.Warn("file_location has a blank in it", "file_location", c.FileLocation,
			"next", "EMS cannot finish mp4 recordings there; set another directory, or type = ts")
	}
	return &recorder{api: api, config: c, keep: keep, diary: d, states: make(map[string]*recordingState)}
}

func (r *recorder) act(ctx context.Context, v *view) (again time.Duration) {
	r.silent = false
	orders := make(map[string][]*emsapi.Recording)
	for i := range v.config.Record {
		o := &v.config.Record[i]
		orders[o.LocalStreamName] = append(orders[o.LocalStreamName], o)
	}
	outputs := outputsOf(v)
	live := make(map[string]bool)
	for _, s := range v.inbound() {
		if ctx.Err() != nil {
			return 0
		}
		live[s.Name] = true
		if !r.silent {
			again = sooner(again, r.see(ctx, v, s, orders[s.Name], outputs))
		}
	}
	for name := range r.states {
		if !live[name] && len(orders[name]) == 0 {
			delete(r.states, name)
			r.diary.over("record " + name)
		}
	}
	for name, of := range orders {
		if !live[name] && !r.silent {
			again = sooner(again, r.forget(ctx, name, of))
		}
	}
	if !r.silent {
		again = sooner(again, r.rotate(ctx, v))
	}
	if r.silent {
		again = sooner(again, firstRetry)
	}
	return again
}

// isOurs reports whether the order is one of ours, also of an earlier run and other settings.
func (r *recorder) isOurs(o *emsapi.Recording) bool { return o.Variables[mark] == r.diary.plugin }

func (r *recorder) state(name string) *recordingState {
	s := r.states[name]
	if s == nil {
		s = &recordingState{}
		r.states[name] = s
	}
	return s
}

// see sees to it that there is one order for a live stream, with a path of its own.
func (r *recorder) see(ctx context.Context, v *view, in *emsapi.Stream, orders []*emsapi.Recording,
	outputs map[uint32][]*emsapi.Stream) (again time.Duration) {
	name, source := in.Name, sourceOf(in.ProcessID, in.ID)
	s := r.state(name)
	s.gone = time.Time{}
	standing := false
	for _, o := range slices.Backward(orders) { // the newest first
		switch {
		case !r.isOurs(o) && o.PathToFile != r.basePath(name):
		case !r.isOurs(o):
			standing = true
		case standing || !r.isCurrent(o) || s.take.path != "" && s.take.path != o.PathToFile:
			if !r.remove(ctx, o, "it is not as the config wants it") {
				return orderTakes // before it is gone, another one would be a second recording
			}
		default:
			standing = true
			switch s.take.look(o, outputs[o.ConfigID]) {
			case takeTwice:
				r.diary.count("double")
				r.diary.log.Warn("EMS records the stream twice at once", shown(name), "file", o.ComputedPathToFile,
					"config", o.ConfigID, "next", "both end, and it is recorded into new files; those of the last seconds may be broken")
				again = r.renew(ctx, o, source, "EMS recorded it twice")
			case takeUsed:
				again = r.renew(ctx, o, source, "the stream came back, and its files get new names")
			default:
				r.watch(s, o)
			}
		}
	}
	now := time.Now()
	switch {
	case again > 0: // the new order was not taken
		return again
	case standing:
		s.failures = 0
		return 0
	case s.refused:
		return 0
	case now.Before(s.next):
		return s.next.Sub(now)
	case !s.ordered.IsZero() && v.asked.Sub(s.ordered) < orderTakes:
		return orderTakes
	}
	made, err := r.give(ctx, name, source)
	if ctx.Err() != nil {
		return 0
	}
	if r.diary.did(err) == nil {
		r.diary.log.Info("stream is recorded", shown(name), "file", made.ComputedPathToFile, "config", made.ConfigID)
		if r.diary.over(unwritable) {
			r.diary.log.Info("EMS can record again", "file_location", r.config.FileLocation)
		}
		r.diary.over("record " + name)
		return 0
	}
	return r.failed(s, name, err)
}

// watch says that an order records nothing although its stream lives.
func (r *recorder) watch(s *recordingState, o *emsapi.Recording) {
	if o.Status != emsapi.Disconnected && o.Status != emsapi.ConnectionFailed {
		if s.stopped > 0 && r.diary.over("stopped "+o.LocalStreamName) {
			r.diary.log.Info("stream is recorded again", shown(o.LocalStreamName))
		}
		s.stopped = 0
		return
	}
	if s.stopped++; s.stopped > 1 && r.diary.first("stopped "+o.LocalStreamName) {
		r.diary.count("failed")
		r.diary.log.Error("stream is not recorded, although EMS has the order", shown(o.LocalStreamName), "file", o.ComputedPathToFile, "config", o.ConfigID,
			"next", "EMS tries again when the stream comes back; see whether the directory is there, may be written and has room")
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

// unwritable is the trouble that all streams have at once.
const unwritable = "directory"

// failed notes that an order was not accepted, and returns after what time it is given again.
func (r *recorder) failed(s *recordingState, name string, err error) time.Duration {
	if errors.Is(err, emsapi.ErrValue) {
		s.refused = true
		r.diary.log.Warn("stream cannot be recorded", shown(name), "err", err,
			"next", "it is left out; have it published under another name")
		return 0
	}
	wait := backoff(s.failures, firstRecord, lastRecord)
	s.failures++
	s.next = time.Now().Add(wait)
	f := (*emsapi.Failure)(nil)
	switch {
	case !errors.As(err, &f):
		r.silent = true
		s.ordered = time.Now() // it may have been accepted all the same
		if r.diary.first("record " + name) {
			r.diary.log.Warn("stream is not recorded", shown(name), "err", err, "next", "it is tried again")
		}
	case f.Description == "Unable to record stream":
		if r.diary.first(unwritable) {
			r.diary.log.Error("EMS cannot record into the directory: it is missing there, or EMS must not write to it",
				"file_location", r.config.FileLocation, shown(name), "err", err,
				"next", "no stream is recorded until then; create the directory and let the user that EMS runs as write to it")
		}
	case r.diary.first("record " + name):
		r.diary.log.Error("EMS refuses to record the stream", shown(name), "err", err, "next", "it is tried again")
	}
	return wait
}

// forget has the order of a stream that is gone wait with a new path, and removes it after a while: names are the
// publishers' to choose, and their orders would pile up. A stream that comes back sooner is recorded by the server itself.
func (r *recorder) forget(ctx context.Context, name string, orders []*emsapi.Recording) (again time.Duration) {
	s := r.state(name)
	for _, o := range orders {
		if !r.isOurs(o) {
			continue
		}
		if s.gone.IsZero() {
			s.gone = time.Now()
		}
		left := r.keep - time.Since(s.gone)
		switch {
		case r.silent:
		case left <= 0:
			r.remove(ctx, o, "the stream has ended")
		case s.take.path != "" && s.take.path != o.PathToFile:
			r.remove(ctx, o, "another one has taken its place")
		case !s.take.isFresh(o):
			again = sooner(left, r.renew(ctx, o, "", "the stream has ended, and its next files get new names"))
		default:
			again = sooner(again, left)
		}
	}
	return again
}

func (r *recorder) remove(ctx context.Context, o *emsapi.Recording, why string) bool {
	if !r.done(ctx, r.api.RemoveConfig(ctx, o.ConfigID), "recording cannot be removed", shown(o.LocalStreamName), "config", o.ConfigID) {
		return false
	}
	r.diary.log.Info("recording removed", shown(o.LocalStreamName), "config", o.ConfigID, "why", why)
	return true
}

// done reports whether an action succeeded, and logs it if that is new trouble.
func (r *recorder) done(ctx context.Context, err error, trouble string, attributes ...any) bool {
	if r.diary.did(err) == nil {
		r.diary.over(trouble)
		return true
	}
	r.silent = r.silent || unanswered(err)
	if ctx.Err() == nil && r.diary.first(trouble) {
		r.diary.log.Warn(trouble, append(attributes, "err", err, "next", "it is tried again at the next look, as others are")...)
	}
	return false
}
