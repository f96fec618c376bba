package media

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// An mpdDocument has those parts of a DASH Media Presentation Description that name files (ISO/IEC
// 23009-1, section 5.3).
type mpdDocument struct {
	Type     string      `xml:"type,attr"`
	Began    string      `xml:"availabilityStartTime,attr"`
	Duration span        `xml:"mediaPresentationDuration,attr"`
	BaseURLs []string    `xml:"BaseURL"`
	Periods  []mpdPeriod `xml:"Period"`
	Patches  []string    `xml:"PatchLocation"`
	Clocks   []mpdClock  `xml:"UTCTiming"`
	Steering []string    `xml:"ContentSteering"`
	Services []struct {
		Steering []string `xml:"ContentSteering"`
	} `xml:"ServiceDescription"`
}

// An mpdClock tells where a player gets the time (section 5.8.4.11).
type mpdClock struct {
	Scheme string `xml:"schemeIdUri,attr"`
	Value  string `xml:"value,attr"`
}

type mpdPeriod struct {
	Start    span     `xml:"start,attr"`
	Duration span     `xml:"duration,attr"`
	BaseURLs []string `xml:"BaseURL"`
	Remote   string   `xml:"http://www.w3.org/1999/xlink href,attr"` // its content is in another file
	mpdSegments
	Sets []struct {
		BaseURLs []string `xml:"BaseURL"`
		Remote   string   `xml:"http://www.w3.org/1999/xlink href,attr"`
		mpdSegments
		Representations []mpdRepresentation `xml:"Representation"`
	} `xml:"AdaptationSet"`
}

type mpdRepresentation struct {
	ID        string   `xml:"id,attr"`
	Bandwidth number   `xml:"bandwidth,attr"`
	BaseURLs  []string `xml:"BaseURL"`
	mpdSegments
}

// ParseMPD reads a Media Presentation Description. It names the init segment of each
// representation, then its segments, all of them under each alternative BaseURL. Of Periods and
// AdaptationSets in other files (xlink), it names those files. Segments of a dynamic presentation
// that has only their duration are a [Series]: the clock and not the file tells which of them exist.
// It leaves out Location, which is where the file itself is.
func ParseMPD(b []byte) (Manifest, error) {
	var doc mpdDocument
	if err := decodeXML(b, "MPD", &doc); err != nil {
		return Manifest{}, fmt.Errorf("MPD: %w", err)
	}
	tracks, err := doc.tracks()
	if err != nil {
		return Manifest{}, fmt.Errorf("MPD: %w", err)
	}
	m := listedIn(tracks)
	m.addUnlisted(tracks)
	typ := strings.TrimSpace(doc.Type)
	m.Ended = typ == "" || typ == "static"
	m.Began, _ = MPDTime(doc.Began)
	m.references = namedBy(doc.optional(), tracks)
	return m, nil
}

// listedIn returns what the tracks count for. Times and numbers do not mix: where some tracks have
// times, these tell.
func listedIn(tracks []mpdTrack) (m Manifest) {
	var timed, untimed Manifest
	for _, t := range tracks {
		if t.timed {
			timed.add(t.listed)
		} else {
			untimed.add(t.listed)
		}
	}
	m = timed
	if timed.Segments == 0 {
		m = untimed
	}
	m.Segments = atMost(plus(uint64(timed.Segments), uint64(untimed.Segments)))
	m.TargetDuration = max(timed.TargetDuration, untimed.TargetDuration)
	return m
}

// addUnlisted adds what the tracks have of segments that are not listed.
func (m *Manifest) addUnlisted(tracks []mpdTrack) {
	for i := range tracks {
		t := &tracks[i]
		switch {
		case t.series != nil && len(m.Series) < maxSeries:
			m.Series = append(m.Series, *t.series)
		case (t.series != nil || t.unordered) && m.Unordered == "":
			m.Unordered = t.segments.Template.Media.String()
		}
	}
}

// namedBy yields the files with the optional URIs, and those that the tracks name.
func namedBy(optional []string, tracks []mpdTrack) iter.Seq[Reference] {
	return func(yield func(Reference) bool) {
		for _, uri := range optional {
			if !yield(Reference{URI: uri, Optional: true}) {
				return
			}
		}
		for _, t := range tracks {
			if !t.each(yield) {
				return
			}
		}
	}
}

// optional returns the URIs of what players can do without: a patch instead of the whole manifest, a
// steering manifest, a Period or a set of another writer, the time.
func (doc *mpdDocument) optional() (uris []string) {
	add := func(uri string) {
		if uri = strings.TrimSpace(uri); uri != "" && !hasScheme(uri) && len(uri) <= maxURI {
			uris = append(uris, uri)
		}
	}
	for _, p := range doc.Patches {
		add(p)
	}
	for _, s := range doc.Steering {
		add(s)
	}
	for _, service := range doc.Services {
		for _, s := range service.Steering {
			add(s)
		}
	}
	for _, c := range doc.Clocks {
		if strings.HasPrefix(c.Scheme, "urn:mpeg:dash:utc:http-") {
			for uri := range strings.FieldsSeq(c.Value) {
				add(uri)
			}
		}
	}
	for _, p := range doc.Periods {
		add(p.Remote)
		for _, set := range p.Sets {
			add(set.Remote)
		}
	}
	return uris
}

// MPDTime reads an xs:dateTime, which is in UTC if it has no zone. It returns the zero time and
// false if text is none.
func MPDTime(text string) (t time.Time, ok bool) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// tracks returns all representations.
func (doc *mpdDocument) tracks() ([]mpdTrack, error) {
	var tracks []mpdTrack
	var none *mpdBase
	top, err := none.with(doc.BaseURLs)
	if err != nil {
		return nil, err
	}
	whens := doc.whens()
	for i, p := range doc.Periods {
		inPeriod, err := top.with(p.BaseURLs)
		if err != nil {
			return nil, err
		}
		for _, set := range p.Sets {
			inSet, err := inPeriod.with(set.BaseURLs)
			if err != nil {
				return nil, err
			}
			segments := set.inherit(p.mpdSegments)
			for _, r := range set.Representations {
				base, err := inSet.with(r.BaseURLs)
				if err != nil {
					return nil, err
				}
				t := mpdTrack{base: base, values: values{id: r.ID, bandwidth: r.Bandwidth.n}}
				if err := t.list(r.inherit(segments), whens[i]); err != nil {
					return nil, fmt.Errorf("representation %.40q: %w", r.ID, err)
				}
				tracks = append(tracks, t)
			}
		}
	}
	return tracks, nil
}

// An mpdWhen is the place of a Period in the presentation.
type mpdWhen struct {
	start  time.Duration
	length time.Duration // 0 if it is not known
	live   bool          // it may still last: its end says nothing of which segments exist
}

// whens returns the time of each Period (section 5.3.2.1).
func (doc *mpdDocument) whens() []mpdWhen {
	whens := make([]mpdWhen, len(doc.Periods))
	begin, known := time.Duration(0), true
	for i, p := range doc.Periods {
		if p.Start.set {
			begin, known = p.Start.d, true
		}
		w := mpdWhen{start: begin, live: strings.TrimSpace(doc.Type) == "dynamic"}
		switch last := i == len(doc.Periods)-1; {
		case p.Duration.set:
			w.length = p.Duration.d
		case !known:
		case !last && doc.Periods[i+1].Start.set:
			w.length = max(doc.Periods[i+1].Start.d-begin, 0)
		case last && doc.Duration.set:
			w.length = max(doc.Duration.d-begin, 0)
		}
		whens[i] = w
		begin = min(begin+w.length, maxSpan)
		known = known && w.length > 0
	}
	return whens
}

// An mpdBase is what names are relative to: the alternative BaseURLs of one level, which are
// relative to those of the level above. They are joined when they are needed: each name of a small
// file could be long otherwise. nil is the place of the file itself.
type mpdBase struct {
	above *mpdBase
	urls  []string
	count int // of alternatives, with those above
}

// with returns b, or the base of the level below it if that has BaseURLs (section 5.6.4).
func (b *mpdBase) with(urls []string) (*mpdBase, error) {
	below := mpdBase{above: b}
	for _, u := range urls {
		if u = strings.TrimSpace(u); u == "" {
			continue
		}
		if err := checkLength(len(u)); err != nil {
			return nil, fmt.Errorf("BaseURL: %w", err)
		}
		below.urls = append(below.urls, u)
	}
	if len(below.urls) == 0 {
		return b, nil
	}
	if below.count = len(below.urls) * b.alternatives(); below.count > maxBases {
		return nil, fmt.Errorf("its BaseURLs have %d combinations, more than %d", below.count, maxBases)
	}
	return &below, nil
}

func (b *mpdBase) alternatives() int {
	if b == nil {
		return 1
	}
	return b.count
}

// each yields what uri means under each alternative, and reports whether yield wants more. An empty
// uri means the base itself.
func (b *mpdBase) each(uri string, yield func(string) bool) bool {
	if b == nil {
		return uri == "" || yield(uri)
	}
	for _, u := range b.urls {
		if !b.above.each(joinURI(u, uri), yield) {
			return false
		}
	}
	return true
}
