package emstest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"ems-sidecar/emsapi"
)

// A stream is one of listStreams.
type stream struct {
	server    *Server // nil: it has ended
	id        uint32
	typ       string
	name      string
	values    object // those that differ from the kind's shape, and then all
	created   time.Time
	order     *order     // that it comes from; nil: none
	in        *stream    // outbound: what it comes from
	peer      *stream    // at the other server: the outbound one that feeds this, or the inbound one that this feeds
	published *Published // by an encoder
	phantom   bool       // a pull of what is not there
	file      string     // a recording's
	part      int
}

func (st *stream) inbound() bool { return st.typ[0] == 'I' }

// start adds a stream and tells of it.
func (s *Server) start(st *stream, kind string) *stream {
	s.run.nextStream++
	st.server, st.id, st.created = s, s.run.nextStream, time.Now()
	given := st.values
	st.values = shape(kind)
	maps.Copy(st.values, given)
	s.run.streams = append(s.run.streams, st)
	if st.order != nil {
		st.order.stream = st
		st.order.set(statusStreaming)
	}
	s.emit(st.event("Created"), s.describe(st))
	if st.inbound() && !st.phantom {
		s.feed(st)
	}
	return st
}

func (st *stream) event(what string) string {
	if st.inbound() {
		return "inStream" + what
	}
	return "outStream" + what
}

// feed begins what was waiting for the stream, here and at others that pull it.
func (s *Server) feed(in *stream) {
	for _, o := range slices.Clone(s.orders) {
		if o.kind != "pull" && o.name == in.name && o.stream == nil {
			s.begin(o)
		}
	}
	for _, other := range s.network.servers {
		if other.run == nil {
			continue
		}
		for _, st := range slices.Clone(other.run.streams) {
			if st.phantom && st.order != nil && st.order.from == s.settings.Address && st.order.target == in.name {
				other.connect(st, in)
			}
		}
	}
}

// connect makes a real stream of a pulled one.
func (s *Server) connect(st, source *stream) {
	st.phantom = false
	out := source.server.start(&stream{typ: "ONR", name: source.name, in: source, values: object{
		"farIp": s.settings.Address, "nearIp": source.server.settings.Address, "ip": source.server.settings.Address, "userAgent": playerAgent,
	}}, "ONR")
	st.peer, out.peer = out, st
	s.feed(st)
}

// live returns the inbound stream of that name.
func (s *Server) live(name string) *stream {
	for _, st := range s.run.streams {
		if st.inbound() && st.name == name {
			return st
		}
	}
	return nil
}

// taken reports whether a name is live, or reserved by a pull.
func (s *Server) taken(name string) bool {
	return s.live(name) != nil || slices.ContainsFunc(s.orders, func(o *order) bool { return o.kind == "pull" && o.name == name })
}

// end ends a stream and what comes from it.
func (s *Server) end(st *stream) {
	if st.server == nil {
		return
	}
	st.server = nil
	s.run.streams = slices.DeleteFunc(s.run.streams, func(o *stream) bool { return o == st })
	s.emit(st.event("Closed"), s.describe(st))
	st.published.end()
	if o := st.order; o != nil {
		o.stream = nil
		o.set(statusDisconnected)
	}
	if st.inbound() {
		for _, out := range slices.Clone(s.run.streams) {
			if out.in == st && out.server != nil {
				s.end(out)
				s.ended(out)
			}
		}
	}
	if p := st.peer; p != nil {
		st.peer, p.peer = nil, nil
		if st.inbound() {
			p.server.broken(p)
		} else {
			p.server.starved(p)
		}
	}
	if st.typ != "" && st.file != "" {
		s.closeFile(st)
	}
}

// ended is what becomes of the order of an output whose source has ended.
func (s *Server) ended(st *stream) {
	o := st.order
	switch {
	case o == nil:
	case o.keepAlive:
		o.set(statusWaiting)
	case o.kind != "push": // the order of a push stays
		s.remove(o)
	}
}

// starved is a stream whose source at the other server has ended: a pulled one lasts a while without pictures, a pushed
// one ends with the connection.
func (s *Server) starved(st *stream) {
	if st.order == nil {
		s.end(st)
		return
	}
	st.phantom = true
	s.expire(st)
}

// expire ends a pulled stream that has no pictures.
func (s *Server) expire(st *stream) {
	lasts := s.settings.Starve
	if lasts == 0 {
		lasts = 10 + 10*s.random.Float64()
	}
	s.after(lasts, func() {
		if st.phantom && st.server != nil {
			o := st.order
			s.end(st)
			s.retry(o, 1)
		}
	})
}

// broken is a stream whose connection is cut.
func (s *Server) broken(st *stream) {
	if st.server == nil {
		return
	}
	o := st.order
	s.end(st)
	if o != nil {
		s.retry(o, 1)
	}
}

// describe is a stream as the API and events have it.
func (s *Server) describe(st *stream) object {
	v := clone(st.values)
	now := time.Now()
	v["name"], v["uniqueId"], v["type"] = st.name, st.id, st.typ
	v["processId"] = s.run.process
	v["creationTimestamp"], v["queryTimestamp"] = millis(st.created), millis(now)
	v["upTime"] = float64(now.Sub(st.created)) / float64(time.Millisecond)
	if !st.phantom && now.Sub(st.created) > 0 {
		for _, kind := range []string{"audio", "video"} {
			media := clone(v[kind].(object))
			media["bytesCount"] = 1 + int(now.Sub(st.created).Milliseconds())*25
			v[kind] = media
		}
	}
	if st.inbound() {
		var outs []any
		for _, o := range s.run.streams {
			if o.in == st {
				outs = append(outs, o.id)
			}
		}
		v["outStreamsUniqueIds"] = nil
		if outs != nil {
			v["outStreamsUniqueIds"] = outs
		}
	} else if st.in != nil {
		v["inStreamUniqueId"] = st.in.id
	}
	if o := st.order; o != nil {
		settings := clone(o.values)
		if o.kind == "pull" {
			settings["_callback"] = nil
		}
		v[o.kind+"Settings"] = settings
	}
	return v
}

func millis(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

// Streams returns what listStreams lists.
func (s *Server) Streams() []emsapi.Stream {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	var streams []emsapi.Stream
	if s.run != nil {
		decode(s.listStreams(), &streams)
	}
	return streams
}

// Names returns the names of the inbound streams that have pictures.
func (s *Server) Names() []string {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	var names []string
	if s.run != nil {
		for _, st := range s.run.streams {
			if st.inbound() && !st.phantom {
				names = append(names, st.name)
			}
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

func (s *Server) listStreams() any {
	var list []any
	for _, st := range s.run.streams {
		list = append(list, s.describe(st))
	}
	return orNull(list)
}
