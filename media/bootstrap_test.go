package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func parseBootstrapOfF4V(b []byte) (Manifest, error) {
	boot, err := ParseBootstrap(b)
	return boot.Manifest([]string{"f4v"}), err
}

func TestRecordedBootstraps(t *testing.T) {
	testRecordings(t, "bootstrap", parseBootstrapOfF4V, []recording{
		{"first", Manifest{Segments: 1, Sequence: 1, Last: 1, TargetDuration: 4440 * time.Millisecond},
			[]string{"f4vSeg1-Frag1"}},
		{"growing", Manifest{Segments: 4, Sequence: 1, Last: 4, TargetDuration: 4517 * time.Millisecond},
			[]string{"f4vSeg1-Frag1", "f4vSeg1-Frag2", "f4vSeg1-Frag3", "f4vSeg1-Frag4"}},
		{"full", Manifest{Segments: 5, Sequence: 1, Last: 5, TargetDuration: 4440 * time.Millisecond},
			[]string{"f4vSeg1-Frag1", "f4vSeg1-Frag2", "f4vSeg1-Frag3", "f4vSeg1-Frag4", "f4vSeg1-Frag5"}},
		{"rolling", Manifest{Segments: 5, Sequence: 12, Last: 16, TargetDuration: 4648 * time.Millisecond},
			[]string{"f4vSeg1-Frag12", "f4vSeg1-Frag13", "f4vSeg1-Frag14", "f4vSeg1-Frag15", "f4vSeg1-Frag16"}},
	})
}

// An abst is bootstrap information to be written.
type abst struct {
	version   byte
	flags     byte
	timescale uint32
	now       uint64
	texts     bool // put something into each string
	asrt      []abstTable
	afrt      []abstTable
}

// An abstTable has runs of {first, fragments per segment}, or of {first, timestamp, duration} and
// maybe the indicator of a discontinuity.
type abstTable struct {
	modifiers []string
	timescale uint32
	runs      [][]uint64
}

const live, update = 0x20, 0x10

func (a abst) bytes() []byte {
	b := []byte{a.version, 0, 0, 0, 0, 0, 0, 9, a.flags}
	b = binary.BigEndian.AppendUint32(b, a.timescale)
	b = binary.BigEndian.AppendUint64(b, a.now)
	b = binary.BigEndian.AppendUint64(b, 0)
	if a.texts {
		b = append(b, "movie\x00\x02http://a\x00http://b\x00\x01hd\x00drm\x00meta\x00"...)
	} else {
		b = append(b, 0, 0, 0, 0, 0)
	}
	b = append(b, byte(len(a.asrt)))
	for _, table := range a.asrt {
		b = append(b, table.bytes("asrt")...)
	}
	b = append(b, byte(len(a.afrt)))
	for _, table := range a.afrt {
		b = append(b, table.bytes("afrt")...)
	}
	return boxed("abst", b)
}

func (t abstTable) bytes(name string) []byte {
	b := []byte{0, 0, 0, 0}
	if name == "afrt" {
		b = binary.BigEndian.AppendUint32(b, t.timescale)
	}
	b = append(b, byte(len(t.modifiers)))
	for _, m := range t.modifiers {
		b = append(append(b, m...), 0)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(t.runs)))
	for _, r := range t.runs {
		b = binary.BigEndian.AppendUint32(b, uint32(r[0]))
		if name == "asrt" {
			b = binary.BigEndian.AppendUint32(b, uint32(r[1]))
			continue
		}
		b = binary.BigEndian.AppendUint64(b, r[1])
		b = binary.BigEndian.AppendUint32(b, uint32(r[2]))
		if r[2] == 0 {
			b = append(b, byte(r[3]))
		}
	}
	return boxed(name, b)
}

func boxed(name string, b []byte) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(b)+8)), name...), b...)
}

// ranges writes what m names, which has to be fragments of the media m, as "segment/from-to …".
func ranges(m Manifest) string {
	var all []string
	segment, from, to := int64(-1), int64(-1), int64(-1)
	flush := func() {
		if segment >= 0 {
			all = append(all, fmt.Sprintf("%d/%d-%d", segment, from, to))
		}
	}
	for r := range m.References() {
		var s, f int64
		if _, err := fmt.Sscanf(r.URI, "mSeg%d-Frag%d", &s, &f); err != nil || !r.Segment {
			return "not a fragment: " + r.URI
		}
		if s != segment || f != to+1 {
			flush()
			segment, from = s, f
		}
		to = f
	}
	flush()
	return strings.Join(all, " ")
}

type runs = [][]uint64

func TestFragments(t *testing.T) {
	for name, c := range map[string]struct {
		flags byte
		now   uint64
		asrt  runs
		afrt  runs
		want  string
		ended bool
	}{
		"EMS, rolling": {live, 73124, runs{{1, 5}}, runs{{12, 50341, 4644}, {16, 68476, 4648}},
			"1/12-16", false},
		"EMS, appending": {live, 73124, runs{{1, 16}}, runs{{1, 1124, 4440}, {16, 68476, 4648}},
			"1/1-16", false},
		"EMS, the second window": {live, 27655, runs{{1, 5}}, runs{{2, 5564, 4467}, {6, 23124, 4531}},
			"1/2-6", false},
		"EMS, ended": {live, 73124, runs{{1, 5}}, runs{{12, 50341, 4644}, {16, 68476, 4648}, {0, 0, 0, 0}},
			"1/12-16", true},
		"recorded, the last fragment shorter": {0, 186345, runs{{1, 47}}, runs{{1, 0, 4000}, {47, 184000, 2345}, {0, 0, 0, 0}},
			"1/1-47", true},
		"recorded, the last fragment shorter, in one run": {0, 186345, runs{{1, unknownCount}}, runs{{1, 0, 4000}},
			"1/1-47", true},
		"recorded, without a time": {0, 0, runs{{1, 47}}, runs{{1, 0, 4000}, {47, 184000, 2345}},
			"1/1-47", true},
		"recorded, without a time, in one run": {0, 0, runs{{1, 47}}, runs{{1, 0, 4000}},
			"1/1-47", true},
		"recorded, of rounded durations": {0, 8808, runs{{1, 2}}, runs{{1, 0, 4400}},
			"1/1-2", true},
		"recorded, of durations rounded down": {0, 8800, runs{{1, 3}}, runs{{1, 0, 4400}},
			"1/1-3", true},
		"recorded, in segments": {0, 400000, runs{{1, 30}, {4, 10}}, runs{{1, 0, 4000}},
			"1/1-30 2/31-60 3/61-90 4/91-100", true},
		"recorded, in one run of segments": {0, 400000, runs{{1, 30}}, runs{{1, 0, 4000}},
			"1/1-30 2/31-60 3/61-90 4/91-100", true},
		"live, of a count that is not known": {live, 43999, runs{{1, unknownCount}}, runs{{1, 0, 4000}},
			"1/1-10", false},
		"live, the time is the latest begin": {live, 44000, runs{{1, unknownCount}}, runs{{11, 40000, 4000}, {12, 44000, 4000}},
			"1/11-12", false},
		"live, the time is the latest begin, in one run": {live, 44000, runs{{1, 12}}, runs{{1, 0, 4000}},
			"1/1-12", false},
		"live, the newest segment is not full": {live, 43999, runs{{1, 100}}, runs{{1, 0, 4000}},
			"1/1-10", false},
		"live, a listed run that is not counted": {live, 41000, runs{{1, 10}}, runs{{1, 0, 4000}, {11, 40000, 4000}},
			"1/1-10 2/11-11", false},
		"a window of segments": {live, 432000, runs{{5, 15}, {8, 3}}, runs{{61, 240000, 4000}},
			"5/61-75 6/76-90 7/91-105 8/106-108", false},
		"a window of fragments, all segments": {live, 1152000, runs{{1, 15}, {20, 3}}, runs{{241, 960000, 4000}},
			"17/241-255 18/256-270 19/271-285 20/286-288", false},
		"a window of fragments, all segments, not known": {live, 1152000, runs{{1, 15}, {20, unknownCount}}, runs{{241, 960000, 4000}},
			"17/241-255 18/256-270 19/271-285 20/286-288", false},
		"a window of fragments, all segments, ended": {0, 64000, runs{{1, 16}}, runs{{12, 44000, 4000}, {16, 60000, 4000}},
			"1/12-16", true},
		"numbers left out": {live, 24000, runs{{1, unknownCount}}, runs{{1, 0, 4000}, {5, 16000, 0, 1}, {10, 16000, 4000}},
			"1/1-4 1/10-11", false},
		"numbers left out at a place that the time tells": {live, 24000, runs{{1, unknownCount}},
			runs{{1, 0, 4000}, {0, 0, 0, 1}, {10, 16010, 4000}},
			"1/1-4 1/10-10", false},
		"numbers left out at a place that the time tells, with a number": {live, 24000, runs{{1, unknownCount}},
			runs{{1, 0, 4000}, {1, 0, 0, 1}, {10, 15990, 4000}},
			"1/1-4 1/10-11", false},
		"a gap": {live, 68000, runs{{1, 4}, {2, 20}}, runs{{1, 0, 4000}, {5, 16000, 0, 3}, {10, 60000, 4000}},
			"1/1-4 2/10-11", false},
		"a gap of unknown numbers": {live, 68000, runs{{1, unknownCount}}, runs{{1, 0, 4000}, {0, 0, 0, 3}, {3, 60000, 4000}},
			"1/1-4", false},
		"a gap in time": {live, 908000, runs{{1, 6}}, runs{{1, 0, 4000}, {4, 0, 0, 2}, {5, 900000, 4000}},
			"1/1-6", false},
		"a gap at the end": {live, 400000, runs{{1, unknownCount}}, runs{{1, 0, 4000}, {5, 16000, 0, 3}},
			"1/1-4", false},
		"a gap at the beginning": {live, 24000, runs{{1, unknownCount}}, runs{{1, 0, 0, 3}, {5, 16000, 4000}},
			"1/5-6", false},
		"an end and a new begin": {live, 24000, runs{{1, 6}}, runs{{1, 0, 4000}, {0, 0, 0, 0}, {5, 16000, 4000}},
			"1/1-6", false},
		"a run of no fragment": {live, 24000, runs{{1, 6}}, runs{{1, 0, 4000}, {5, 16000, 3000}, {5, 16000, 4000}},
			"1/1-6", false},
		"fragment 0": {live, 8000, runs{{0, 2}}, runs{{0, 0, 4000}},
			"0/0-1", false},
		"the last number": {live, math.MaxUint64, runs{{1, 5}}, runs{{fragmentsEnd - 2, 0, 4000}},
			"1/4294967294-4294967295", false},
		"nothing but an end": {live, 5000, runs{{1, 5}}, runs{{0, 0, 0, 0}},
			"", true},
	} {
		t.Run(name, func(t *testing.T) {
			boot, err := ParseBootstrap(abst{flags: c.flags, timescale: 1000, now: c.now,
				asrt: []abstTable{{runs: c.asrt}}, afrt: []abstTable{{timescale: 1000, runs: c.afrt}}}.bytes())
			if err != nil {
				t.Fatal(err)
			}
			m := boot.Manifest([]string{"m"})
			if got := ranges(m); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if m.Ended != c.ended {
				t.Errorf("ended is %v, want %v", m.Ended, c.ended)
			}
			checkNames(t, m)
			checkStops(t, m)
		})
	}
}

func TestBootstrapFields(t *testing.T) {
	plain := abst{flags: live, timescale: 1000, now: 8000,
		asrt: []abstTable{{runs: runs{{1, 2}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 4000}}}}}
	with := func(change func(*abst)) []byte {
		a := plain
		change(&a)
		return a.bytes()
	}
	content := plain.bytes()[8:]
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"version 1":   {with(func(a *abst) { a.version = 1 }), "1/1-2"},
		"all strings": {with(func(a *abst) { a.texts = true }), "1/1-2"},
		"a size of 64 bits": {append(binary.BigEndian.AppendUint64([]byte("\x00\x00\x00\x01abst"), uint64(len(content)+16)), content...),
			"1/1-2"},
		"a size up to the end":  {append([]byte("\x00\x00\x00\x00abst"), content...), "1/1-2"},
		"a box of w behind it":  {append(plain.bytes(), boxed("free", []byte("wwww"))...), "1/1-2"},
		"something behind it":   {append(plain.bytes(), "ww"...), "1/1-2"},
		"two units of time":     {with(func(a *abst) { a.afrt = []abstTable{{timescale: 90000, runs: runs{{1, 0, 360000}}}} }), "1/1-2"},
		"update without tables": {with(func(a *abst) { a.flags |= update; a.asrt, a.afrt = nil, nil }), ""},
		"update of segments":    {with(func(a *abst) { a.flags |= update; a.afrt = nil }), ""},
		"update of fragments":   {with(func(a *abst) { a.flags |= update; a.asrt = nil }), ""},
		"update with tables":    {with(func(a *abst) { a.flags |= update }), "1/1-2"},
		"tables of qualities": {with(func(a *abst) {
			a.asrt = []abstTable{{modifiers: []string{"hd", "sd"}, runs: runs{{7, 2}}}, {runs: runs{{1, 2}}}, {runs: runs{{8, 2}}}}
			a.afrt = []abstTable{
				{modifiers: []string{"hd"}, timescale: 1000, runs: runs{{7, 0, 4000}}},
				{timescale: 1000, runs: runs{{1, 0, 4000}}},
				{timescale: 1000, runs: runs{{8, 0, 4000}}},
			}
		}), "1/1-2"},
		"nothing but tables of qualities": {with(func(a *abst) {
			a.asrt = []abstTable{{modifiers: []string{"hd"}, runs: runs{{1, 2}}}, {modifiers: []string{"sd"}, runs: runs{{8, 2}}}}
		}), "1/1-2"},
	} {
		t.Run(name, func(t *testing.T) {
			boot, err := ParseBootstrap(c.b)
			if err != nil {
				t.Fatal(err)
			}
			m := boot.Manifest([]string{"m"})
			if got := ranges(m); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if want := 4 * time.Second; c.want != "" && m.TargetDuration != want {
				t.Errorf("target duration %v, want %v", m.TargetDuration, want)
			}
		})
	}
}

func TestSeveralMedia(t *testing.T) {
	boot, err := ParseBootstrap(abst{timescale: 1000,
		asrt: []abstTable{{runs: runs{{1, 2}, {2, 1}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 4000}}}}}.bytes())
	if err != nil {
		t.Fatal(err)
	}
	m := boot.Manifest([]string{"low", "../high"})
	want := "[lowSeg1-Frag1 lowSeg1-Frag2 lowSeg2-Frag3 ../highSeg1-Frag1 ../highSeg1-Frag2 ../highSeg2-Frag3]"
	if got := fmt.Sprint(uris(m)); got != want || m.Segments != 6 {
		t.Errorf("got %s, %d segments, want %s", got, m.Segments, want)
	}
	if m := boot.Manifest(nil); len(uris(m)) != 0 || m.Segments != 0 {
		t.Errorf("no media, but %d segments", m.Segments)
	}
}

// A few bytes can claim any number of fragments. Their count is known at once, and going through
// them can stop at any.
func TestBillionsOfFragments(t *testing.T) {
	boot, err := ParseBootstrap(abst{timescale: 1000,
		asrt: []abstTable{{runs: runs{{1, unknownCount - 1}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 1}}}}}.bytes())
	if err != nil {
		t.Fatal(err)
	}
	m := boot.Manifest([]string{"a", "b"})
	if m.Segments != atMost(2*(unknownCount-1)) || m.Last != unknownCount-1 {
		t.Errorf("%d segments, the last of them %d", m.Segments, m.Last)
	}
	for range m.References() {
		break
	}
}

func TestBadBootstraps(t *testing.T) {
	plain := abst{timescale: 1000, asrt: []abstTable{{runs: runs{{1, 2}}}}, afrt: []abstTable{{timescale: 1000, runs: runs{{1, 0, 4000}}}}}
	with := func(change func(*abst)) malformed {
		a := plain
		change(&a)
		return malformed{text: string(a.bytes())}
	}
	patched := func(old, new string) malformed {
		b := plain.bytes()
		if bytes.Count(b, []byte(old)) != 1 {
			t.Fatalf("%q is not there once", old)
		}
		return malformed{text: strings.Replace(string(b), old, new, 1)}
	}
	open := append([]byte("\x00\x00\x00\x00abst"), plain.bytes()[8:]...)
	testMalformed(t, parseBootstrapOfF4V, map[string]malformed{
		"empty":                        {"", true},
		"cut in the header":            {"\x00\x00\x00\x8bab", true},
		"cut in a header of 64 bits":   {"\x00\x00\x00\x01abst\x00\x00", true},
		"cut without a size":           {string(open[:len(open)-1]), true},
		"another box":                  {"\x00\x00\x00\x8bftyp", false},
		"text":                         {"<html></html>", false},
		"a size without its header":    {"\x00\x00\x00\x07abst", false},
		"a size of 64 bits without it": {"\x00\x00\x00\x01abst\x00\x00\x00\x00\x00\x00\x00\x0f", false},
		"too small for its fields":     {"\x00\x00\x00\x10abst\x00\x00\x00\x00\x00\x00\x00\x00", false},
		"no tables":                    with(func(a *abst) { a.asrt, a.afrt = nil, nil }),
		"no segment table":             with(func(a *abst) { a.asrt = nil }),
		"no fragment table":            with(func(a *abst) { a.afrt = nil }),
		"a segment twice":              with(func(a *abst) { a.asrt = []abstTable{{runs: runs{{5, 1}, {5, 1}}}} }),
		"no segment runs":              with(func(a *abst) { a.asrt = []abstTable{{}} }),
		"no fragment runs":             with(func(a *abst) { a.afrt = []abstTable{{timescale: 1000}} }),
		"timescale 0":                  with(func(a *abst) { a.timescale = 0 }),
		"timescale 0 of fragments":     with(func(a *abst) { a.afrt = []abstTable{{runs: runs{{1, 0, 4000}}}} }),
		"segments without fragments":   with(func(a *abst) { a.asrt = []abstTable{{runs: runs{{1, 0}}}} }),
		"segments that fall":           with(func(a *abst) { a.asrt = []abstTable{{runs: runs{{5, 1}, {4, 1}}}} }),
		"fragments that fall":          with(func(a *abst) { a.afrt = []abstTable{{timescale: 1, runs: runs{{5, 0, 1}, {4, 0, 1}}}} }),
		"fragments that fall behind an end": with(func(a *abst) {
			a.afrt = []abstTable{{timescale: 1, runs: runs{{5, 0, 1}, {0, 0, 0, 0}, {4, 0, 1}}}}
		}),
		"a segment table beyond its box":                patched("\x00\x00\x00\x19asrt", "\x00\x00\x01\x19asrt"),
		"a segment table of the wrong name":             patched("asrt", "asrT"),
		"a fragment table of the wrong name":            patched("afrt", "afrT"),
		"more segment runs than bytes":                  patched("\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02", "\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x02"),
		"more fragment runs than bytes":                 patched("\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"),
		"more quality modifiers of segments than bytes": patched("asrt\x00\x00\x00\x00\x00", "asrt\x00\x00\x00\x00\xff"),
	})
}

func FuzzParseBootstrap(f *testing.F) {
	addRecordings(f, "bootstrap")
	f.Add(abst{flags: live, version: 1, timescale: 90000, now: math.MaxUint64, texts: true,
		asrt: []abstTable{{modifiers: []string{"hd"}, runs: runs{{1, 15}, {20, unknownCount}}}, {runs: runs{{1, 30}}}},
		afrt: []abstTable{{timescale: 1, runs: runs{{1, 0, 4000}, {5, 16000, 0, 1}, {10, 16000, 4000}, {11, 0, 0, 3}, {12, 0, 1}, {0, 0, 0, 0}}}}}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := within(t, b, func(b []byte) (Manifest, error) {
			boot, err := ParseBootstrap(b)
			return boot.Manifest([]string{"f4v", "../x"}), err
		})
		if err == nil {
			checkNames(t, m)
		}
	})
}

func BenchmarkParseBootstrap(b *testing.B) {
	content, err := os.ReadFile(filepath.Join("../testdata/bootstrap/rolling"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		boot, err := ParseBootstrap(content)
		if err != nil {
			b.Fatal(err)
		}
		for range boot.Manifest([]string{"f4v"}).References() {
		}
	}
}
