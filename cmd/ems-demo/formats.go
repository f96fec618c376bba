package main

import (
	"fmt"
	"slices"
	"strings"

	"ems-sidecar/media"
)

// formats are those that the demo plays, each once, in the order of the command line.
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
			return fmt.Errorf("the demo does not have the format %q, only %s: write several with commas between them",
				name, playable)
		}
		if !slices.Contains(wanted, playable[i]) {
			wanted = append(wanted, playable[i])
		}
	}
	*f = wanted
	return nil
}

// MarshalText returns the list that UnmarshalText reads.
func (f formats) MarshalText() ([]byte, error) {
	return []byte(strings.ReplaceAll(f.String(), " ", "")), nil
}

func (f formats) String() string {
	names := make([]string, len(f))
	for i, format := range f {
		names[i] = strings.ToLower(format.String())
	}
	return strings.Join(names, ", ")
}
