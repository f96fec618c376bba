package emstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/media"
)

// An order is one of listConfig.
type order struct {
	kind      string // the list of listConfig that has it: pull, push, record, process, or one of outputs
	id        uint32
	name      string // localStreamName
	values    object // as the API has them
	keepAlive bool
	status    status
	previous  status
	since     time.Time
	before    time.Time
	stream    *stream // that it has now
	returns   bool    // record: its source has ended since the last look for those that come back
	from      string  // pull and push: the other host
	target    string  // and the name there
	pushed    uint32  // push: the id of the stream that it sends
	added     time.Time
}

type status struct {
	code        int
	description string
}

var (
	statusStreaming    = status{0, "Streaming"}
	statusConnecting   = status{1, "Connecting"}
	statusWaiting      = status{2, "Waiting for stream"}
	statusConnected    = status{3, "Connected"}
	statusDisconnected = status{4, "Disconnected"}
	statusFailed       = status{5, "Connection failed"}
)

const (
	playerAgent = "EvoStream Media Server (www.evostream.com) player"
	pusherAgent = "EvoStream Media Server (www.evostream.com)"
)

func (o *order) set(st status) {
	if st == statusStreaming && o.status != statusConnected && o.kind != "record" {
		o.set(statusConnected)
	}
	o.previous, o.before = o.status, o.since
	o.status, o.since = st, time.Now()
	if o.kind == "record" && st == statusStreaming { // as the server has it
		o.previous, o.before = o.status, o.since
	}
}

// add gives an order its id.
func (s *Server) add(o *order) {
	s.nextConfig++
	o.id, o.values["configId"] = s.nextConfig, s.nextConfig
	o.set(statusConnecting)
	o.added = time.Now()
	s.orders = append(s.orders, o)
}

func (s *Server) remove(o *order) {
	s.orders = slices.DeleteFunc(s.orders, func(other *order) bool { return other == o })
	for _, st := range slices.Clone(s.run.streams) {
		if st.order == o {
			s.end(st)
		}
	}
}

func (s *Server) ordered(o *order) bool { return slices.Contains(s.orders, o) }

// retry begins an order with keepAlive again, and drops another; that of a push stays, with its
// status.
func (s *Server) retry(o *order, seconds float64) {
	switch {
	case !s.ordered(o):
	case o.keepAlive:
		s.after(seconds, func() {
			if s.ordered(o) && o.stream == nil {
				s.begin(o)
			}
		})
	case o.kind != "push":
		s.remove(o)
	}
}

// begin carries out an order as far as that is possible now.
func (s *Server) begin(o *order) {
	switch o.kind {
	case "pull":
		s.pull(o)
		return
	case "process":
		return
	}
	in := s.live(o.name)
	if in == nil || in.phantom {
		o.set(statusWaiting)
		return
	}
	switch o.kind {
	case "push":
		s.push(o, in)
	case "record":
		s.record(o, in)
	default:
		typ := "OF" + strings.ToUpper(o.kind)
		s.start(&stream{typ: typ, name: o.name, order: o, in: in}, typ)
		if o.kind == "dash" {
			s.writeInitSegments(o)
		}
	}
}

// writeInitSegments starts two streams that look like recordings: DASH's init segments are made by
// what writes those.
func (s *Server) writeInitSegments(o *order) {
	for _, track := range []string{"audio", "video"} {
		settings := object{
			"chunkLength":        o.values["chunkLength"],
			"computedPathToFile": fmt.Sprintf("%s//%s/198000/seg_init.mp4", o.values["targetFolder"], track),
		}
		st := s.start(&stream{typ: "OFMP4", name: "segInitwriter", phantom: true,
			values: object{"recordSettings": settings}}, "segInitwriter")
		s.soon(func() { s.end(st) })
	}
}

// listConfig is what the command of that name answers.
func (s *Server) listConfig() object {
	all := object{"metalistener": []any{}, "webrtc": []any{}}
	kinds := []string{"pull", "push", "record", "process"}
	for _, f := range media.Formats() {
		if list := media.EMS.Traits(f).API.List; list != "" {
			kinds = append(kinds, list)
		}
	}
	for _, kind := range kinds {
		list := []any{}
		for _, o := range s.orders {
			if o.kind == kind && time.Since(o.added).Seconds() >= s.settings.Lag*s.settings.Second.Seconds() {
				list = append(list, o.listed())
			}
		}
		all[kind] = list
	}
	return all
}

// listed is the order as listConfig and getConfigInfo have it.
func (o *order) listed() object {
	v := clone(o.values)
	if o.kind == "record" {
		delete(v, "mp4BinPath")
	}
	status := object{"current": o.state(o.status, o.since), "previous": o.state(o.previous, o.before)}
	if o.kind == "record" && o.status == statusWaiting && o.previous == statusConnecting {
		status["previous"] = nil
	}
	v["status"] = status
	return v
}

// settings are those that a stream has of its order.
func (o *order) settings() object {
	v := clone(o.values)
	if o.kind == "push" {
		v["localUniqueStreamId"] = o.pushed
	}
	return v
}

// addFolders adds what the settings of DASH and MSS have when they have been carried out.
func (o *order) addFolders(settings object) {
	if o.kind != "dash" && o.kind != "mss" {
		return
	}
	folder := settings["targetFolder"].(string) + "/"
	settings["targetFolder"] = folder
	if o.kind == "dash" {
		settings["isAutoDASH"] = nil
		folder += "/"
	} else {
		maps.Copy(settings, object{"isAutoMSS": nil, "lookahead": 2, "audioBitrate": nil, "videoBitrate": nil})
	}
	settings["audioFolder"], settings["videoFolder"] = folder+"audio/198000/", folder+"video/198000/"
}

func (o *order) state(st status, since time.Time) object {
	id := uint32(0)
	if st == statusStreaming && o.stream != nil {
		id = o.stream.id
	}
	return object{"code": st.code, "description": st.description, "timestamp": max(0, since.Unix()), "uniqueStreamId": id}
}

// Config returns what listConfig lists.
func (s *Server) Config() (cfg emsapi.Config) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	decode(s.listConfig(), &cfg)
	return cfg
}
