package hls

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A viewer polls a playlist and holds it against the rules for its changes (RFC 8216, section 6.2.2). It
// reads the text by itself, so that no mistake of this package hides another one.
type viewer struct {
	version, had *polled
	problems     []string
}

// A polled is one version of a playlist as a viewer understands it.
type polled struct {
	sequence, discontinuity uint64
	target                  float64
	version                 int
	kind                    string
	ended, continued        bool
	segments                []polledSegment
}

type polledSegment struct {
	uri           string // with the byte range
	number        uint64
	discontinuity uint64
	duration      float64
	decrypted     string // by which keys and vectors, and with which map
	gap           bool
	date          string
}

func (p *polled) last() uint64 { return p.sequence + uint64(len(p.segments)) - 1 }

func (p *polled) segmentsOrNone() []polledSegment {
	if p == nil {
		return nil
	}
	return p.segments
}

func (p *polled) duration() (d float64) {
	for _, s := range p.segments {
		d += s.duration
	}
	return d
}

func (p *polled) find(uri string) *polledSegment {
	if i := slices.IndexFunc(p.segments, func(s polledSegment) bool { return s.uri == uri }); i >= 0 {
		return &p.segments[i]
	}
	return nil
}

func read(text string) (*polled, error) {
	p := &polled{version: 1}
	var s polledSegment
	keys := map[string]string{} // by KEYFORMAT
	mapped, tags, end := "", uint64(0), map[string]uint64{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		tag, value, _ := strings.Cut(line, ":")
		switch {
		case i == 0 && line != "#EXTM3U":
			return nil, fmt.Errorf("first line %q", line)
		case tag == "#EXT-X-VERSION":
			p.version, _ = strconv.Atoi(value)
		case tag == "#EXT-X-TARGETDURATION":
			p.target, _ = strconv.ParseFloat(value, 64)
		case tag == "#EXT-X-MEDIA-SEQUENCE":
			p.sequence, _ = strconv.ParseUint(value, 10, 64)
		case tag == "#EXT-X-DISCONTINUITY-SEQUENCE":
			p.discontinuity, _ = strconv.ParseUint(value, 10, 64)
		case tag == "#EXT-X-PLAYLIST-TYPE":
			p.kind = value
		case tag == "#EXT-X-ENDLIST":
			p.ended = true
		case strings.HasPrefix(line, "## ems-sidecar"):
			if p.continued {
				return nil, fmt.Errorf("two lines of ours in\n%s", text)
			}
			p.continued = true
		case tag == "#EXT-X-DISCONTINUITY":
			tags++
		case tag == "#EXT-X-GAP":
			s.gap = true
		case tag == "#EXT-X-PROGRAM-DATE-TIME":
			s.date = value
		case tag == "#EXTINF":
			s.duration, _ = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
		case tag == "#EXT-X-BYTERANGE":
			s.uri = value
		case tag == "#EXT-X-KEY":
			format := ""
			if _, f, ok := strings.Cut(value, "KEYFORMAT="); ok {
				format = f
			}
			if value == "METHOD=NONE" {
				clear(keys)
			} else {
				keys[format] = value
			}
		case tag == "#EXT-X-MAP":
			mapped = value + fmt.Sprint(keys) // the init section is under the keys where it stands
		case line != "" && line[0] != '#':
			s.number, s.discontinuity = p.sequence+uint64(len(p.segments)), p.discontinuity+tags
			if s.uri != "" {
				length, offset, stated := strings.Cut(s.uri, "@")
				if !stated {
					offset = strconv.FormatUint(end[line], 10)
				}
				n, _ := strconv.ParseUint(length, 10, 64)
				o, _ := strconv.ParseUint(offset, 10, 64)
				clear(end) // a range follows the one before only
				end[line] = o + n
				s.uri = fmt.Sprintf("%d@%d", n, o)
			} else {
				clear(end)
			}
			s.uri = line + " " + s.uri
			used := []string{}
			for format, key := range keys {
				if format == "" && !strings.Contains(key, ",IV=") {
					key += fmt.Sprintf(",IV=0x%032x", s.number)
				}
				used = append(used, key)
			}
			slices.Sort(used)
			s.decrypted = fmt.Sprint(used, mapped)
			p.segments = append(p.segments, s)
			s = polledSegment{}
		}
	}
	return p, nil
}

func (v *viewer) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// poll takes another version. forced: segments may leave early, since what follows cannot stand
// behind them, or they are gone. renamed: names have returned with other content.
func (v *viewer) poll(text string, forced, renamed bool) *polled {
	p, err := read(text)
	if err != nil {
		v.problem("%v", err)
		return nil
	}
	v.had, v.version = v.version, p
	seen := map[string]bool{}
	for i, s := range p.segments {
		if seen[s.uri] {
			v.problem("%s is listed twice", s.uri)
		}
		seen[s.uri] = true
		if i == 0 && s.gap {
			v.problem("a gap is at the head")
		}
	}
	if v.had == nil {
		return p
	}
	had := v.had
	switch {
	case p.sequence < had.sequence:
		v.problem("the media sequence falls from %d to %d", had.sequence, p.sequence)
	case p.last()+1 < had.last()+1:
		v.problem("the last number falls from %d to %d", had.last(), p.last())
	case p.discontinuity < had.discontinuity:
		v.problem("the discontinuity sequence falls from %d to %d", had.discontinuity, p.discontinuity)
	case p.continued && p.target < had.target:
		v.problem("the target duration falls from %v to %v", had.target, p.target)
	case p.continued && p.version < had.version:
		v.problem("the version falls from %d to %d", had.version, p.version)
	case had.continued && !p.continued:
		v.problem("it is not known any more that the playlist was continued")
	}
	for _, s := range p.segments {
		before := had.find(s.uri)
		if before == nil {
			if s.number <= had.last() && len(had.segments) > 0 && !renamed {
				v.problem("%s is new, and has number %d, of %d", s.uri, s.number, had.last())
			}
			continue
		}
		if renamed && before.number != s.number {
			continue
		}
		switch {
		case before.number != s.number:
			v.problem("%s had number %d and has %d", s.uri, before.number, s.number)
		case before.discontinuity != s.discontinuity:
			v.problem("%s had discontinuity number %d and has %d", s.uri, before.discontinuity, s.discontinuity)
		case before.duration != s.duration || before.decrypted != s.decrypted:
			v.problem("%s was %+v and is %+v", s.uri, *before, s)
		}
	}
	left := int(min(p.sequence-had.sequence, uint64(len(had.segments))))
	gaps := slices.ContainsFunc(had.segments, func(s polledSegment) bool { return s.gap })
	if left > 0 && !forced && !gaps && p.continued {
		if p.kind == "EVENT" && had.kind == "EVENT" {
			v.problem("%d segments leave an EVENT playlist", left)
		}
		// Could the last segment that left have stayed?
		if d := p.duration(); d+1e-6 < 3*p.target {
			v.problem("a segment leaves, and %v s of media are left with a target duration of %v s", d, p.target)
		}
	}
	return p
}
