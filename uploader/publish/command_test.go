package publish_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// tick lets a moment pass before a command: no two things happen at one time.
func (s *stage) tick() {
	s.now = s.now.Add(time.Microsecond)
	s.began = s.now
}

// command does what a line of a story says, and prints what follows from it.
func (s *stage) command(line string) (err error) {
	defer func() {
		if r := recover(); r != nil && fmt.Sprint(r) != "" {
			if text, ok := r.(string); ok {
				err = fmt.Errorf("%s", text)
				return
			}
			panic(r)
		}
	}()
	verb, rest, _ := strings.Cut(line, " ")
	do, known := map[string]func(string, []string) error{
		"source": s.doSource, "written": s.doWritten, "read": s.doRead, "bucket": s.doBucket, "done": s.doDone,
		"after": s.doAfter, "state": s.doState, "filesystem": s.doFilesystem,
		"closed":  s.each(s.closed),
		"removed": s.each(s.removed),
		"absent":  s.each(func(p string) { s.schedule.Absent(s.sourceOf(p).Source, p, false, s.now) }),
		"evicted": s.each(func(p string) {
			delete(s.spool, p)
			s.schedule.Evicted(s.sourceOf(p).Source, p, s.now)
		}),
		"end":     s.doEnd,
		"figures": func(string, []string) error { s.print("%s", s.figures()); return nil },
		"observe": func(string, []string) error { s.observed = true; return nil },
		"restart": func(string, []string) error { s.restart(); return nil },
	}[verb]
	if !known {
		return fmt.Errorf("no such verb")
	}
	if s.schedule == nil && verb != "source" {
		return fmt.Errorf("a story begins with a source")
	}
	if err := do(rest, strings.Fields(rest)); err != nil {
		return err
	}
	s.start()
	return nil
}

// each returns the command that does do with each of its paths.
func (s *stage) each(do func(p string)) func(string, []string) error {
	return func(_ string, paths []string) error {
		for i, p := range paths {
			if i > 0 {
				s.start()
				s.tick()
			}
			do(p)
		}
		return nil
	}
}

func (s *stage) doSource(_ string, words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("want a format and a directory")
	}
	dest, writer := &publish.Destination{Bucket: words[1]}, media.EMSWrites
	prefixed := false
	for _, option := range words[2:] {
		name, value, _ := strings.Cut(option, "=")
		d, _ := time.ParseDuration(value)
		switch name {
		case "mirror":
			dest.Delete, dest.DeleteDelay = true, d
		case "interval":
			dest.ManifestInterval = d
		case "window":
			dest.ReconnectWindow = d
		case "stale":
			dest.StaleAfter = d
		case "remove":
			dest.WhenStale = publish.RemoveStale
		case "without-absent":
			dest.RemoveAbsent = true
		case "judged":
			s.judges = true
		case "skip":
			dest.SkipBacklog = true
		case "discard":
			dest.DeleteLocal, dest.DeleteLocalAfter = true, d
		case "generic":
			writer = media.AnyWrites
		case "auto":
			writer = media.NamesTell
		case "prefixed":
			prefixed = true
		case "workers":
			if _, err := fmt.Sscan(value, &s.settings.Workers); err != nil {
				return err
			}
		default:
			return fmt.Errorf("no option %s", name)
		}
	}
	formats := map[string]media.Format{"hls": media.HLS, "hds": media.HDS, "dash": media.DASH, "mss": media.MSS,
		"recording": media.Recording}
	format, known := formats[words[0]]
	if !known {
		return fmt.Errorf("no such format")
	}
	if s.schedule == nil {
		s.schedule = publish.New(s.settings)
	}
	src := &stageSource{layout: media.Layout{Format: format, Bootstrap: "bootstrap", Writer: writer, RunPrefix: prefixed}, dest: dest}
	src.Source = s.schedule.Add("/root", src.layout, dest, false)
	s.sources[words[1]] = src
	return nil
}

// doWritten is "PATH..." or "PATH... DURATION ago".
func (s *stage) doWritten(_ string, words []string) error {
	at := s.now
	if n := len(words); n > 2 && words[n-1] == "ago" {
		d, err := time.ParseDuration(words[n-2])
		if err != nil {
			return err
		}
		at, words = at.Add(-d), words[:n-2]
	}
	for i, p := range words {
		s.write(p, at.Add(time.Duration(i)))
	}
	return nil
}

// doRead is "PATH names PATH... [run=TEXT] [seq=NUMBER] [end]".
func (s *stage) doRead(_ string, words []string) error {
	if len(words) < 2 || words[1] != "names" {
		return fmt.Errorf("want a manifest, and what it names")
	}
	var refs []string
	run, ended, sequence := "", false, ""
	for _, w := range words[2:] {
		switch {
		case w == "end":
			ended = true
		case strings.HasPrefix(w, "run="):
			run = w
		case strings.HasPrefix(w, "seq="):
			sequence = w[len("seq="):]
		default:
			refs = append(refs, w)
		}
	}
	s.read(words[0], refs, run, sequence, ended)
	return nil
}

// doBucket is "has PATH... [by HOST]" or "lacks PATH...".
func (s *stage) doBucket(_ string, words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("want has or lacks, and paths")
	}
	paths, host := words[1:], ""
	if n := len(paths); n > 2 && paths[n-2] == "by" {
		paths, host = paths[:n-2], paths[n-1]
	}
	for _, p := range paths {
		if words[0] == "has" {
			s.bucketHas(p, host)
		} else {
			delete(s.objects, s.sourceOf(p).dest.Prefix+p)
		}
	}
	return nil
}

// doDone is "[PATH or TASK...][: HOW]". Without a path it ends all jobs, and those that follow from
// them; as all, those that are in flight now.
func (s *stage) doDone(rest string, _ []string) error {
	which, word, _ := strings.Cut(rest, ":")
	how, known := endings[strings.TrimSpace(word)]
	if !known {
		return fmt.Errorf("no such ending")
	}
	switch {
	case rest == "":
		for range 1000 {
			if len(s.flights) == 0 {
				return nil
			}
			s.done(0, how)
			s.start()
		}
		return fmt.Errorf("jobs follow without end")
	case which == "all":
		for range len(s.flights) {
			s.done(0, how)
		}
		return nil
	}
	for _, w := range strings.Fields(which) {
		i := slices.IndexFunc(s.flights, func(j stageFlight) bool { return j.Path == w || j.Task.String() == w })
		if i < 0 {
			return fmt.Errorf("no job of %s is in flight", w)
		}
		s.done(i, how)
		s.start()
	}
	return nil
}

// doAfter is "DURATION [answered]".
func (s *stage) doAfter(_ string, words []string) error {
	d, err := time.ParseDuration(words[0])
	if err == nil {
		s.pass(s.now.Add(d), slices.Contains(words[1:], "answered"))
	}
	return err
}

// doEnd is "STREAM", which an operator ends.
func (s *stage) doEnd(rest string, _ []string) error {
	if n := s.schedule.End(s.sourceOf(rest).Source, rest, s.now); n == 0 {
		s.print("nothing is to be ended")
	}
	return nil
}

func (s *stage) doState(_ string, paths []string) error {
	for _, p := range paths {
		state := s.sourceOf(p).State(p, s.now)
		if state == "" {
			state = "nothing is known"
		}
		s.print("%s: %s", p, state)
	}
	return nil
}

// doFilesystem is "DIR silent" or "DIR answers".
func (s *stage) doFilesystem(_ string, words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("want a source's directory, and silent or answers")
	}
	since := time.Time{}
	if words[1] == "silent" {
		since = s.now.Add(-10 * time.Second)
	}
	s.schedule.Answers(s.sourceOf(words[0]).Source, since, s.now)
	return nil
}
