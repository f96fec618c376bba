package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"ems-sidecar/media"
)

func newTestHDSLoop(t *testing.T) (*hdsLoop, [][]byte) {
	t.Helper()
	fragments, err := recordedFragments()
	if err != nil {
		t.Fatal(err)
	}
	l, err := newHDSLoop(fragments)
	if err != nil {
		t.Fatal(err)
	}
	return l, fragments
}

// A tagClock checks that the frames of consecutive fragments go on without a gap.
type tagClock map[byte]uint32

func (c tagClock) check(t *testing.T, fragment []byte) {
	t.Helper()
	media, err := findBox(fragment, "mdat")
	if err != nil {
		t.Fatal(err)
	}
	for tag, err := range tags(media) {
		if err != nil {
			t.Fatal(err)
		}
		if tag.isHeader() {
			continue
		}
		last, seen := c[tag.kind()]
		c[tag.kind()] = tag.time()
		step := tag.time() - last
		// 25 pictures per second; 1024 samples of 44.1 kHz, in whole milliseconds, of which a round
		// is 3 ms short.
		if fine := tag.kind() == videoTag && step == 40 || tag.kind() == audioTag && step >= 23 && step <= 26; seen && !fine {
			t.Fatalf("tags of type %d go on by %d ms, to %d", tag.kind(), int32(step), tag.time())
		}
	}
}

func TestHDSLoopIsOneUnbrokenStream(t *testing.T) {
	l, fragments := newTestHDSLoop(t)
	if l.round != 32000 || len(fragments) != 7 {
		t.Fatalf("one round of %d fragments lasts %d ms, want 7 and 32000: 16 groups of pictures", len(fragments), l.round)
	}
	for name, from := range map[string]int{"four rounds from the start": 0, "where the clocks of 32 bits go over": 7*134217 - 14} {
		t.Run(name, func(t *testing.T) {
			clock := make(tagClock)
			for n := from; n < from+28; n++ {
				f := l.fragment(n)
				fields, err := hdsFields(f.content)
				if err != nil {
					t.Fatal(err)
				}
				if got := binary.BigEndian.Uint32(fields.number); got != uint32(n+1) {
					t.Errorf("fragment %d has number %d", n+1, got)
				}
				if got := binary.BigEndian.Uint64(fields.access); got != f.at || got != l.at(n) {
					t.Errorf("fragment %d at %d has %d in afra", n+1, f.at, got)
				}
				if got := l.at(n+1) - l.at(n); got != f.lasts {
					t.Errorf("fragment %d lasts %d ms, and the next begins after %d", n+1, f.lasts, got)
				}
				clock.check(t, f.content)
			}
			if len(clock) != 2 {
				t.Errorf("%d kinds of tags, want picture and sound", len(clock))
			}
		})
	}
	if got := l.at(0); got != 1124 {
		t.Errorf("the stream begins at %d ms, want 1124 as recorded", got)
	}
}

func TestHDSFragmentsHaveTheBootstrapThatNamesThem(t *testing.T) {
	l, fragments := newTestHDSLoop(t)
	for n := range 20 {
		fields, err := hdsFields(l.fragment(n).content)
		if err != nil {
			t.Fatal(err)
		}
		b, err := media.ParseBootstrap(append([]byte{0, 0, 0, bootstrapSize, 'a', 'b', 's', 't'}, fields.bootstrap...))
		if err != nil {
			t.Fatal(err)
		}
		m := b.Manifest([]string{fragmentBase})
		if first := max(1, n-3); m.Sequence != uint64(first) || m.Last != uint64(n+1) || m.Ended {
			t.Errorf("fragment %d lists %d to %d, want %d to %[1]d", n+1, m.Sequence, m.Last, first)
		}
	}
	// Moved to where it was recorded, the box is EMS's: of fragment 16, which lists 12 to 16.
	recorded, err := findBox(fragments[6], "abst")
	if err != nil {
		t.Fatal(err)
	}
	run := func(n int) hdsRun { return hdsRun{number: n, at: l.fragments[n-10].at, lasts: l.fragments[n-10].lasts} }
	if got := bootstrapBox(5, []hdsRun{run(12), run(16)})[boxHeader:]; !bytes.Equal(got, recorded) {
		t.Errorf("the box is\n% x, recorded\n% x", got, recorded)
	}
}

func TestHDSLoopLeavesTheRecordingAlone(t *testing.T) {
	l, fragments := newTestHDSLoop(t)
	before := bytes.Clone(fragments[3])

	if later := l.fragment(10).content; len(later) != len(before) || bytes.Equal(later, before) {
		t.Error("a later fragment is the recorded one, or of another size")
	}

	if !bytes.Equal(fragments[3], before) {
		t.Error("the recording was changed")
	}
}

func TestHDSLoopRefusesWhatCannotBeRepeated(t *testing.T) {
	_, f := newTestHDSLoop(t)
	noEntry := bytes.Clone(f[0])
	noEntry[25]++ // afra's time
	for name, broken := range map[string][][]byte{
		"nothing":                           nil,
		"a fragment that is cut":            {f[0][:len(f[0])-1]},
		"no boxes":                          {[]byte("x")},
		"a beginning without a key frame":   {f[1], f[2]},
		"a fragment that is missing":        {f[0], f[2]},
		"time that goes back":               {f[0], f[1], f[0]},
		"afra that tells of another time":   {noEntry},
		"tags in another order than before": {f[4], f[0]},
	} {
		if _, err := newHDSLoop(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
