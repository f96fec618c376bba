package dash

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds how deep elements are in one another: six levels are usual.
const maxDepth = 32

// A timeline reads the SegmentTimelines of a Period, one after the other.
type timeline struct {
	templates int // of the Period
	state     timelineState
	scale     uint64 // units in a second
	offset    uint64 // of the Period's start
	segments  uint64
	first     uint64 // time of the first segment
	lasts     uint64 // its duration
	end       uint64 // of the last one
	longest   uint64 // duration of the longest one
	last      lastS
}

// A lastS is the last S element of a timeline, and where it is in the text.
type lastS struct {
	scale, lasts, repeats, end uint64

	first    int // where the first S begins
	from, to int
	closes   bool
	d, r     attr
}

type timelineState uint8

const (
	noTemplate timelineState = iota
	begun                    // within a SegmentTemplate
)

// begin begins the timeline of the SegmentTemplate t.
func (l *timeline) begin(text []byte, t *tag) (err error) {
	*l = timeline{templates: l.templates, state: begun, scale: 1}
	if a, ok := t.attr("timescale"); ok {
		if l.scale, err = number(text, a); err != nil || l.scale == 0 {
			return fmt.Errorf("timescale %.40q is no number", text[a.from:a.to])
		}
	}
	if a, ok := t.attr("presentationTimeOffset"); ok {
		if l.offset, err = number(text, a); err != nil {
			return fmt.Errorf("presentationTimeOffset %.40q is no number", text[a.from:a.to])
		}
	}
	return nil
}

// add adds the segments of an S element.
func (l *timeline) add(text []byte, t *tag) error {
	if l.state != begun {
		return errors.New("an S is in no SegmentTemplate")
	}
	begins, lasts, repeats := l.end, uint64(0), uint64(0)
	for _, a := range t.attrs {
		var err error
		switch a.name {
		case "t":
			begins, err = number(text, a)
		case "d":
			lasts, err = number(text, a)
		case "r":
			repeats, err = number(text, a)
		}
		if err != nil {
			return fmt.Errorf("an S has %s=%.40q", a.name, text[a.from:a.to])
		}
	}
	if repeats >= maxSegments {
		return fmt.Errorf("an S has %d segments", repeats)
	}
	high, low := bits.Mul64(lasts, repeats+1)
	end, carry := bits.Add64(begins, low, 0)
	if high > 0 || carry > 0 || end > maxNumber {
		return errors.New("the times of its segments are out of range")
	}
	if l.segments == 0 {
		l.first, l.lasts = begins, lasts
	}
	first := t.from
	if l.segments > 0 {
		first = l.last.first
	}
	l.last = lastS{scale: l.scale, lasts: lasts, repeats: repeats, end: end, first: first,
		from: t.from, to: t.to, closes: t.closes}
	l.last.d, _ = t.attr("d")
	l.last.r, _ = t.attr("r")
	l.segments += repeats + 1
	l.end, l.longest = max(l.end, end), max(l.longest, lasts)
	return nil
}

// close adds what the timeline has to p.
func (l *timeline) close(p *Period) error {
	if l.state == noTemplate {
		return nil
	}
	l.state = noTemplate
	if l.segments == 0 {
		return nil
	}
	if l.segments > maxSegments {
		return fmt.Errorf("a timeline has %d segments", l.segments)
	}
	length, ok := l.time(l.end - min(l.offset, l.end))
	if !ok {
		return errors.New("the times of its segments are out of range")
	}
	first, _ := l.time(l.first - min(l.offset, l.first))
	longest, _ := l.time(min(l.longest, l.end))
	p.ends, p.lasts = append(p.ends, length), append(p.lasts, l.last)
	p.listed, p.longest = max(p.listed, length-first), max(p.longest, longest)
	p.Length = max(p.Length, length)
	p.Segments = max(p.Segments, int(l.segments))
	p.Whole = p.Whole && l.first <= l.offset+l.lasts/2
	return nil
}

// time returns what so many units are, if it is in range.
func (l *timeline) time(units uint64) (t time.Duration, ok bool) {
	seconds := float64(units) / float64(l.scale)
	if seconds > maxTime.Seconds() {
		return 0, false
	}
	return time.Duration(seconds*1e3+0.5) * time.Millisecond, true
}

const (
	maxSegments = 1 << 24
	// maxNumber bounds times: those in units of 100 ns since 1601 are below it.
	maxNumber = 1 << 60
)

// number reads a number that is not negative.
func number(text []byte, a attr) (uint64, error) {
	s := strings.TrimSpace(string(text[a.from:a.to]))
	if len(s) > maxName {
		return 0, errors.New("too long")
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err == nil && n > maxNumber {
		err = errors.New("out of range")
	}
	return n, err
}
