package emstest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var recordingTypes = map[string]string{"mp4": "OFMP4", "ts": "OFTS", "flv": "OFRFLV"}

// record begins one file, or the first of several.
func (s *Server) record(o *order, in *stream) {
	typ := recordingTypes[o.values["type"].(string)]
	if typ == "OFMP4" {
		o.values["mp4BinPath"] = "/usr/bin/rms-mp4writer"
	}
	st := &stream{typ: typ, name: o.name, order: o, in: in}
	path, _ := o.values["computedPathToFile"].(string)
	length, _ := o.values["chunkLength"].(int)
	first := func(base string) string { return base }
	if length > 0 {
		first = func(base string) string { return partOf(base, 0) }
	}
	base := s.unused(path, o.values["overwrite"] == true, first)
	st.file = first(base)
	s.start(st, typ)
	if length > 0 {
		s.cut(st, base, length)
	}
}

// comeBack begins, once a second, the recordings whose source had ended. One that was begun when
// its source came back, less than a second ago, is begun again all the same.
func (s *Server) comeBack() {
	for _, o := range slices.Clone(s.orders) {
		if !o.returns {
			continue
		}
		o.returns = false
		if in := s.live(o.name); in != nil && in.pictures {
			s.record(o, in)
		}
	}
	s.after(1, s.comeBack)
}

// cut begins the next part when one is long enough.
func (s *Server) cut(st *stream, path string, length int) {
	s.after(float64(length), func() {
		if st.server == nil {
			return
		}
		s.tell(st, s.write(st))
		st.part++
		st.file = partOf(path, st.part)
		s.cut(st, path, length)
	})
}

func partOf(path string, part int) string {
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s_part%04d%s", strings.TrimSuffix(path, ext), part, ext)
}

// unused returns the next name of which the first file is not there.
func (s *Server) unused(path string, overwrite bool, first func(string) string) string {
	name, ext := path, filepath.Ext(path)
	for n := 1; s.settings.Files && !overwrite; n++ {
		if _, err := os.Stat(first(name)); err != nil {
			break
		}
		name = fmt.Sprintf("%s_%04d%s", strings.TrimSuffix(path, ext), n, ext)
	}
	return name
}

// finish closes a recording's last file. As the server does, it does not tell of one that is ts.
func (s *Server) finish(st *stream) {
	if written := s.write(st); st.typ != "OFTS" {
		s.tell(st, written)
	}
}

// write writes what a recording's file has, and reports whether there is one.
func (s *Server) write(st *stream) bool {
	return !s.settings.Files || os.WriteFile(st.file, []byte("recording of "+st.name+"\n"), 0o644) == nil
}

// tell tells of a file. The server says nothing of one that could not be written.
func (s *Server) tell(st *stream, written bool) {
	if !written {
		return
	}
	v := shape("recordChunkClosed")
	v["file"] = st.file
	if st.order != nil {
		for k, val := range st.order.values {
			if strings.HasPrefix(k, "_") {
				v[k] = val
			}
		}
	}
	s.emit("recordChunkClosed", v)
}

// mayRecord does the server's test: it creates the file and deletes it again.
func (s *Server) mayRecord(path string) bool {
	if !filepath.IsAbs(path) && !strings.Contains(path, `:\`) {
		return false
	}
	if !s.settings.Files {
		return true
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return false
	}
	empty := false
	if info, err := f.Stat(); err == nil {
		empty = info.Size() == 0
	}
	if f.Close() != nil {
		return false
	}
	return !empty || os.Remove(path) == nil
}
