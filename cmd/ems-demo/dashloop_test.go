package main

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func newTestDASHLoop(t *testing.T) (*dashLoop, dashRecording) {
	t.Helper()
	r, err := recordedChunks()
	if err != nil {
		t.Fatal(err)
	}
	l, err := newDASHLoop(r.video, r.audio)
	if err != nil {
		t.Fatal(err)
	}
	return l, r
}

func TestDASHLoopIsOneUnbrokenStream(t *testing.T) {
	l, r := newTestDASHLoop(t)
	if l.round != 40171 || len(r.video) != 10 {
		t.Fatalf("one round lasts %d ms, want 40171: ten chunks of 4 s and 17 ms, of which one more", l.round)
	}
	for name, from := range map[string]int{"four rounds from the start": 0, "four rounds after 50 days": 1075000} {
		t.Run(name, func(t *testing.T) {
			for n := from; n < from+40; n++ {
				video, audio := l.videoChunk(n), l.audioChunk(n)
				for kind, c := range map[string]dashChunk{"video": video, "audio": audio} {
					f, err := dashFields(c.content)
					if err != nil {
						t.Fatal(err)
					}
					if d, e := binary.BigEndian.Uint64(f.decodeTime), binary.BigEndian.Uint64(f.earliest); d != c.at || e != c.at {
						t.Errorf("%s chunk %d at %d has %d in tfdt and %d in sidx", kind, n, c.at, d, e)
					}
					want := uint32(2*n + 1)
					if kind == "audio" {
						want++
					}
					if got := binary.BigEndian.Uint32(f.number); got != want {
						t.Errorf("%s chunk %d has number %d, want %d", kind, n, got, want)
					}
				}
				if got, want := l.audioChunk(n+1).at, audio.at+audio.lasts; got != want {
					t.Errorf("audio chunk %d begins at %d, want %d where the one before ends", n+1, got, want)
				}
				// As recorded: in front of all but the second video chunk is a gap.
				gap := l.videoChunk(n+1).at - (video.at + video.lasts)
				if wide := gap == 17 || gap == 18; wide != (n > 0) || !wide && gap != 0 {
					t.Errorf("behind video chunk %d is a gap of %d ms", n, int64(gap))
				}
			}
		})
	}
}

func TestDASHLoopChangesTimesAndNumbersOnly(t *testing.T) {
	l, r := newTestDASHLoop(t)
	before := bytes.Clone(r.audio[3])

	later := l.audioChunk(13)

	if !bytes.Equal(r.audio[3], before) {
		t.Error("the recording was changed")
	}
	changed := 0
	for i := range later.content {
		if later.content[i] != before[i] {
			changed++
		}
	}
	if len(later.content) != len(before) || changed == 0 || changed > 4+8+8 {
		t.Errorf("%d bytes differ, want those of one number and two times at most", changed)
	}
}

func TestDASHLoopRefusesWhatCannotBeRepeated(t *testing.T) {
	_, r := newTestDASHLoop(t)
	// with returns a changed copy of a chunk: n bytes at the place in a box get a value.
	with := func(chunk []byte, value uint32, at int, path ...string) []byte {
		chunk = bytes.Clone(chunk)
		field, err := findField(chunk, at, 4, path...)
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(field, value)
		return chunk
	}
	v, a := r.video, r.audio
	for name, broken := range map[string]struct{ video, audio [][]byte }{
		"nothing":                  {},
		"no sound":                 {v, nil},
		"sound that is longer":     {v[:9], a},
		"a hole in the video":      {[][]byte{v[0], v[2]}, a[:2]},
		"a hole in the sound":      {v[:2], [][]byte{a[0], a[2]}},
		"time that goes back":      {[][]byte{v[1], v[0]}, [][]byte{a[1], a[0]}},
		"a chunk that is cut":      {[][]byte{v[0][:90000]}, a[:1]},
		"no boxes":                 {[][]byte{[]byte("x")}, a[:1]},
		"no key frame":             {[][]byte{with(v[0], notSync, 24, "moof", "traf", "trun")}, a[:1]},
		"an unfinished chunk":      {[][]byte{with(v[0], 0, 36, "sidx")}, a[:1]},
		"sidx against tfdt":        {[][]byte{with(v[0], 9, 16, "sidx")}, a[:1]},
		"another timescale":        {[][]byte{with(v[0], 90000, 8, "sidx")}, a[:1]},
		"a tfdt of version 0":      {[][]byte{with(v[0], 0, 0, "moof", "traf", "tfdt")}, a[:1]},
		"sound shorter than video": {v[:1], [][]byte{with(a[0], 3990, 36, "sidx")}},
	} {
		if _, err := newDASHLoop(broken.video, broken.audio); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
