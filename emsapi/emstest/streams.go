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
	order     *order        // that it comes from; nil: none
	in        *stream       // outbound: what it comes from
	peer      *stream       // at the other server, at the other end of the connection
	published *Published    // by an encoder
	phantom   bool          // it gets no pictures, such as a pull of what is not there
	starved   int           // how often it stopped getting any
	pictures  bool          // inbound: there have been some, so that the codecs are known
	before    time.Duration // for how long there were some until they stopped last
	since     time.Time     // when they came last; zero: there are none now
	feeds     [len(feedKinds)]feed
	file      string // a recording's
	part      int
}

func (st *stream) inbound() bool { return st.typ[0] == 'I' }

// start adds a stream and tells of it.
func (s *Server) start(st *stream, kind string) *stream {
	s.run.nextStream++
	st.server, st.id, st.created = s, s.run.nextStream, time.Now()
	for i := range st.feeds {
		st.feeds[i].reported = -1
	}
	given := st.values
	st.values = shape(kind)
	maps.Copy(st.values, given)
	s.run.streams = append(s.run.streams, st)
	if st.order != nil {
		st.order.stream = st
		st.order.set(statusStreaming)
	}
	in := st.in
	st.in = nil // is linked afterwards
	s.emit(st.event("Created"), s.describe(st))
	st.in = in
	if st.inbound() {
		s.attach(st)
	}
	if !st.phantom {
		s.feed(st)
	}
	return st
}

// attach links a new inbound stream with the players that wait for it. They have pictures when it
// has.
func (s *Server) attach(in *stream) {
	for _, out := range s.run.streams {
		if out.player() && out.in == nil && out.name == in.name {
			out.in = in
		}
	}
}

// player reports whether another server pulls this.
func (st *stream) player() bool { return st.typ == "ONR" && st.order == nil }

func (st *stream) event(what string) string {
	if st.inbound() {
		return "inStream" + what
	}
	return "outStream" + what
}

// feed is what happens when a stream has pictures: what waits for them begins, here and at others
// that pull it.
func (s *Server) feed(st *stream) {
	st.pictures, st.phantom = true, false
	if st.since.IsZero() {
		st.since = time.Now()
	}
	if !st.inbound() {
		return
	}
	for _, o := range slices.Clone(s.orders) {
		if o.kind != "pull" && o.name == st.name && o.stream == nil {
			s.begin(o)
		}
	}
	for _, out := range slices.Clone(s.run.streams) {
		if out.in == st && out.player() && out.peer != nil {
			if far := out.peer; far.phantom {
				far.server.feed(far)
			}
		}
	}
}

// fed is for how long there have been pictures.
func (st *stream) fed(now time.Time) time.Duration {
	if st.since.IsZero() {
		return st.before
	}
	return st.before + now.Sub(st.since)
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
	pulls := func(o *order) bool { return o.kind == "pull" && o.name == name }
	return s.live(name) != nil || slices.ContainsFunc(s.orders, pulls)
}

// end ends a stream and what comes from it.
func (s *Server) end(st *stream) {
	if st.server == nil {
		return
	}
	st.server = nil
	s.run.streams = slices.DeleteFunc(s.run.streams, func(o *stream) bool { return o == st })
	closed := s.describe(st)
	if o := st.order; o != nil {
		o.addFolders(closed[o.kind+"Settings"].(object))
	}
	s.emit(st.event("Closed"), closed)
	st.published.end()
	if o := st.order; o != nil && o.stream == st {
		o.stream = nil
		o.set(statusDisconnected)
	}
	if st.inbound() {
		for _, out := range slices.Clone(s.run.streams) {
			switch {
			case out.in != st || out.server == nil:
			case out.player() && out.peer != nil: // it stays, and waits for the stream to come back
				out.in = nil
				out.peer.server.starve(out.peer)
			default:
				s.end(out)
				s.ended(out)
			}
		}
	}
	if p := st.peer; p != nil {
		st.peer, p.peer = nil, nil
		p.server.broken(p)
	}
	if st.file != "" {
		s.finish(st)
	}
}

// ended is what becomes of the order of an output whose source has ended.
func (s *Server) ended(st *stream) {
	o := st.order
	switch {
	case o == nil:
	case o.keepAlive:
		o.set(statusConnecting)
		o.set(statusWaiting)
		o.returns = o.kind == "record"
	case o.kind != "push": // the order of a push stays
		s.remove(o)
	}
}

// starve is for a pulled stream that gets no pictures: it ends after a while if none come.
func (s *Server) starve(st *stream) {
	st.before, st.since = st.fed(time.Now()), time.Time{}
	st.phantom = true
	st.starved++
	since := st.starved
	lasts := s.settings.Starve
	if lasts == 0 {
		lasts = 10 + 10*s.random.Float64()
	}
	s.after(lasts, func() {
		if st.phantom && st.server != nil && st.starved == since {
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

// describe is a stream as events have it.
func (s *Server) describe(st *stream) object {
	v := clone(st.values)
	now := time.Now()
	v["name"], v["uniqueId"], v["type"] = st.name, st.id, st.typ
	v["processId"] = s.run.process
	v["creationTimestamp"], v["queryTimestamp"] = millis(st.created), millis(now)
	v["upTime"] = float64(now.Sub(st.created)) / float64(time.Millisecond)
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
	}
	source := st
	if !st.inbound() {
		v["inStreamUniqueId"] = nil
		if source = st.in; source != nil && source.server == nil {
			source = nil // it has ended before
		}
		if source != nil {
			v["inStreamUniqueId"] = source.id
		}
	}
	st.describeFeeds(v, source, now)
	if o := st.order; o != nil {
		v[o.kind+"Settings"] = o.settings()
	}
	return v
}

// describeOne is a stream as the API has it.
func (s *Server) describeOne(st *stream) object {
	v := s.describe(st)
	if pull, ok := v["pullSettings"].(object); ok {
		pull["_callback"] = nil
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
		v := s.describeOne(st)
		v["edgePid"] = 0
		list = append(list, v)
	}
	return orNull(list)
}
