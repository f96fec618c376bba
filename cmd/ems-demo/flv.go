package main

import (
	"errors"
	"fmt"
	"iter"
)

// A tag is one FLV tag with the size behind it, changed in place. Numbers in parentheses are
// sections of the F4V file format specification 10.1, annex E.
type tag []byte

const (
	tagHeader  = 11
	tagTrailer = 4 // the tag's size again (E.3)

	audioTag = 8
	videoTag = 9
)

func (t tag) kind() byte { return t[0] & 0x1f }

// A time is 24 bits of milliseconds and, behind them, 8 higher ones (E.4.1).
func (t tag) time() uint32 {
	return uint32(t[7])<<24 | uint32(t[4])<<16 | uint32(t[5])<<8 | uint32(t[6])
}

func (t tag) setTime(ms uint32) {
	t[7], t[4], t[5], t[6] = byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms)
}

func (t tag) body() []byte { return t[tagHeader : len(t)-tagTrailer] }

// isHeader reports whether the tag has the codec's parameters and no frame: AVCPacketType or
// AACPacketType is 0 (E.4.2.1, E.4.3.1). EMS begins each fragment with them.
func (t tag) isHeader() bool { return len(t.body()) < 2 || t.body()[1] == 0 }

// isKeyFrame is for video (E.4.3.1).
func (t tag) isKeyFrame() bool { return len(t.body()) > 0 && t.body()[0]>>4 == 1 }

var errTag = errors.New("no whole FLV tag")

// tags yields the tags of which media consists. After an error there are no more.
func tags(media []byte) iter.Seq2[tag, error] {
	return func(yield func(tag, error) bool) {
		for at := 0; at < len(media); {
			rest := media[at:]
			if len(rest) < tagHeader {
				yield(nil, fmt.Errorf("byte %d: %w", at, errTag))
				return
			}
			size := tagHeader + int(rest[1])<<16 + int(rest[2])<<8 + int(rest[3]) + tagTrailer
			if len(rest) < size {
				yield(nil, fmt.Errorf("byte %d: %w", at, errTag))
				return
			}
			if !yield(rest[:size], nil) {
				return
			}
			at += size
		}
	}
}
