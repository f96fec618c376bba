package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/hooks/events"
	"ems-sidecar/internal/trouble"
)

// A resetter ends transcodes of which the audio or video stopped, so that the server or the
// operator's program starts them again.
//
// An event is only a hint: EMS reports each feed that stands still, also the sound of a camera
// without a microphone, and anyone who reaches the endpoint can post one. What counts is what two
// looks at the server tell. So a lost event costs one interval.
type resetter struct {
	api    *emsapi.Client
	config *config.Resetter
	diary  *diary

	hinting  sync.Mutex
	hinted   bool // an event came since the last look
	hintedAt time.Time

	streams map[streamKey]*watched
	resets  []reset         // of the last resetWindow, oldest first
	failing map[string]bool // names of the streams for which resetFails holds
}

const (
	// feedStands is how long a feed stands still before its stream is reset: as long as EMS itself
	// waits before it reports one.
	feedStands = 10 * time.Second
	// betweenHints is the least time between two looks that events ask for: EMS reports a camera
	// without sound each 10 s, for ever.
	betweenHints = 5 * time.Second
)

// A streamKey is one life of a stream. The server counts from 1 at each start.
type streamKey struct {
	process int64
	id      uint32
}

// watched is what the last look told of the feeds of a stream.
type watched struct{ audio, video still }

// still is since when a feed has the same number of packets.
type still struct {
	packets uint64
	since   time.Time
}

type reset struct {
	name string
	at   time.Time
}

func newResetter(api *emsapi.Client, c *config.Resetter, d *diary) *resetter {
	return &resetter{api: api, config: c, diary: d, streams: make(map[streamKey]*watched), failing: make(map[string]bool)}
}

// stopped notes a report that a feed stopped, and reports whether the server is to be looked at for
// it. It does not block.
func (r *resetter) stopped(e events.Event) bool {
	if e.Type == videoFeedStopped && !r.config.Video {
		return false
	}
	r.hinting.Lock()
	defer r.hinting.Unlock()
	if time.Since(r.hintedAt) < betweenHints {
		return false
	}
	r.hinted, r.hintedAt = true, time.Now()
	return true
}

func (r *resetter) takeHint() bool {
	r.hinting.Lock()
	defer r.hinting.Unlock()
	hinted := r.hinted
	r.hinted = false
	return hinted
}

func (r *resetter) act(ctx context.Context, v *view) (again time.Duration) {
	stuck, again := r.look(v, r.takeHint(), time.Now())
	r.forget(stuck)
	for _, s := range stuck {
		if ctx.Err() != nil {
			return 0
		}
		if left := r.rate(s.Name, time.Now()); left > 0 {
			again = sooner(again, left)
		} else if r.reset(ctx, s) {
			r.resets = append(r.resets, reset{s.Name, time.Now()})
		} else {
			again = sooner(again, firstRetry)
		}
	}
	return again
}

// look compares what the server has now with the looks before. It returns the streams that are to
// be reset, and when the next look tells more; 0: there is nothing to find out.
func (r *resetter) look(v *view, hinted bool, now time.Time) (stuck []stuckStream, again time.Duration) {
	seen := make(map[streamKey]*watched)
	outputs := transcodesOf(v)
	for i := range v.streams {
		s := &v.streams[i]
		if !s.Inbound() || isCopy(s) {
			continue
		}
		key := streamKey{s.ProcessID, s.ID}
		w := r.streams[key]
		if w == nil {
			w = &watched{}
		}
		seen[key] = w
		transcode := outputs[s.Name] || fromTranscoder(s) || r.isNamed(s.Name)
		feeds, left := r.standing(s, w, v.asked, now)
		if transcode && (hinted || left < feedStands) {
			again = sooner(again, left)
		}
		switch {
		case feeds == "":
		case transcode:
			stuck = append(stuck, stuckStream{s, feeds})
		default:
			r.diary.Begin(leftAlone, trouble.At{}, shown(s.Name), "feed", feeds, "next", "it is left alone",
				"hint", "name it with token if it is to be reset")
		}
	}
	r.streams = seen
	return stuck, again
}

// forget forgets the failed resets of streams that have ended or go on.
func (r *resetter) forget(stuck []stuckStream) {
	for name := range r.failing {
		if !slices.ContainsFunc(stuck, func(s stuckStream) bool { return s.Name == name }) {
			r.diary.Forget(resetFails, trouble.At{Stream: name})
			delete(r.failing, name)
		}
	}
}

// standing returns which feeds of a stream stand still, such as "audio+video", and how long it is
// until that is known of another one, if it goes on so; 0: no other one can.
func (r *resetter) standing(s *emsapi.Stream, w *watched, asked, now time.Time) (feeds string, left time.Duration) {
	var names []string
	for _, f := range []struct {
		name  string
		feed  emsapi.Feed
		still *still
		on    bool
	}{{"audio", s.Audio, &w.audio, true}, {"video", s.Video, &w.video, r.config.Video}} {
		stands, remaining := f.still.look(f.feed, asked, now)
		switch {
		case !f.on || f.feed.Packets == 0 || strings.HasSuffix(f.feed.Codec, "UNK"):
		case stands:
			names = append(names, f.name)
		default:
			left = sooner(left, remaining)
		}
	}
	return strings.Join(names, "+"), left
}

// look notes what a look told that began at asked. It reports whether the feed has stood still for
// long enough, and how long that is away if it goes on so.
func (f *still) look(feed emsapi.Feed, asked, now time.Time) (stands bool, left time.Duration) {
	if f.since.IsZero() || f.packets != feed.Packets {
		f.packets, f.since = feed.Packets, now
		return false, feedStands
	}
	left = feedStands - asked.Sub(f.since)
	return left <= 0, left
}

// A stuckStream is one that is to be reset.
type stuckStream struct {
	*emsapi.Stream
	feeds string
}

func (r *resetter) isNamed(name string) bool {
	return r.config.Token != "" && strings.Contains(name, r.config.Token)
}

// transcodesOf returns the names of the streams that transcodes of EMS make.
func transcodesOf(v *view) map[string]bool {
	names := make(map[string]bool)
	for i := range v.config.Process {
		for _, name := range v.config.Process[i].Targets {
			names[name] = true
		}
	}
	return names
}

// fromTranscoder reports whether a stream comes the way on which EMS's transcoder sends what it
// makes: FLV over TCP, from this host.
// https://docs.evostream.com/2.0/transcode.html, dstUriPrefix
func fromTranscoder(s *emsapi.Stream) bool {
	ip, err := netip.ParseAddr(s.FarIP)
	return s.Type == "INLFLV" && s.Pull == nil && err == nil && ip.Unmap().IsLoopback()
}

// isCopy reports whether a balancer ordered the stream: it is reset where it originates.
func isCopy(s *emsapi.Stream) bool { return s.Pull != nil && s.Pull.Variables[originVariable] != "" }

// rate returns how long a reset has to wait.
func (r *resetter) rate(name string, now time.Time) time.Duration {
	for len(r.resets) > 0 && now.Sub(r.resets[0].at) >= resetWindow {
		r.resets = r.resets[1:]
	}
	for _, earlier := range r.resets {
		if earlier.name == name {
			return resetWindow - now.Sub(earlier.at)
		}
	}
	if len(r.resets) >= maxResets {
		r.diary.Begin(tooManyResets, trouble.At{}, shown(name), "limit", maxResets,
			"next", "the rest is reset later", "hint", "check their source and the load of the machine")
		return resetWindow - now.Sub(r.resets[0].at)
	}
	r.diary.End(tooManyResets, trouble.At{})
	return 0
}

var errMoves = errors.New("it is another stream now, or has packets again")

// reset ends the stream if it still is the one that was seen. Its order stays: a pull with
// keepAlive begins again. It reports whether the server answered.
func (r *resetter) reset(ctx context.Context, s stuckStream) bool {
	err := r.shutdown(ctx, s)
	at, which := trouble.At{Stream: s.Name}, []any{"id", s.ID, "feed", s.feeds}
	f := (*emsapi.Failure)(nil)
	switch {
	case err == nil:
		r.diary.End(resetFails, at)
		delete(r.failing, s.Name)
		r.diary.did(slog.LevelInfo, "transcode reset: its feed stood still", append(which, shown(s.Name),
			"packets_audio", s.Audio.Packets, "packets_video", s.Video.Packets)...)
	case ctx.Err() != nil:
	case errors.As(err, &f) || errors.Is(err, errMoves):
		r.diary.Report(notReset, at, append(which, "err", err, "next", "nothing: it has ended or goes on")...)
	default:
		r.failing[s.Name] = true
		r.diary.Begin(resetFails, at, append(which, "err", err, "next", "it is tried again")...)
	}
	return !isUnanswered(err) || errors.Is(err, errMoves)
}

func (r *resetter) shutdown(ctx context.Context, s stuckStream) error {
	now, err := r.api.StreamInfoByID(ctx, s.ID)
	if err != nil {
		return err
	}
	moved := strings.Contains(s.feeds, "audio") && now.Audio.Packets != s.Audio.Packets ||
		strings.Contains(s.feeds, "video") && now.Video.Packets != s.Video.Packets
	if moved || now.ProcessID != s.ProcessID || now.Name != s.Name {
		return errMoves
	}
	began := time.Now()
	err = r.api.ShutdownStream(ctx, s.ID, false)
	r.diary.asked(began, r.api, "shutdownStream", s.Name, fmt.Sprintf("stream %d", s.ID), err)
	return err
}
