package media

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// An ismcDocument has those parts of a Smooth Streaming client manifest that name fragments
// ([MS-SSTR], section 2.2.2).
type ismcDocument struct {
	TimeScale number       `xml:"TimeScale,attr"`
	IsLive    string       `xml:"IsLive,attr"`
	Streams   []ismcStream `xml:"StreamIndex"`
}

type ismcStream struct {
	URL       string        `xml:"Url,attr"`
	TimeScale number        `xml:"TimeScale,attr"`
	Levels    []ismcLevel   `xml:"QualityLevel"`
	Fragments ismcFragments `xml:"c"`
}

type ismcLevel struct {
	Bitrate    number `xml:"Bitrate,attr"`
	Attributes []struct {
		Name  string `xml:"Name,attr"`
		Value string `xml:"Value,attr"`
	} `xml:"CustomAttributes>Attribute"`
}

// ParseISMC reads a client manifest. It names each fragment of each quality level. MSS has no init
// segments.
func ParseISMC(b []byte) (Manifest, error) {
	var doc ismcDocument
	if err := decodeXML(b, "SmoothStreamingMedia", &doc); err != nil {
		return Manifest{}, fmt.Errorf("ISMC: %w", err)
	}
	m := Manifest{Ended: !strings.EqualFold(strings.TrimSpace(doc.IsLive), "true")}
	var tracks []ismcTrack
	for _, s := range doc.Streams {
		timescale := s.TimeScale.or(doc.TimeScale.or(10_000_000))
		if timescale == 0 {
			return Manifest{}, errors.New("ISMC: its TimeScale is 0")
		}
		pattern, err := mssTemplate(s.URL)
		if err != nil {
			return Manifest{}, fmt.Errorf("ISMC: Url: %w", err)
		}
		if len(pattern) == 0 || s.Fragments.count == 0 {
			continue
		}
		for _, level := range s.Levels {
			id := level.customAttributes()
			if err := pattern.check(id); err != nil {
				return Manifest{}, fmt.Errorf("ISMC: Url: %w", err)
			}
			v := values{id: id, bandwidth: level.Bitrate.n}
			tracks = append(tracks, ismcTrack{pattern, s.Fragments.timeline, v})
		}
		m.add(Manifest{
			Segments:       atMost(product(s.Fragments.count, uint64(len(s.Levels)))),
			Sequence:       scaled(s.Fragments.first(), 1000, timescale),
			Last:           scaled(s.Fragments.last(), 1000, timescale),
			TargetDuration: ticks(s.Fragments.longest, timescale),
		})
	}
	m.references = func(yield func(Reference) bool) {
		for _, t := range tracks {
			for _, at := range t.times.begins() {
				t.values.time = at
				if !yield(Reference{URI: t.pattern.expand(t.values), Segment: true}) {
					return
				}
			}
		}
	}
	return m, nil
}

// An ismcTrack is one quality level of one stream.
type ismcTrack struct {
	pattern template
	times   timeline
	values  values
}

// customAttributes returns what {CustomAttributes} stands for (section 2.2.2.4).
func (l ismcLevel) customAttributes() string {
	pairs := make([]string, len(l.Attributes))
	for i, a := range l.Attributes {
		pairs[i] = a.Name + "=" + a.Value
	}
	return strings.Join(pairs, ",")
}

// ismcFragments are the c elements of a stream (section 2.2.2.6).
type ismcFragments struct {
	timeline
	// implicit: the last run lasts until the next one begins.
	implicit bool
}

// UnmarshalXML reads one c element. Its @r counts the fragments.
func (f *ismcFragments) UnmarshalXML(decoder *xml.Decoder, start xml.StartElement) error {
	var t, d, r number
	for _, a := range start.Attr {
		var err error
		switch a.Name.Local {
		case "t":
			err = t.UnmarshalXMLAttr(a)
		case "d":
			err = d.UnmarshalXMLAttr(a)
		case "r":
			err = r.UnmarshalXMLAttr(a)
		}
		if err != nil {
			return fmt.Errorf("element c: %w", err)
		}
	}
	n := r.or(1)
	if n == 0 {
		return errors.New("element c: r is 0")
	}
	if f.implicit && t.set {
		f.stretch(t.n)
	}
	f.implicit = !d.set
	if err := f.add(t.n, d.n, n, t.set, false); err != nil {
		return fmt.Errorf("element c: %w", err)
	}
	return decoder.Skip()
}
