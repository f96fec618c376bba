package paths

import (
	"math"
	"strings"
	"time"

	"ems-sidecar/internal/clock"
	"ems-sidecar/uploader/publish"
)

// A Chunk is the way of one chunk. A time is null if the chunk has not made that step.
type Chunk struct {
	Key      string `json:"key"`
	Kind     string `json:"kind"` // "chunk" or "init"
	Bytes    int64  `json:"bytes"`
	Sequence uint64 `json:"sequence,omitempty"` // where the format counts its segments

	Closed    *time.Time `json:"closed_at"`    // whole on the disk
	Kept      *time.Time `json:"kept_at"`      // linked into the spool
	Sending   *time.Time `json:"sending_at"`   // the last upload began
	Sent      *time.Time `json:"sent_at"`      // it was answered
	Confirmed *time.Time `json:"confirmed_at"` // the bucket has it
	Listed    *time.Time `json:"listed_at"`    // a published manifest names it
	Lost      *time.Time `json:"lost_at"`      // it was given up
	Skipped   *time.Time `json:"skipped_at"`   // it was given up as "backlog = skip" asks for
	Deleted   *time.Time `json:"deleted_at"`   // from the bucket

	Attempts    int       `json:"attempts"`     // uploads that began
	Put         *float64  `json:"put_seconds"`  // what the upload took; null: it is not there yet
	Lag         *float64  `json:"lag_seconds"`  // from its closing to its listing; null: not known
	ConfirmedBy string    `json:"confirmed_by"` // by what that is known: "upload", "question" or "listing"
	Why         string    `json:"why"`          // it is lost; empty: it is not
	Failures    []Failure `json:"failures"`     // of the last attempts, oldest first
}

// A Failure is an attempt to upload a chunk that failed.
type Failure struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

// stages is how many stages there are.
const stages = int(publish.StageDeleted) + 1

// A chunk is a Chunk in as little memory as it needs.
type chunk struct {
	key      string
	from     int64         // the time of its first step, by which it is sorted
	at       [stages]int64 // when it made its steps, in ns: see Book.ns; 0: it has not
	bytes    int64
	sequence uint64
	put, lag time.Duration
	by, why  string
	failures []Failure
	attempts int32
	kind     publish.FileKind
}

// note notes a step that was made at that time.
func (c *chunk) note(x *publish.Step, at int64) {
	c.at[x.Stage] = at
	if x.Bytes > 0 {
		c.bytes = x.Bytes
	}
	switch x.Stage {
	case publish.StageSending:
		c.attempts = int32(x.Attempt)
		c.at[publish.StageSent] = 0
	case publish.StageSent:
		c.put = x.Took
	case publish.StageFailed:
		f := Failure{Attempt: x.Attempt, At: x.At, Why: x.Why}
		if x.Err != nil {
			f.Why = strings.ToValidUTF8(x.Why+": "+x.Err.Error(), "?")
			f.Why = strings.ToValidUTF8(f.Why[:min(len(f.Why), maxText)], "")
		}
		if c.failures = append(c.failures, f); len(c.failures) > maxFailures {
			c.failures = c.failures[1:]
		}
	case publish.StageConfirmed:
		c.by = x.Why
		c.why, c.at[publish.StageLost] = "", 0 // it was found after all
	case publish.StageListed:
		c.lag, c.sequence = x.Lag, x.Sequence
	case publish.StageLost:
		c.why = x.Why
	}
}

// view returns c with times of the wall clock of now, which was set by so much since the start.
func (c *chunk) view(set time.Duration, now time.Time) Chunk {
	moment := func(s publish.Stage) *time.Time {
		if c.at[s] == 0 {
			return nil
		}
		t := time.Unix(0, c.at[s]).Add(set).UTC()
		return &t
	}
	failures := append([]Failure{}, c.failures...)
	for i := range failures {
		failures[i].At = clock.Wall(failures[i].At, now).UTC()
	}
	return Chunk{
		Key: c.key, Kind: c.kind.String(), Bytes: c.bytes, Sequence: c.sequence,
		Closed: moment(publish.StageClosed), Kept: moment(publish.StageKept),
		Sending: moment(publish.StageSending), Sent: moment(publish.StageSent),
		Confirmed: moment(publish.StageConfirmed), Listed: moment(publish.StageListed),
		Lost: moment(publish.StageLost), Skipped: moment(publish.StageSkipped),
		Deleted:  moment(publish.StageDeleted),
		Attempts: int(c.attempts), Put: seconds(c.put), Lag: seconds(c.lag), ConfirmedBy: c.by, Why: c.why,
		Failures: failures,
	}
}

// seconds returns d in seconds to the millisecond, or nil for 0.
func seconds(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	s := math.Round(float64(d)/float64(time.Millisecond)) / 1000
	return &s
}
