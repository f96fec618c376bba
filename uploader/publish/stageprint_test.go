package publish_test

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"time"

	"ems-sidecar/uploader/publish"
)

// print prints one line, with the time since the command began.
func (s *stage) print(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if since := s.now.Sub(s.began).Round(time.Millisecond); since > 0 {
		line = "+" + since.String() + " " + line
	}
	s.out = append(s.out, line)
}

// printEffects carries out and prints what was decided apart from jobs.
func (s *stage) printEffects() {
	e := s.schedule.Effects()
	for _, n := range e.Notes {
		if n.Level < 0 {
			continue
		}
		told := map[any]any{}
		for i := 0; i < len(n.Attrs); i += 2 {
			told[n.Attrs[i]] = n.Attrs[i+1]
		}
		about := cmp.Or(told["key"], told["bucket"], told["count"])
		if about == nil && n.Source != nil {
			about = cmp.Or(n.Stream, n.Source.RootName())
		}
		s.print("%s %s (%v)", n.Level, n.Message, about)
		if next := told["next"]; next != nil {
			s.out = append(s.out, fmt.Sprintf("  next: %s", next))
		}
	}
	for _, c := range e.Changes {
		switch {
		case !s.judges:
		case c.Gone:
			s.print("%s is no stream any more", c.Stream)
		default:
			s.print("%s is %v, after %v%s", c.Stream, c.To, c.From, strings.TrimRight(": "+c.Why, ": "))
		}
	}
	for _, x := range e.Steps {
		if s.observed {
			s.print("step %s", stepText(x, s.now))
		}
	}
	for _, x := range e.Expected {
		s.print("expect %s", strings.Join(x.Paths, " "))
	}
	for _, r := range e.Released {
		s.print("release %s: %s", r.Path, [...]string{"arrived", "found", "lost", "unwanted"}[r.Why])
		if s.spool[r.Path].Equal(r.Version) {
			delete(s.spool, r.Path)
		}
	}
}

// stepText is a step in words.
func stepText(x publish.Step, now time.Time) string {
	text := fmt.Sprintf("%s %s %s", x.Stage, x.Kind, x.Key)
	if x.Attempt > 0 {
		text += fmt.Sprintf(", attempt %d, %d bytes", x.Attempt, x.Bytes)
	}
	if x.Sequence > 0 {
		text += fmt.Sprintf(", sequence %d", x.Sequence)
	}
	if !x.At.IsZero() {
		text += fmt.Sprintf(", %v ago", now.Sub(x.At).Round(time.Millisecond))
	}
	if x.Stage == publish.StageListed {
		text += fmt.Sprintf(", lag %v", x.Lag.Round(time.Millisecond))
	}
	if x.Why != "" {
		text += ": " + x.Why
	}
	return text
}

// describe tells what j does.
func (s *stage) describe(j publish.Job) string {
	switch j.Task {
	case publish.PutChunk:
		return "put " + j.Path + s.content(j.Path, j.Version)
	case publish.PutManifest:
		return "put " + j.Path + " " + summary(j.Manifest.Bytes)
	case publish.List:
		return fmt.Sprintf("list %d files of %s", len(j.Listing), path.Dir(j.Path))
	case publish.Verify:
		line := "verify " + j.Path
		for _, l := range j.Listing {
			line += " " + path.Base(l.Path)
		}
		return line
	case publish.Delete:
		line := "delete"
		for _, rm := range j.Removals {
			line += " " + rm.Path
		}
		return line
	case publish.ReadManifests:
		return "read manifests of " + strings.Join(j.Survey.Dirs, " ")
	}
	return j.Task.String() + " " + j.Path
}

// summary is what a manifest names, and whether it has ended. A playlist that was continued begins
// with the number of its first segment, and a bar stands for a discontinuity.
func summary(content []byte) string {
	var names []string
	sequence := ""
	for line := range strings.Lines(string(content)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "#EXT-X-MEDIA-SEQUENCE:"):
			sequence = line[len("#EXT-X-MEDIA-SEQUENCE:"):]
		case strings.HasPrefix(line, "#EXT-X-DISCONTINUITY-SEQUENCE:"):
			names = append(names, line[len("#EXT-X-DISCONTINUITY-SEQUENCE:"):]+"|")
		case strings.HasPrefix(line, "## "):
			names = append([]string{sequence + ":"}, names...)
		case line == "#EXT-X-DISCONTINUITY":
			names = append(names, "|")
		case line == "#EXT-X-GAP":
			names = append(names, "gap")
		case line == "#EXT-X-ENDLIST":
			names = append(names, "end")
		case strings.HasPrefix(line, "# "):
			names = append(names, line[2:])
		case !strings.HasPrefix(line, "#"):
			names = append(names, path.Base(line))
		}
	}
	return "[" + strings.Join(names, " ") + "]"
}

// figures are those that are not zero.
func (s *stage) figures() string {
	f := s.schedule.Figures(s.now)
	var told []string
	for _, x := range []struct {
		name string
		n    int64
	}{
		{"chunks", f.Chunks}, {"manifests", f.Manifests}, {"found", f.Found}, {"deleted", f.Deleted},
		{"failures", f.Failures}, {"lost", f.Lost}, {"unwritten", f.Unwritten}, {"skipped", f.Skipped},
		{"conflicts", f.Conflicts}, {"queue", int64(f.Queue)}, {"waiting", int64(f.Waiting)},
		{"in flight", int64(f.InFlight)},
	} {
		if x.n != 0 {
			told = append(told, fmt.Sprintf("%s %d", x.name, x.n))
		}
	}
	return strings.Join(told, ", ")
}
