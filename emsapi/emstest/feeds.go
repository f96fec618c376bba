package emstest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A feed is the audio or the video that a publisher sends.
type feed struct {
	never    bool          // it sends none
	stopped  bool          // it has stopped sending it
	until    time.Duration // for how long it was sent before that
	reported int64         // packets at the server's last look; -1: it did not look yet
}

// feedKinds are the feeds of a stream, in this order in stream.feeds, with their packets in a
// second.
var feedKinds = [...]struct {
	name      string
	perSecond int64
}{{"audio", 43}, {"video", 25}}

// feedLook is how many of its seconds pass between two looks of the server at the packet counts.
const feedLook = 10

// lookAtFeeds reports each feed whose packet count stands still, also one that was never there.
func (s *Server) lookAtFeeds() {
	for _, st := range slices.Clone(s.run.streams) {
		if !st.inbound() {
			continue
		}
		for i, kind := range feedKinds {
			f, n := &st.feeds[i], s.packets(st, i)
			if f.reported == n {
				s.emit(kind.name+"FeedStopped", object{"id": st.id, "localStreamName": st.name})
			}
			f.reported = n
		}
	}
	s.after(feedLook, s.lookAtFeeds)
}

// publisherOf returns the stream of the encoder from which a copy comes.
func publisherOf(st *stream) *stream {
	for range 8 { // servers may pull in a ring
		if st.peer == nil || st.peer.in == nil {
			break
		}
		st = st.peer.in
	}
	return st
}

// sent is for how long an inbound stream has had a feed.
func (st *stream) sent(kind int, now time.Time) time.Duration {
	f := &publisherOf(st).feeds[kind]
	switch {
	case f.never || !st.pictures:
		return 0
	case f.stopped:
		return f.until
	}
	return st.fed(now)
}

func (s *Server) packets(st *stream, kind int) int64 {
	return st.sent(kind, time.Now()).Milliseconds() * feedKinds[kind].perSecond / 1000
}

// describeFeeds adds what a stream says of its audio and video, which are those of its source.
func (st *stream) describeFeeds(v object, source *stream, now time.Time) {
	maps.Copy(v, shapes["noMedia"])
	if source == nil || !source.pictures {
		return
	}
	for i, kind := range feedKinds {
		if publisherOf(source).feeds[i].never {
			continue
		}
		sent := min(source.sent(i, now), now.Sub(st.created)).Milliseconds()
		v[kind.name] = feedJSON(kind.name, 1+sent*25, sent*kind.perSecond/1000) // 200 kbit/s
	}
}

// mediaShape is the audio or video of all streams around the two counts. It is encoded once,
// because a list has many.
type mediaShape struct{ between, after string }

var mediaShapes = func() map[string]mediaShape {
	all := make(map[string]mediaShape)
	for kind, v := range shape("media") {
		rest, ok := strings.CutPrefix(string(encode(v)), `{"bytesCount":0`)
		between, after, found := strings.Cut(rest, `"packetsCount":0`)
		if !ok || !found {
			panic("the shape of " + kind)
		}
		all[kind] = mediaShape{between + `"packetsCount":`, after}
	}
	return all
}()

// feedJSON encodes what a stream says of its audio or video.
func feedJSON(kind string, bytes, packets int64) json.RawMessage {
	m := mediaShapes[kind]
	out := append(strconv.AppendInt([]byte(`{"bytesCount":`), bytes, 10), m.between...)
	return append(strconv.AppendInt(out, packets, 10), m.after...)
}

// StopAudio has the encoder send no more audio, and go on with the rest.
func (p *Published) StopAudio() { p.stop(0) }

// StopVideo has the encoder send no more video, and go on with the rest.
func (p *Published) StopVideo() { p.stop(1) }

func (p *Published) stop(kind int) {
	p.server.network.running.Lock()
	defer p.server.network.running.Unlock()
	f := &p.stream.feeds[kind]
	f.until, f.stopped = p.stream.sent(kind, time.Now()), true
}

// transcode makes the order of a transcode. It runs no program: tests publish what that would send.
func (s *Server) transcode(p params) answer {
	destinations := p.list("destinations")
	switch {
	case len(p.all) == 0:
		return fail("Syntax error. No parameters provided")
	case p.text("source") == "":
		return fail("Syntax error. Parameter source is invalid")
	case len(destinations) == 0:
		return fail("Syntax error. Parameter destinations is invalid")
	}
	o := &order{kind: "process", name: p.text("source"), keepAlive: p.flag("keepAlive", true)}
	var names []any
	for _, d := range destinations {
		names = append(names, d)
	}
	o.values = object{ // as in EvoStream's documentation
		"destinations": names, "targetStreamNames": names, "emsTargetStreamName": destinations[len(destinations)-1],
		"dstUriPrefix": "-f flv tcp://localhost:6666/", "srcUriPrefix": "rtsp://localhost:5544/",
		"fullBinaryPath": "/usr/bin/emsTranscoder.sh", "groupName": or(p.text("groupName"), "transcoded_group"),
		"keepAlive": o.keepAlive, "localStreamName": "", "operationType": 8, "source": p.text("source"),
	}
	maps.Copy(o.values, p.variables())
	s.add(o)
	o.set(statusStreaming)
	return succeed("Transcoding successfully started.", clone(o.values))
}
