package media

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// An f4mDocument has those parts of Adobe's F4M, versions 1.0 to 3.0, that name files.
type f4mDocument struct {
	BaseURL    string         `xml:"baseURL"`
	StreamType string         `xml:"streamType"`
	Bootstraps []f4mBootstrap `xml:"bootstrapInfo"`
	Headers    []struct {
		URL string `xml:"url,attr"`
	} `xml:"drmAdditionalHeader"`
	Media []f4mMedia `xml:"media"`
	Sets  []struct {
		Media []f4mMedia `xml:"media"`
	} `xml:"adaptiveSet"` // since 3.0
}

type f4mBootstrap struct {
	ID      string `xml:"id,attr"`
	URL     string `xml:"url,attr"`
	Content string `xml:",chardata"`

	inline *Bootstrap // without URL
	lists  Manifest   // what inline names of one media
}

type f4mMedia struct {
	URL         string `xml:"url,attr"`
	Href        string `xml:"href,attr"` // of a manifest; since version 2.0
	BootstrapID string `xml:"bootstrapInfoId,attr"`
	Multicast   string `xml:"groupspec,attr"`
}

// ParseF4M reads a manifest of one stream or of a set of streams. It names the manifests of a set,
// bootstrap files, DRM headers, the fragments that bootstrap information in the manifest lists, and
// media without bootstrap information, which are whole files. For what bootstrap files list, see
// [ParseBootstrap] and the Media of the result.
//
// A manifest without media is complete: EMS writes that when a stream ends. It is Ended only if it
// says that the stream is recorded. The end of a live stream is in the bootstrap.
func ParseF4M(b []byte) (Manifest, error) {
	var doc f4mDocument
	if err := decodeXML(b, "manifest", &doc); err != nil {
		return Manifest{}, fmt.Errorf("F4M: %w", err)
	}
	m, err := doc.manifest()
	if err != nil {
		return Manifest{}, fmt.Errorf("F4M: %w", err)
	}
	return m, nil
}

// An f4mItem is something that an F4M names.
type f4mItem struct {
	uri     string
	segment bool
	set     bool       // a manifest of a set
	inline  *Bootstrap // uri is the media whose fragments it lists
}

func (doc *f4mDocument) manifest() (Manifest, error) {
	m := Manifest{Ended: strings.TrimSpace(doc.StreamType) == "recorded"}
	base, err := doc.base()
	if err != nil {
		return Manifest{}, err
	}
	bootstraps, err := doc.bootstraps(base)
	if err != nil {
		return Manifest{}, err
	}
	items := doc.outside()
	media := doc.Media
	for _, set := range doc.Sets {
		media = append(media, set.Media...)
	}
	children := 0
	for _, named := range media {
		if named.Href != "" {
			items = append(items, f4mItem{uri: named.Href, set: true})
			children++
			continue
		}
		// A bootstrapInfo without id is for the media without bootstrapInfoId.
		item, err := m.addMedia(named, bootstraps[named.BootstrapID], base)
		if err != nil {
			return Manifest{}, err
		}
		if item.uri != "" {
			items = append(items, item)
		}
		if len(m.Media) > MaxManifests {
			return Manifest{}, &TooManyError{"media with bootstraps", len(media), MaxManifests}
		}
	}
	m.Set = children > 0 && children == len(media) && len(doc.Bootstraps) == 0
	m.references = func(yield func(Reference) bool) {
		for _, item := range items {
			if !item.each(base, yield) {
				return
			}
		}
	}
	return m, nil
}

// base returns what relative URLs begin with.
func (doc *f4mDocument) base() (string, error) {
	base := strings.TrimSpace(doc.BaseURL)
	if base != "" && !strings.HasSuffix(base, "/") {
		base += "/" // it is always a directory
	}
	if err := checkLength(len(base)); err != nil {
		return "", fmt.Errorf("baseURL: %w", err)
	}
	return base, nil
}

// bootstraps returns the bootstraps by their ids, each with its content or its whole URL.
func (doc *f4mDocument) bootstraps(base string) (map[string]f4mBootstrap, error) {
	all := make(map[string]f4mBootstrap, len(doc.Bootstraps))
	for _, boot := range doc.Bootstraps {
		if err := boot.read(); err != nil {
			return nil, fmt.Errorf("bootstrapInfo %.40q: %w", boot.ID, err)
		}
		if boot.URL != "" {
			boot.URL = joinURI(base, boot.URL)
		}
		if _, twice := all[boot.ID]; !twice {
			all[boot.ID] = boot
		}
	}
	return all, nil
}

// outside returns the files of bootstraps and headers that are not in the document itself.
func (doc *f4mDocument) outside() (items []f4mItem) {
	for _, boot := range doc.Bootstraps {
		if boot.URL != "" {
			items = append(items, f4mItem{uri: boot.URL})
		}
	}
	for _, h := range doc.Headers {
		if h.URL != "" {
			items = append(items, f4mItem{uri: h.URL})
		}
	}
	return items
}

// addMedia adds one media element, with its bootstrap if it has one. It returns what the element
// names itself. An element whose bootstrap is a file names nothing: see [Manifest.Media].
func (m *Manifest) addMedia(named f4mMedia, boot f4mBootstrap, base string) (f4mItem, error) {
	if err := checkLength(len(named.URL)); err != nil {
		return f4mItem{}, fmt.Errorf("media: %w", err)
	}
	switch {
	case named.URL == "":
	case boot.inline != nil:
		m.add(boot.lists)
		return f4mItem{uri: named.URL, inline: boot.inline}, nil
	case boot.URL != "":
		m.Media = append(m.Media, BootstrappedMedia{Bootstrap: boot.URL, URL: joinURI(base, named.URL)})
	case named.BootstrapID == "" && named.Multicast == "":
		m.Segments = atMost(uint64(m.Segments) + 1)
		return f4mItem{uri: named.URL, segment: true}, nil
	}
	return f4mItem{}, nil
}

// each yields what the item names, and reports whether yield wants more.
func (item f4mItem) each(base string, yield func(Reference) bool) bool {
	uri := joinURI(base, item.uri)
	if item.inline != nil {
		return item.inline.each(uri, yield)
	}
	return yield(Reference{URI: uri, Segment: item.segment, Manifest: item.set})
}

// read reads the content of a bootstrapInfo without a URL. The XML is complete, so that the next
// closing brings no rest of it: no error wraps ErrIncomplete.
func (boot *f4mBootstrap) read() error {
	if boot.URL != "" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(boot.Content), ""))
	if err != nil {
		return err
	}
	inline, err := ParseBootstrap(b)
	if err != nil {
		return fmt.Errorf("%v", err)
	}
	boot.inline, boot.lists = &inline, inline.Manifest([]string{""})
	return nil
}

// add adds the counts of part to those of m.
func (m *Manifest) add(part Manifest) {
	m.TargetDuration = max(m.TargetDuration, part.TargetDuration)
	if part.Segments == 0 {
		return
	}
	if m.Segments == 0 {
		m.Sequence = part.Sequence
	}
	m.Sequence = min(m.Sequence, part.Sequence)
	m.Last = max(m.Last, part.Last)
	m.Segments = atMost(plus(uint64(m.Segments), uint64(part.Segments)))
}
