package writers

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A reading is what a manifest names. It is read with code of its own: what it judges was read with
// the daemon's.
type reading struct {
	refs  []ref
	media bool // a Media Playlist of HLS
	ended bool
	began string // an MPD's availabilityStartTime
	// starts has those of an MPD's Periods by their ids.
	starts map[string]string
	// patterns match what an MPD names without listing it.
	patterns []*regexp.Regexp
}

// A ref is one URI of a manifest.
type ref struct {
	uri     string
	segment bool // of a Media Playlist, whose segments are in order
	length  int  // of a byte range; 0 is all of it
	offset  int
}

// name returns the path below the root of what a manifest names by the URI; own tells whether the
// URI is relative.
func (r ref) name(manifest string) (name string, own bool) {
	u, err := url.Parse(r.uri)
	switch {
	case err != nil:
		return "", false
	case u.IsAbs() || strings.HasPrefix(u.Path, "/"):
		return path.Join(path.Dir(manifest), path.Base(u.Path)), false
	}
	return path.Join(path.Dir(manifest), u.Path), true
}

func readManifest(name string, text []byte) (reading, error) {
	if strings.HasSuffix(name, ".mpd") {
		return readMPD(text)
	}
	return readPlaylist(string(text)), nil
}

var (
	uriAttribute = regexp.MustCompile(`[:,]URI="([^"]*)"`)
	byteRange    = regexp.MustCompile(`^#EXT-X-BYTERANGE:(\d+)(?:@(\d+))?`)
)

func readPlaylist(text string) (r reading) {
	gap, length, offset, end := false, 0, 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch m := byteRange.FindStringSubmatch(line); {
		case m != nil:
			length, _ = strconv.Atoi(m[1])
			if offset = end; m[2] != "" {
				offset, _ = strconv.Atoi(m[2])
			}
			end = offset + length
		case strings.HasPrefix(line, "#EXTINF:"):
			r.media = true
		case line == "#EXT-X-GAP":
			gap = true
		case line == "#EXT-X-ENDLIST":
			r.ended = true
		case strings.HasPrefix(line, "#EXT"):
			for _, m := range uriAttribute.FindAllStringSubmatch(line, -1) {
				r.refs = append(r.refs, ref{uri: m[1]})
			}
		case line != "" && line[0] != '#':
			if !gap {
				r.refs = append(r.refs, ref{uri: line, segment: r.media, length: length, offset: offset})
			}
			gap, length = false, 0
		}
	}
	return r
}

type segmentTemplate struct {
	Init     string `xml:"initialization,attr"`
	Media    string `xml:"media,attr"`
	Start    string `xml:"startNumber,attr"`
	Duration int    `xml:"duration,attr"`
	Scale    string `xml:"timescale,attr"`
	Timeline *struct {
		S []struct {
			T string `xml:"t,attr"`
			D int    `xml:"d,attr"`
			R int    `xml:"r,attr"`
		}
	} `xml:"SegmentTimeline"`
}

type segmentList struct {
	Init struct {
		URL string `xml:"sourceURL,attr"`
	} `xml:"Initialization"`
	URLs []struct {
		Media string `xml:"media,attr"`
	} `xml:"SegmentURL"`
}

type mpd struct {
	Type    string   `xml:"type,attr"`
	Began   string   `xml:"availabilityStartTime,attr"`
	Length  string   `xml:"mediaPresentationDuration,attr"`
	Base    []string `xml:"BaseURL"`
	Periods []struct {
		ID    string   `xml:"id,attr"`
		Start string   `xml:"start,attr"`
		Base  []string `xml:"BaseURL"`
		Sets  []struct {
			Base            []string         `xml:"BaseURL"`
			Template        *segmentTemplate `xml:"SegmentTemplate"`
			Representations []struct {
				ID        string           `xml:"id,attr"`
				Bandwidth string           `xml:"bandwidth,attr"`
				Base      []string         `xml:"BaseURL"`
				Template  *segmentTemplate `xml:"SegmentTemplate"`
				List      *segmentList     `xml:"SegmentList"`
			} `xml:"Representation"`
		} `xml:"AdaptationSet"`
	} `xml:"Period"`
}

func readMPD(text []byte) (r reading, err error) {
	var m mpd
	if err := xml.Unmarshal(text, &m); err != nil {
		return r, err
	}
	r.ended, r.began, r.starts = m.Type != "dynamic", m.Began, map[string]string{}
	for _, period := range m.Periods {
		r.starts[period.ID] = period.Start
		for _, set := range period.Sets {
			for _, rep := range set.Representations {
				base := first(m.Base) + first(period.Base) + first(set.Base) + first(rep.Base)
				template := rep.Template
				if template == nil {
					template = set.Template
				}
				name := map[string]string{"RepresentationID": rep.ID, "Bandwidth": rep.Bandwidth}
				switch {
				case rep.List != nil:
					r.add(base + rep.List.Init.URL)
					for _, u := range rep.List.URLs {
						r.add(base + u.Media)
					}
				case template != nil:
					r.template(base, *template, name, seconds(m.Length))
				default:
					r.add(base)
				}
			}
		}
	}
	return r, nil
}

func first(base []string) string {
	return strings.TrimSpace(strings.Join(base[:min(1, len(base))], ""))
}

func (r *reading) add(uri string) { r.refs = append(r.refs, ref{uri: uri}) }

var numberOf = regexp.MustCompile(`\$Number(%0\d+d)?\$`)

var identifier = regexp.MustCompile(`\$(RepresentationID|Bandwidth|Number|Time)(%0(\d+)d)?\$`)

// fill puts the values into a template.
func fill(template string, values map[string]string) string {
	return identifier.ReplaceAllStringFunc(template, func(s string) string {
		m := identifier.FindStringSubmatch(s)
		width, _ := strconv.Atoi(m[3])
		return strings.Repeat("0", max(0, width-len(values[m[1]]))) + values[m[1]]
	})
}

var timeOfDay = regexp.MustCompile(`T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$`)

// seconds returns how long a duration of an MPD is, which has no days.
func seconds(duration string) (sum float64) {
	m := timeOfDay.FindStringSubmatch(duration)
	for i := 1; i < len(m); i++ {
		part, _ := strconv.ParseFloat(m[i], 64) // what it does not have is 0
		sum = sum*60 + part
	}
	return sum
}

// template adds what t names, in an MPD of so many seconds.
func (r *reading) template(base string, t segmentTemplate, values map[string]string, length float64) {
	if t.Init != "" {
		r.add(base + fill(t.Init, values))
	}
	scale, err := strconv.Atoi(t.Scale)
	if err != nil {
		scale = 1 // its default
	}
	switch {
	case t.Timeline != nil:
	case r.ended && t.Duration > 0 && length > 0:
		first, err := strconv.Atoi(t.Start)
		if err != nil {
			first = 1 // its default
		}
		for n := range int(length * float64(scale) / float64(t.Duration)) { // that are whole
			values["Number"] = fmt.Sprint(first + n)
			r.add(base + fill(t.Media, values))
		}
		return
	default:
		quoted := regexp.QuoteMeta(base + fill(numberOf.ReplaceAllString(t.Media, "\x00"), values))
		r.patterns = append(r.patterns, regexp.MustCompile("^"+strings.ReplaceAll(quoted, "\x00", `\d+`)+"$"))
		return
	}
	number, err := strconv.Atoi(t.Start)
	if err != nil {
		number = 1 // its default
	}
	at := 0
	for _, s := range t.Timeline.S {
		if n, err := strconv.Atoi(s.T); err == nil {
			at = n
		}
		for range s.R + 1 {
			values["Number"], values["Time"] = fmt.Sprint(number), fmt.Sprint(at)
			r.add(base + fill(t.Media, values))
			number, at = number+1, at+s.D
		}
	}
}

// names reports whether the manifest names the URI.
func (r reading) names(uri string) bool {
	return slices.ContainsFunc(r.refs, func(f ref) bool { return f.uri == uri }) ||
		slices.ContainsFunc(r.patterns, func(p *regexp.Regexp) bool { return p.MatchString(uri) })
}

// endsWith reports whether r, an MPD over runs, names in the end what o names.
func (r reading) endsWith(o reading) bool {
	n := len(r.refs) - len(o.refs)
	return n >= 0 && slices.Equal(r.refs[n:], o.refs)
}

// lastSegment returns the base name of the last one.
func (r reading) lastSegment() string {
	for _, f := range slices.Backward(r.refs) {
		if f.segment {
			return path.Base(f.uri)
		}
	}
	return ""
}
