package main

import (
	"fmt"
	"slices"
	"strings"
)

// A preset is a series of cases whose rounds are interleaved, and whose figures stand in one table. A
// case is the command line that measures it by itself. What the user says besides wins over the flags of
// all cases, and those of a case over that.
type preset struct {
	name, title string
	all         string // of the command line of all cases
	cases       []presetCase
}

type presetCase struct{ name, flags string }

// The rounds of a case are as short as its figures allow. What the daemon does in the first minute of a
// stream, it does at no other time.
var presets = []preset{{
	"peers", "20 streams of 2 Mbit/s, beside the floor and what people use instead",
	"-schemes http,https -rounds 5 -warm 64s -others-warm 12s -measure 20s", []presetCase{{"20 streams", ""}},
}, {
	"thousand", "1,000 streams, chunks of 200 kB each 6 s",
	"-tools sidecar,floor -rounds 3 -streams 1000 -size 200000 -chunk 6s -warm 72s -others-warm 18s -measure 60s",
	[]presetCase{{"1,000 streams", ""}},
}, {
	"backends", "200 streams, chunks of 200 kB each 6 s, by backend",
	"-tools sidecar -rounds 3 -streams 200 -size 200000 -chunk 6s -warm 72s -measure 30s",
	[]presetCase{{"inotify", "-backend inotify"}, {"fsnotify", "-backend fsnotify"}, {"poll", "-backend poll"}},
}, {
	"packets", "200 streams of 2 Mbit/s, in writes of 188 bytes",
	"-tools sidecar,floor -rounds 1 -streams 200 -writes 2660 -warm 64s -measure 120s",
	[]presetCase{{"200 streams", ""}},
}, {
	"scale", "chunks of 200 kB each 6 s, by the number of streams",
	"-tools sidecar,floor -rounds 3 -size 200000 -chunk 6s -warm 72s -others-warm 18s -measure 60s",
	[]presetCase{
		{"10", "-streams 10"}, {"50", "-streams 50"}, {"200", "-streams 200"}, {"500", "-streams 500"},
		{"1,000", "-streams 1000"}, {"10 beside 1,000 that rest", "-streams 10 -resting 1000 -settle 75s"},
		{"idle", "-streams 0 -tools sidecar"},
	},
}, {
	"tail", "50 streams of 100 kB chunks, and a store like S3",
	"-tools sidecar -rounds 5 -streams 50 -size 100000 -writes 16 -batches 4 -warm 64s -measure 60s",
	[]presetCase{{"a store like S3", "-delay lognormal:60ms,270ms,2%,3s"}},
}, {
	"outage", "50 streams, and an outage of 60 s",
	"-tools sidecar -rounds 3 -streams 50 -outage 60s -warm 20s -measure 110s -grace 60s",
	[]presetCase{
		{"connections are reset", "-outage-kind reset -size 50000 -writes 16 -batches 4"},
		{"no answer", "-size 50000 -writes 16 -batches 4 -outage-kind hang"},
		{"503", "-size 50000 -writes 16 -batches 4 -outage-kind 503"},
		{"a line of 40 MB/s, chunks of 500 kB", "-line 40e6"},
	},
}, {
	"recording", "20 streams of 2 Mbit/s, and a recording",
	"-tools sidecar,floor -rounds 3 -warm 64s -others-warm 12s -measure 10m -recording 8000000000",
	[]presetCase{{"no recording", "-measure 30s -recording 0"}, {"with it", ""}},
}, {
	"start", "100,000 files on the disk, and 100 live streams",
	"-tools sidecar -rounds 3 -streams 100 -size 50000 -writes 16 -batches 4 -old 100000 -ahead 11s -warm 0s -measure 60s -grace 1s",
	[]presetCase{{"the bucket has them", "-old-known"}, {"the bucket has nothing", ""}},
}, {
	"fairness", "20 streams of 2 Mbit/s, and a store that takes 60 ms for each PUT",
	"-tools sidecar -rounds 3 -delay fixed:60ms -warm 64s -measure 60s",
	[]presetCase{
		{"alone", ""}, {"a stream with chunks of 200 MB", "-large 200000000"},
		{"20 streams to a bucket that takes 3 s", "-slow-bucket fixed:3s"},
		{"a master playlist of 2,000 streams", "-children 2000"},
	},
}}

func presetNames() (names []string) {
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// A series is what stands in one table.
type series struct {
	title  string
	rounds int
	cases  []benchCase
}

// A benchCase is one of a series. Its name is empty if it is the only thing that is measured.
type benchCase struct {
	name    string
	options options
	tools   []tool
}

// plannedSeries returns what a command line asks for.
func plannedSeries(arguments []string) (all []series, err error) {
	o, err := parse(arguments)
	if err != nil {
		return nil, err
	}
	if o.presets == "" {
		return []series{{rounds: o.rounds, cases: []benchCase{{options: o}}}}, nil
	}
	names := strings.Split(o.presets, ",")
	if o.presets == "all" {
		names = presetNames()
	}
	for _, name := range names {
		i := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-preset %q: want %s or all", name, strings.Join(presetNames(), ", "))
		}
		s := series{title: presets[i].title}
		for _, c := range presets[i].cases {
			line := slices.Concat(strings.Fields(presets[i].all), arguments, strings.Fields(c.flags))
			if o, err = parse(line); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", name, c.name, err)
			}
			s.cases = append(s.cases, benchCase{name: c.name, options: o})
			s.rounds = o.rounds
		}
		all = append(all, s)
	}
	return all, nil
}
