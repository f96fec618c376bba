package main

import (
	"fmt"
	"slices"
	"strings"

	"ems-sidecar/media"
)

// formats are what the demo plays, each once, in the order in which they are asked for.
type formats []media.Format

// playable are the formats that the demo has recordings of.
var playable = formats{media.HLS, media.HDS, media.DASH}

// UnmarshalText reads a comma-separated list of names.
func (f *formats) UnmarshalText(text []byte) error {
	var wanted formats
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(playable, func(p media.Format) bool { return strings.EqualFold(name, p.String()) })
		if i < 0 {
			return fmt.Errorf("%q is no format of the demo: it has %s, several with a comma between them", name, playable)
		}
		if !slices.Contains(wanted, playable[i]) {
			wanted = append(wanted, playable[i])
		}
	}
	*f = wanted
	return nil
}

func (f formats) String() string {
	names := make([]string, len(f))
	for i, format := range f {
		names[i] = strings.ToLower(format.String())
	}
	return strings.Join(names, ", ")
}
