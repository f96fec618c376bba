package main

import (
	"errors"
	"fmt"
	"time"
)

const (
	packetSize = 188     // ISO/IEC 13818-1, 2.4.3.2
	clockWrap  = 1 << 33 // PTS, DTS and the PCR's base are 33 bits of a 90 kHz clock (2.4.2.2, 2.4.3.7)
)

// A tsLoop is recorded MPEG-TS segments that repeat for ever as one unbroken stream: in every round
// the clocks go on by the loop's duration and the continuity counters go on counting, so that a
// player sees no seam.
type tsLoop struct {
	segments [][]byte
	duration uint64         // of one round, in ticks of the 90 kHz clock
	step     map[uint16]int // by PID: what one round adds to its continuity counter, modulo 16
}

// newTSLoop checks that the segments follow each other without a gap and can be repeated. The
// duration of a round is that of its video, so that pictures keep their distance across the seam.
func newTSLoop(segments [][]byte) (*tsLoop, error) {
	survey := tsSurvey{
		tracks: make(map[uint16]*tsTrack), firstCounter: make(map[uint16]int), lastCounter: make(map[uint16]int),
	}
	for i, segment := range segments {
		if len(segment) == 0 || len(segment)%packetSize != 0 {
			return nil, fmt.Errorf("segment %d: %d bytes are not whole packets", i, len(segment))
		}
		for offset := 0; offset < len(segment); offset += packetSize {
			if err := survey.add(packet(segment[offset : offset+packetSize])); err != nil {
				return nil, fmt.Errorf("segment %d, byte %d: %w", i, offset, err)
			}
		}
	}
	l := &tsLoop{segments: segments, step: make(map[uint16]int)}
	var err error
	if l.duration, err = survey.round(); err != nil {
		return nil, err
	}
	for pid, first := range survey.firstCounter {
		l.step[pid] = survey.lastCounter[pid] + 1 - first
	}
	return l, nil
}

// A tsTrack is what was seen of one PID: DTS since the first one is unwrapped; frame is the last
// distance.
type tsTrack struct {
	first, last, frame uint64
	video              bool
}

// A tsSurvey is what was seen of the packets so far, by PID.
type tsSurvey struct {
	tracks                    map[uint16]*tsTrack
	firstCounter, lastCounter map[uint16]int
}

func (s *tsSurvey) add(p packet) error {
	if p[0] != 0x47 {
		return errors.New("no sync byte")
	}
	if p.hasPayload() {
		if _, seen := s.firstCounter[p.pid()]; !seen {
			s.firstCounter[p.pid()] = p.counter()
		}
		s.lastCounter[p.pid()] = p.counter()
	}
	header := p.pesHeader()
	if header == nil || header.timestamps() == 0 {
		return nil
	}
	dts := header.dts()
	t := s.tracks[p.pid()]
	if t == nil {
		s.tracks[p.pid()] = &tsTrack{first: dts, last: dts, video: header.isVideo()}
		return nil
	}
	distance := (dts - t.last) % clockWrap
	if distance == 0 || distance > clockWrap/2 {
		return fmt.Errorf("PID %d goes back in time", p.pid())
	}
	t.last, t.frame = t.last+distance, distance
	return nil
}

// round returns the duration of the video, in which each track must fit.
func (s *tsSurvey) round() (duration uint64, err error) {
	for _, t := range s.tracks {
		if t.video {
			duration = t.last + t.frame - t.first
		}
	}
	if duration == 0 {
		return 0, errors.New("no video to take the duration from")
	}
	for pid, t := range s.tracks {
		if t.first+duration <= t.last {
			return 0, fmt.Errorf("PID %d is longer than the video and would go back in time at the seam", pid)
		}
	}
	return duration, nil
}

// segment returns a copy of the n-th segment of the endless stream, with n from 0.
func (l *tsLoop) segment(n int) []byte {
	round := n / len(l.segments)
	shift := uint64(round) * l.duration
	out := append([]byte(nil), l.segments[n%len(l.segments)]...)
	for offset := 0; offset < len(out); offset += packetSize {
		p := packet(out[offset : offset+packetSize])
		p.setCounter(p.counter() + round*l.step[p.pid()])
		p.shiftClockReference(shift)
		p.pesHeader().shift(shift)
	}
	return out
}

// chunkDuration is how long one segment lasts: EMS cuts at every other key frame, so all last the
// same.
func (l *tsLoop) chunkDuration() time.Duration {
	return time.Duration(l.duration) * time.Second / 90000 / time.Duration(len(l.segments))
}
