package media

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// mpdSegments tell which segments exist. An element has one of the three at most.
type mpdSegments struct {
	Template *mpdSegmentInfo `xml:"SegmentTemplate"`
	List     *mpdSegmentInfo `xml:"SegmentList"`
	Base     *mpdSegmentInfo `xml:"SegmentBase"`
}

// inherit returns what s says together with what the element above says (ISO/IEC 23009-1, section
// 5.3.9.1).
func (s mpdSegments) inherit(above mpdSegments) mpdSegments {
	switch {
	case s.Template != nil:
		return mpdSegments{Template: s.Template.inherit(above.Template)}
	case s.List != nil:
		return mpdSegments{List: s.List.inherit(above.List)}
	case s.Base != nil:
		return mpdSegments{Base: s.Base.inherit(above.Base)}
	}
	return above
}

// An mpdSegmentInfo is a SegmentBase, SegmentList or SegmentTemplate (sections 5.3.9.2 to 5.3.9.4):
// each has some of these.
type mpdSegmentInfo struct {
	Timescale   number `xml:"timescale,attr"`
	Offset      offset `xml:"presentationTimeOffset,attr"`
	Duration    number `xml:"duration,attr"`
	StartNumber offset `xml:"startNumber,attr"`

	Media     template `xml:"media,attr"`
	Index     template `xml:"index,attr"`
	Init      template `xml:"initialization,attr"`
	Switching template `xml:"bitstreamSwitching,attr"`

	Timeline      *mpdTimeline   `xml:"SegmentTimeline"`
	InitFile      *mpdFile       `xml:"Initialization"`
	IndexFile     *mpdFile       `xml:"RepresentationIndex"`
	SwitchingFile *mpdFile       `xml:"BitstreamSwitching"`
	URLs          mpdSegmentURLs `xml:"SegmentURL"`
}

// An mpdFile is a file, or a range of one, without which no segment can be played. Without a name
// it is in the same file.
type mpdFile struct {
	URL string `xml:"sourceURL,attr"`
}

func (s *mpdSegmentInfo) inherit(above *mpdSegmentInfo) *mpdSegmentInfo {
	if above == nil {
		return s
	}
	m := *s
	m.Timescale = cmp.Or(s.Timescale, above.Timescale)
	m.Offset = cmp.Or(s.Offset, above.Offset)
	m.Duration = cmp.Or(s.Duration, above.Duration)
	m.StartNumber = cmp.Or(s.StartNumber, above.StartNumber)
	m.Media = orTemplate(s.Media, above.Media)
	m.Index = orTemplate(s.Index, above.Index)
	m.Init = orTemplate(s.Init, above.Init)
	m.Switching = orTemplate(s.Switching, above.Switching)
	m.Timeline = cmp.Or(s.Timeline, above.Timeline)
	m.InitFile = cmp.Or(s.InitFile, above.InitFile)
	m.IndexFile = cmp.Or(s.IndexFile, above.IndexFile)
	m.SwitchingFile = cmp.Or(s.SwitchingFile, above.SwitchingFile)
	if len(s.URLs.list) == 0 {
		m.URLs = above.URLs
	}
	return &m
}

func orTemplate(t, other template) template {
	if len(t) > 0 {
		return t
	}
	return other
}

// An mpdTimeline is a SegmentTimeline (section 5.3.9.6).
type mpdTimeline struct {
	S mpdTimes `xml:"S"`
}

// mpdTimes are its S elements. For an appending stream, EMS writes one for each segment of a day,
// so that they are read without reflection.
type mpdTimes struct{ timeline }

// UnmarshalXML reads one S element. Its @r counts the repetitions and not the segments. If it is
// negative, they are as many as fit.
func (l *mpdTimes) UnmarshalXML(decoder *xml.Decoder, start xml.StartElement) error {
	var t, d number
	var r int64
	for _, a := range start.Attr {
		var err error
		switch a.Name.Local {
		case "t":
			err = t.UnmarshalXMLAttr(a)
		case "d":
			err = d.UnmarshalXMLAttr(a)
		case "r":
			if r, err = strconv.ParseInt(strings.TrimSpace(a.Value), 10, 64); err != nil {
				err = fmt.Errorf("r: %.40q is not a number in range", a.Value)
			}
		}
		if err != nil {
			return fmt.Errorf("element S: %w", err)
		}
	}
	if !d.set {
		return errors.New("element S: it has no duration")
	}
	if err := l.add(t.n, d.n, uint64(max(r, 0))+1, t.set, r < 0); err != nil {
		return fmt.Errorf("element S: %w", err)
	}
	return decoder.Skip()
}

// mpdSegmentURLs are the SegmentURL elements of a list.
type mpdSegmentURLs struct {
	list   []mpdSegmentURL
	ranges uint64 // how many have no file of their own: they are a range of the BaseURL's
}

type mpdSegmentURL struct{ media, index string }

// UnmarshalXML reads one SegmentURL.
func (u *mpdSegmentURLs) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var segment mpdSegmentURL
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "media":
			segment.media = a.Value
		case "index":
			segment.index = a.Value
		}
	}
	if segment.media == "" {
		u.ranges++
	}
	u.list = append(u.list, segment)
	return d.Skip()
}
