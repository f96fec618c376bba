package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A dashLoop is recorded DASH chunks that repeat for ever as one unbroken stream: times and numbers
// go on from round to round.
//
// In EMS's DASH all times are milliseconds since the stream's start, and a chunk's is the same in
// four places: the file's name, the manifest's S@t, sidx's earliest_presentation_time and tfdt's
// baseMediaDecodeTime. S@d is sidx's subsegment_duration. The clock is the sound's: an audio chunk
// begins where the one before it ended. Video is cut every 4 s, and sound at the first frame after
// that, 17 or 18 ms later. A video chunk begins where the one before it would have ended if it had
// begun with the sound, so that there is a gap of so much in front of it.
type dashLoop struct {
	video, audio []dashChunk
	round        uint64 // ms
}

// A dashChunk is one recorded chunk.
type dashChunk struct {
	content []byte
	frames  []int // how many bytes each has
	at      uint64
	lasts   uint64 // ms
	sync    bool   // it begins with a key frame; EMS does not say so of sound
}

// dashTimescale is EMS's, per second.
const dashTimescale = 1000

// newDASHLoop checks that the chunks follow each other as EMS's do and can be repeated.
func newDASHLoop(video, audio [][]byte) (*dashLoop, error) {
	if len(video) != len(audio) || len(video) == 0 {
		return nil, fmt.Errorf("%d chunks of video and %d of audio", len(video), len(audio))
	}
	l := new(dashLoop)
	for i := range video {
		v, err := readDASHChunk(video[i])
		if err != nil {
			return nil, fmt.Errorf("video chunk %d: %w", i, err)
		}
		// Else pictures would be decoded with others than their own, where the last chunk is
		// followed by the first.
		if !v.sync {
			return nil, fmt.Errorf("video chunk %d does not begin with a key frame", i)
		}
		a, err := readDASHChunk(audio[i])
		if err != nil {
			return nil, fmt.Errorf("audio chunk %d: %w", i, err)
		}
		if a.lasts < v.lasts {
			return nil, fmt.Errorf("audio chunk %d is shorter than the video's", i)
		}
		if i > 0 {
			before := l.audio[i-1]
			if a.at != before.at+before.lasts {
				return nil, fmt.Errorf("audio chunk %d does not begin where the one before it ends", i)
			}
			if v.at != before.at+l.video[i-1].lasts {
				return nil, fmt.Errorf("video chunk %d does not begin when the one before it, with its sound, is over", i)
			}
		}
		l.video, l.audio = append(l.video, v), append(l.audio, a)
		l.round += a.lasts
	}
	return l, nil
}

func readDASHChunk(content []byte) (dashChunk, error) {
	at, err := dashFields(content)
	if err != nil {
		return dashChunk{}, err
	}
	samples, err := readSamples(content)
	if err != nil {
		return dashChunk{}, err
	}
	c := dashChunk{
		content: content,
		at:      binary.BigEndian.Uint64(at.decodeTime),
		lasts:   uint64(binary.BigEndian.Uint32(at.duration)),
		sync:    samples[0].flags&notSync == 0,
	}
	if binary.BigEndian.Uint64(at.earliest) != c.at {
		return dashChunk{}, errors.New("sidx and tfdt tell different times")
	}
	if c.lasts == 0 {
		return dashChunk{}, errors.New("it lasts no time: EMS had not finished it")
	}
	for _, s := range samples {
		c.frames = append(c.frames, s.size)
	}
	return c, nil
}

// dashTimes are the fields of a chunk that change from round to round, and its duration.
type dashTimes struct {
	number     []byte // mfhd: sequence_number
	earliest   []byte // sidx: earliest_presentation_time
	decodeTime []byte // tfdt: baseMediaDecodeTime
	duration   []byte // sidx: subsegment_duration
}

// dashFields finds them (ISO/IEC 14496-12, sections 8.8.5, 8.16.3 and 8.8.12). tfdt has version 1.
// EMS's sidx says that it has version 0, but its times have the 64 bits of version 1; there is one
// reference.
func dashFields(content []byte) (dashTimes, error) {
	number, err := sequenceNumber(content)
	if err != nil {
		return dashTimes{}, err
	}
	index, err := findField(content, 0, 44, "sidx")
	if err != nil {
		return dashTimes{}, err
	}
	decode, err := findField(content, 0, 12, "moof", "traf", "tfdt")
	if err != nil {
		return dashTimes{}, err
	}
	if decode[0] != 1 {
		return dashTimes{}, fmt.Errorf("tfdt has version %d, want 1", decode[0])
	}
	if scale := binary.BigEndian.Uint32(index[8:]); scale != dashTimescale {
		return dashTimes{}, fmt.Errorf("sidx has a timescale of %d, want %d", scale, dashTimescale)
	}
	return dashTimes{number: number, earliest: index[12:20], decodeTime: decode[4:12], duration: index[36:40]}, nil
}

// videoChunk and audioChunk return the n-th chunks of the endless stream, with n from 0, with
// copied contents. EMS counts fragments over both tracks, video first.
func (l *dashLoop) videoChunk(n int) dashChunk {
	return l.video[n%len(l.video)].moved(l.videoTime(n), 2*n+1)
}

func (l *dashLoop) audioChunk(n int) dashChunk {
	return l.audio[n%len(l.audio)].moved(l.audioTime(n), 2*n+2)
}

func (l *dashLoop) audioTime(n int) uint64 {
	round, i := n/len(l.audio), n%len(l.audio)
	return uint64(round)*l.round + l.audio[i].at - l.audio[0].at
}

func (l *dashLoop) videoTime(n int) uint64 {
	if n == 0 {
		return 0
	}
	return l.audioTime(n-1) + l.video[(n-1)%len(l.video)].lasts
}

// moved returns a copy of the chunk with another time and number.
func (c dashChunk) moved(at uint64, number int) dashChunk {
	c.at, c.content = at, bytes.Clone(c.content)
	fields, err := dashFields(c.content)
	if err != nil {
		panic(err) // readDASHChunk found them
	}
	binary.BigEndian.PutUint32(fields.number, uint32(number))
	binary.BigEndian.PutUint64(fields.earliest, at)
	binary.BigEndian.PutUint64(fields.decodeTime, at)
	return c
}

func (c dashChunk) duration() time.Duration { return time.Duration(c.lasts) * time.Millisecond }
