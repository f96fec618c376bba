package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// An hdsLoop is recorded HDS fragments that repeat for ever as one unbroken stream: times and
// numbers go on from round to round. EMS begins a fragment with any frame, so that only fragments
// which are whole groups of pictures together can be repeated.
type hdsLoop struct {
	fragments []hdsFragment
	round     uint64 // ms
}

// An hdsFragment is one recorded fragment.
type hdsFragment struct {
	content []byte
	frames  []int // how many bytes each FLV tag has
	at      uint64
	lasts   uint64 // ms, up to the next fragment's beginning
}

// newHDSLoop checks that the fragments follow each other without a gap and can be repeated. The
// duration of a round is that of its video, so that pictures keep their distance across the seam.
func newHDSLoop(contents [][]byte) (*hdsLoop, error) {
	l := new(hdsLoop)
	tracks := make(hdsTracks)
	for i, content := range contents {
		f, err := readHDSFragment(content)
		if err == nil {
			err = tracks.add(f)
		}
		if err != nil {
			return nil, fmt.Errorf("fragment %d: %w", i, err)
		}
		if i > 0 {
			before := &l.fragments[i-1]
			if f.at <= before.at {
				return nil, fmt.Errorf("fragment %d does not begin after the one before it", i)
			}
			before.lasts = f.at - before.at
		}
		l.fragments = append(l.fragments, f)
	}
	var err error
	if l.round, err = tracks.round(); err != nil {
		return nil, err
	}
	last := &l.fragments[len(l.fragments)-1]
	last.lasts = l.fragments[0].at + l.round - last.at
	return l, nil
}

// hdsTracks are the times of the FLV tags that were seen, by the kind of tag.
type hdsTracks map[byte]*hdsTrack

type hdsTrack struct{ first, last, frame uint32 }

func (tracks hdsTracks) add(f hdsFragment) error {
	for t, err := range tags(f.media()) {
		if err != nil {
			return err
		}
		if t.isHeader() {
			continue
		}
		known := tracks[t.kind()]
		if known == nil {
			if t.kind() == videoTag && !t.isKeyFrame() {
				return errors.New("the first picture is no key frame: at the seam it would be decoded with others than its own")
			}
			tracks[t.kind()] = &hdsTrack{first: t.time(), last: t.time()}
			continue
		}
		const longest = 100 // ms between two frames
		distance := t.time() - known.last
		if distance == 0 || distance > longest {
			return fmt.Errorf("tags of type %d go on by %d ms", t.kind(), int32(distance))
		}
		known.last, known.frame = t.time(), distance
	}
	return nil
}

// round returns the duration of the video in ms, in which each track must fit.
func (tracks hdsTracks) round() (uint64, error) {
	video := tracks[videoTag]
	if video == nil || video.frame == 0 {
		return 0, errors.New("no video to take the duration from")
	}
	round := uint64(video.last + video.frame - video.first)
	for kind, t := range tracks {
		if uint64(t.last-t.first) >= round {
			return 0, fmt.Errorf("tags of type %d are longer than the video and would go back in time at the seam", kind)
		}
	}
	return round, nil
}

func readHDSFragment(content []byte) (hdsFragment, error) {
	fields, err := hdsFields(content)
	if err != nil {
		return hdsFragment{}, err
	}
	samples, err := readSamples(content)
	if err != nil {
		return hdsFragment{}, err
	}
	f := hdsFragment{content: content, at: binary.BigEndian.Uint64(fields.access)}
	for t, err := range tags(f.media()) {
		if err != nil {
			return hdsFragment{}, err
		}
		if uint64(t.time()) != f.at {
			return hdsFragment{}, errors.New("afra and the first tag tell different times")
		}
		break
	}
	for _, s := range samples {
		f.frames = append(f.frames, s.size)
	}
	return f, nil
}

// hdsTimes are the parts of a fragment that change from round to round, besides its FLV tags.
type hdsTimes struct {
	access    []byte // afra: the time of its one entry
	bootstrap []byte // abst
	number    []byte // mfhd: sequence_number
}

// hdsFields finds them. afra (F4V file format specification 10.1, section 2.12.2) begins with
// version, flags, timescale and the number of entries, an entry with its time. trun's durations are
// distances and stay.
func hdsFields(content []byte) (hdsTimes, error) {
	access, err := findField(content, 0, 29, "afra")
	if err != nil {
		return hdsTimes{}, err
	}
	number, err := sequenceNumber(content)
	if err != nil {
		return hdsTimes{}, err
	}
	abst, err := findBox(content, "abst")
	if err != nil {
		return hdsTimes{}, err
	}
	if len(abst) != bootstrapSize-boxHeader {
		return hdsTimes{}, fmt.Errorf("box abst has %d bytes, want %d", len(abst), bootstrapSize-boxHeader)
	}
	return hdsTimes{access: access[13:21], bootstrap: abst, number: number}, nil
}

func (f hdsFragment) media() []byte {
	media, err := findBox(f.content, "mdat")
	if err != nil {
		panic(err) // readHDSFragment found it
	}
	return media
}

// hdsBegin is when the first fragment begins, in ms of the stream's own clock: as recorded.
const hdsBegin = 1124

// at returns when the n-th fragment of the endless stream begins, with n from 0.
func (l *hdsLoop) at(n int) uint64 {
	round, i := n/len(l.fragments), n%len(l.fragments)
	return hdsBegin + uint64(round)*l.round + l.fragments[i].at - l.fragments[0].at
}

// fragment returns the n-th fragment, with copied content.
func (l *hdsLoop) fragment(n int) hdsFragment {
	f := l.fragments[n%len(l.fragments)]
	shift := l.at(n) - f.at
	f.at, f.content = l.at(n), bytes.Clone(f.content)
	fields, err := hdsFields(f.content)
	if err != nil {
		panic(err) // readHDSFragment found them
	}
	binary.BigEndian.PutUint64(fields.access, f.at)
	binary.BigEndian.PutUint32(fields.number, uint32(n+1))
	copy(fields.bootstrap, l.bootstrap(n)[boxHeader:])
	for t := range tags(f.media()) {
		t.setTime(t.time() + uint32(shift)) // goes over after 49 days
	}
	return f
}

// bootstrap returns the bootstrap box that names the n-th fragment as the newest. EMS writes it
// into the fragment, and into the file of that name when the fragment is closed.
func (l *hdsLoop) bootstrap(n int) []byte {
	oldest := max(0, n-hdsListed+1)
	run := func(n int) hdsRun {
		return hdsRun{number: n + 1, at: l.at(n), lasts: l.fragments[n%len(l.fragments)].lasts}
	}
	runs := []hdsRun{run(oldest)}
	if n > oldest {
		runs = append(runs, run(n))
	}
	return bootstrapBox(n-oldest+1, runs)
}

func (f hdsFragment) duration() time.Duration { return time.Duration(f.lasts) * time.Millisecond }
