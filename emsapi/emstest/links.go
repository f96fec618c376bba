package emstest

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"strconv"
	"strings"
)

func (s *Server) pullStream(p params) answer {
	uri, ok := p.text("uri"), true
	if uri == "" {
		return fail("Syntax error. Parameter uri is invalid")
	}
	o := &order{kind: "pull", name: p.text("localStreamName"), keepAlive: p.flag("keepAlive", true)}
	var parsed object
	if o.from, o.target, parsed, ok = split(uri); !ok {
		return fail("Invalid URI: " + uri)
	}
	if o.name == "" {
		o.name = fmt.Sprintf("stream_%08x", s.random.Uint32())
	}
	if s.taken(o.name) {
		return fail("Stream name " + o.name + " already taken")
	}
	_, o.target, _ = strings.Cut(o.target, "/") // without the application
	if parsed["scheme"] != "rtmp" {
		o.from = "" // no one speaks anything else
	}
	o.values = shape("config/pull")
	maps.Copy(o.values, object{"uri": uri, "localStreamName": o.name, "keepAlive": o.keepAlive})
	maps.Copy(o.values, p.variables())
	s.add(o)
	s.soon(func() {
		if s.ordered(o) {
			s.begin(o)
		}
	})
	made := clone(o.values)
	made["uri"] = parsed
	return succeed("Stream "+uri+" enqueued for pulling", made)
}

func (s *Server) pushStream(p params) answer {
	uri, ok := p.text("uri"), true
	switch {
	case len(p.all) == 0:
		return fail("Syntax error. No parameters provided")
	case uri == "":
		return fail("Syntax error. Parameter uri is invalid")
	case p.text("localStreamName") == "":
		return fail("Syntax error. Parameter localStreamName is invalid")
	}
	o := &order{kind: "push", name: p.text("localStreamName"), keepAlive: p.flag("keepAlive", true)}
	o.target = or(p.text("targetStreamName"), o.name)
	var parsed object
	if o.from, _, parsed, ok = split(uri); !ok {
		return fail("Invalid URI: " + uri)
	}
	o.values = shape("config/push")
	maps.Copy(o.values, object{
		"targetUri": uri, "localStreamName": o.name, "targetStreamName": o.target, "keepAlive": o.keepAlive,
	})
	maps.Copy(o.values, p.variables())
	s.add(o)
	s.soon(func() {
		if s.ordered(o) && o.stream == nil {
			s.begin(o)
		}
	})
	made := clone(o.values)
	made["targetUri"] = parsed
	return succeed(fmt.Sprintf("Local stream %s enqueued for pushing to %s as %s", o.name, uri, o.target), made)
}

// split returns host, path and all parts of a URI.
func split(uri string) (host, document string, parts object, ok bool) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme == "" {
		return "", "", nil, false
	}
	authority, document, _ := strings.Cut(rest, "/")
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil || u.Hostname() == "" {
		return "", "", nil, false
	}
	port, specified := 1935, u.Port() != ""
	if scheme == "http" {
		port = 80
	}
	if specified {
		port, _ = strconv.Atoi(u.Port())
	}
	bare, query, _ := strings.Cut(document, "?")
	dir, base := path.Split("/" + bare)
	password, _ := u.User.Password()
	return u.Hostname(), bare, object{
		"document": base, "documentPath": dir, "documentWithFullParameters": base, "fullDocumentPath": "/" + bare,
		"fullDocumentPathWithParameters": "/" + document, "fullParameters": query,
		"fullUri":         scheme + "://" + u.Host + "/" + document,
		"fullUriWithAuth": uri, "host": u.Hostname(), "ip": u.Hostname(), "originalUri": uri, "parameters": object{},
		"password": password, "port": port, "portSpecified": specified, "scheme": scheme, "userName": u.User.Username(),
	}, true
}

func (s *Server) pull(o *order) {
	source := s.reach(o.from)
	if source == nil {
		o.set(statusConnecting)
		o.set(statusFailed)
		s.emit("pullStreamFailed", clone(o.values))
		s.retry(o, 1)
		return
	}
	in := source.live(o.target)
	st := s.start(&stream{typ: "INR", name: o.name, order: o, phantom: true, values: object{
		"farIp": o.from, "nearIp": s.settings.Address, "ip": s.settings.Address, "tcUrl": o.values["uri"],
		"swfUrl": o.values["uri"],
	}}, "INRpull")
	out := source.start(&stream{typ: "ONR", name: o.target, in: in, phantom: in == nil || in.phantom, values: object{
		"farIp": s.settings.Address, "nearIp": o.from, "ip": o.from, "streamAlias": o.target, "userAgent": playerAgent,
		"tcUrl": o.values["uri"], "swfUrl": o.values["uri"],
	}}, "ONR")
	st.peer, out.peer = out, st
	if out.phantom {
		s.starve(st)
	} else {
		s.feed(st)
	}
}

func (s *Server) push(o *order, in *stream) {
	target := s.reach(o.from)
	if target == nil {
		o.set(statusConnecting)
		o.set(statusFailed)
		s.retry(o, 1)
		return
	}
	if target.taken(o.target) {
		o.set(statusConnected)
		o.set(statusDisconnected)
		s.retry(o, 1)
		return
	}
	o.pushed = in.id
	out := s.start(&stream{typ: "ONR", name: o.name, order: o, in: in, values: object{
		"farIp": o.from, "nearIp": s.settings.Address, "ip": s.settings.Address,
	}}, "ONRpush")
	there := target.startPublished(o.target, Publisher{FarIP: s.settings.Address, UserAgent: pusherAgent}, nil)
	out.peer, there.peer = there, out
}
