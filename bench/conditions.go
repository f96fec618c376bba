package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A delay says how long the store takes for a PUT after it has the content.
//
//	none
//	fixed:110ms
//	lognormal:60ms,270ms        p50 and p99
//	lognormal:60ms,270ms,2%,3s  and 2 % of all take 3 s
type delay struct {
	text  string
	p50   time.Duration
	sigma float64 // of the logarithm
	slow  float64 // which part takes slowTime
	late  time.Duration
}

// z99 is the standard normal distribution's quantile at 0.99.
const z99 = 2.3263

func (d *delay) String() string { return d.text }

// Set implements flag.Value.
func (d *delay) Set(text string) error {
	*d = delay{text: text}
	kind, rest, _ := strings.Cut(text, ":")
	fields := strings.Split(rest, ",")
	var err error
	at := func(i int) time.Duration {
		v, e := time.ParseDuration(fields[i])
		err = errors.Join(err, e)
		return v
	}
	switch {
	case text == "none":
	case kind == "fixed" && len(fields) == 1:
		d.p50 = at(0)
	case kind == "lognormal" && (len(fields) == 2 || len(fields) == 4):
		d.p50 = at(0)
		d.sigma = math.Log(float64(at(1))/float64(d.p50)) / z99
		if len(fields) == 4 {
			percent, e := strconv.ParseFloat(strings.TrimSuffix(fields[2], "%"), 64)
			err = errors.Join(err, e)
			d.slow, d.late = percent/100, at(3)
		}
	default:
		return fmt.Errorf("%q: want none, fixed:110ms, lognormal:60ms,270ms or lognormal:60ms,270ms,2%%,3s", text)
	}
	return err
}

// draw returns how long the next PUT takes.
func (d *delay) draw() time.Duration {
	if d.slow > 0 && rand.Float64() < d.slow {
		return d.late
	}
	if d.sigma == 0 {
		return d.p50
	}
	return time.Duration(float64(d.p50) * math.Exp(d.sigma*rand.NormFloat64()))
}

// A limiter refuses what is more than so many PUTs a second for one name. 0 is no limit.
type limiter struct {
	rate float64

	mu      sync.Mutex // guards buckets
	buckets map[string]*tokens
}

type tokens struct {
	left float64
	at   time.Time
}

// allows reports whether a PUT of name may be answered now. A name has a second's worth at once.
func (l *limiter) allows(name string, now time.Time) bool {
	if l.rate == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets == nil {
		l.buckets = make(map[string]*tokens)
	}
	most := max(1, l.rate)
	b := l.buckets[name]
	if b == nil {
		b = &tokens{most, now}
		l.buckets[name] = b
	}
	b.left = min(most, b.left+now.Sub(b.at).Seconds()*l.rate)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// A line carries the content of all requests together at no more than a rate. 0 is no limit.
type line struct {
	rate float64 // bytes a second

	mu   sync.Mutex // guards free
	free time.Time  // when it has carried what was handed to it
}

const (
	// linePiece is how much of one request it carries before it is the next one's turn.
	linePiece = 16 << 10
	// lineQueue is for how long what wakes up late still finds the line as if it had been in time.
	lineQueue = 20 * time.Millisecond
)

// carry returns when the line has carried n bytes more.
func (l *line) carry(n int) {
	now := time.Now()
	l.mu.Lock()
	if least := now.Add(-lineQueue); l.free.Before(least) {
		l.free = least
	}
	l.free = l.free.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	until := l.free
	l.mu.Unlock()
	time.Sleep(time.Until(until))
}

// read returns body as it comes over the line.
func (l *line) read(body io.Reader) io.Reader {
	if l.rate == 0 {
		return body
	}
	return overLine{l, body}
}

type overLine struct {
	line *line
	body io.Reader
}

// Read implements io.Reader.
func (o overLine) Read(p []byte) (int, error) {
	n, err := o.body.Read(p[:min(len(p), linePiece)])
	o.line.carry(n)
	return n, err
}

// An outage is a time in which the store does not work.
type outage struct {
	kind       string // reset, hang or 503
	begin, end time.Time
}

func (o *outage) is(now time.Time) bool { return !now.Before(o.begin) && now.Before(o.end) }
