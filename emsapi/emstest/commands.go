package emstest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/media"
)

// An answer is what a command answers.
type answer struct {
	data        any
	description string
	failed      bool
}

func succeed(description string, data any) answer {
	return answer{data: data, description: description}
}
func fail(description string) answer { return answer{description: description, failed: true} }

func (s *Server) commands() map[string]func(params) answer {
	all := map[string]func(params) answer{
		"version":        func(params) answer { return succeed("Version", shape("version")) },
		"liststreams":    func(params) answer { return succeed("Available streams", s.listStreams()) },
		"liststreamsids": func(params) answer { return succeed("Available stream IDs", s.listStreamIDs()) },
		"getstreaminfo":  s.getStreamInfo,
		"isstreamrunning": func(p params) answer {
			return succeed("Stream status:", object{"Running": s.find(p) != nil})
		},
		"listinboundstreamnames": func(params) answer {
			return succeed("Inbound local stream names",
				s.listInboundStreamNames())
		},
		"getstreamscount":  unable, // in the help of the server, which yet does not do it
		"clientsconnected": unable,
		"listconfig":       func(params) answer { return succeed("Run-time configuration", s.listConfig()) },
		"getconfiginfo":    s.getConfigInfo,
		"removeconfig":     s.removeConfig,
		"shutdownstream":   s.shutdownStream,
		"pullstream":       s.pullStream,
		"pushstream":       s.pushStream,
		"record":           s.recordStream,
		"settimer":         s.setTimer,
		"listtimers":       func(params) answer { return succeed("List of armed timers", s.listTimers()) },
		"removetimer":      s.removeTimer,
		"transcode":        s.transcode,
	}
	for _, f := range media.Formats() {
		if command := media.EMS.Traits(f).API.Create; command != "" {
			all[strings.ToLower(command)] = func(p params) answer { return s.create(f, p) }
		}
	}
	return all
}

func unable(params) answer { return fail("Unable to enqueue call") }

func (s *Server) listInboundStreamNames() any {
	var names []any
	for _, st := range s.run.streams {
		if st.inbound() {
			names = append(names, object{"name": st.name})
		}
	}
	return orNull(names)
}

func (s *Server) listStreamIDs() any {
	var ids []any
	for _, st := range s.run.streams {
		ids = append(ids, st.id)
	}
	return orNull(ids)
}

// find returns the stream of a command's parameters.
func (s *Server) find(p params) *stream {
	if name := p.text("localStreamName"); name != "" {
		return s.live(name)
	}
	i := slices.IndexFunc(s.run.streams, func(st *stream) bool { return fmt.Sprint(st.id) == p.text("id") })
	if i < 0 {
		return nil
	}
	return s.run.streams[i]
}

func (s *Server) getStreamInfo(p params) answer {
	name, id := p.text("localStreamName"), p.text("id")
	switch st := s.find(p); {
	case st != nil:
		return succeed("Stream information", s.describeOne(st))
	case len(p.all) == 0:
		return fail("Syntax error. No parameters provided")
	case name != "":
		return fail("Stream " + name + " not found")
	case id != "":
		return fail("Stream 0:" + id + " not found")
	}
	return fail("id or localStreamName parameters needs to be supplied")
}

func (s *Server) getConfigInfo(p params) answer {
	if len(p.all) == 0 {
		return fail("Syntax error. No parameters provided")
	}
	id, err := strconv.ParseUint(p.text("id"), 10, 32)
	if err != nil {
		return fail("Syntax error. Parameter id is invalid")
	}
	for _, o := range s.orders {
		if o.id == uint32(id) {
			return succeed("Configuration Info", o.listed())
		}
	}
	return fail("Config ID not found")
}

func (s *Server) removeConfig(p params) answer {
	id, group := p.text("id"), p.text("groupName")
	var data any
	for _, o := range slices.Clone(s.orders) {
		if id != "" && fmt.Sprint(o.id) == id || group != "" && o.values["groupName"] == group {
			if o.stream != nil { // the server answers with the order of a stream that it ends
				v := o.settings()
				if o.kind == "pull" {
					v["_callback"] = nil
				}
				data = v
			}
			s.remove(o)
		}
	}
	return succeed("Configuration terminated", data)
}

func (s *Server) shutdownStream(p params) answer {
	st := s.find(p)
	if st == nil {
		return fail("Stream no longer available")
	}
	stack := shape("shutdownStream")
	stack["streamInfo"] = s.describeOne(st)
	o := st.order
	s.soon(func() {
		if st.server == nil {
			return
		}
		s.end(st)
		switch {
		case o == nil:
		case p.flag("permanently", true):
			s.remove(o)
		default:
			s.retry(o, 0.2)
		}
	})
	return succeed("Stream closed", stack)
}

func (s *Server) recordStream(p params) answer {
	name, file, typ := p.text("localStreamName"), p.text("pathToFile"), or(p.text("type"), "mp4")
	switch {
	case len(p.all) == 0:
		return fail("Syntax error. No parameters provided")
	case name == "":
		return fail("Syntax error. Parameter localStreamName is invalid")
	case file == "":
		return fail("Syntax error. Parameter pathToFile is invalid")
	case recordingTypes[typ] == "":
		return fail("Syntax error for type parameter. Type help for details")
	}
	whole := file
	if !strings.HasSuffix(strings.ToLower(file), "."+typ) {
		whole += "." + typ
	}
	if in := s.live(name); in != nil && !s.mayRecord(whole) {
		return fail("Unable to record stream")
	}
	o := &order{kind: "record", name: name, keepAlive: p.flag("keepAlive", true)}
	o.values = shape("config/record")
	maps.Copy(o.values, object{
		"localStreamName": name, "pathToFile": file, "computedPathToFile": whole, "type": typ,
		"chunkLength": p.number("chunkLength", 0),
		"overwrite":   p.flag("overwrite", false), "keepAlive": o.keepAlive, "waitForIDR": p.flag("waitForIDR", false),
	})
	if s.settings.NoChunkLength {
		delete(o.values, "chunkLength")
	}
	maps.Copy(o.values, p.variables())
	s.add(o)
	s.begin(o)
	return succeed("Recording Stream", clone(o.values))
}

// create makes the orders of live output to files: one for each stream. It writes none.
func (s *Server) create(f media.Format, p params) answer {
	folder, group := p.text("targetFolder"), or(p.text("groupName"), fmt.Sprintf("%s_group_%04x",
		strings.ToLower(f.String()), s.random.Uint32N(1<<16)))
	names := p.list("localStreamNames")
	switch {
	case len(p.all) == 0:
		return fail("Syntax error. No parameters provided")
	case len(names) == 0:
		return fail("Syntax error. Parameter localStreamNames is invalid")
	case folder == "":
		return fail("Syntax error. Parameter targetFolder is invalid")
	}
	given := object{"groupName": group, "keepAlive": p.flag("keepAlive", true),
		"cleanupDestination": p.flag("cleanupDestination", false)}
	given["chunkLength"], given["playlistLength"] = p.number("chunkLength", 10), p.number("playlistLength", 10)
	given["staleRetentionCount"] = p.number("staleRetentionCount", given["playlistLength"].(int))
	given["playlistType"] = or(p.text("playlistType"), "appending")
	var ids, all []any
	for _, name := range names {
		o := &order{kind: media.EMS.Traits(f).API.List, name: name, keepAlive: p.flag("keepAlive", true)}
		o.values = shape("config/" + o.kind)
		maps.Copy(o.values, given)
		maps.Copy(o.values, p.variables())
		maps.Copy(o.values, object{
			"localStreamName": name, "groupTargetFolder": path.Join(folder, group) + "/", "targetFolder": path.Join(folder,
				group, name),
		})
		if f == media.HLS {
			o.values["masterPlaylistPath"] = path.Join(folder, group, "playlist.m3u8")
			o.values["timestamp"] = millis(time.Now())
		}
		if f == media.MSS {
			o.values["localStreamNames"], o.values["streamNames"] = []any{name}, []any{name}
		}
		s.add(o)
		s.begin(o)
		ids, all = append(ids, o.id), append(all, name)
	}
	made := shape("create" + f.String())
	maps.Copy(made, given)
	maps.Copy(made, p.variables())
	maps.Copy(made, object{"configIds": ids, "localStreamNames": all, "targetFolder": folder})
	return succeed(f.String()+" stream created", made)
}

// list returns the values of a key.
func (p params) list(key string) []string {
	for _, v := range slices.Backward(p.all) {
		if strings.EqualFold(v.key, key) && v.values[0] != "" {
			return v.values
		}
	}
	return nil
}
