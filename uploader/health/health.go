// Package health judges how a live stream fares, as its viewers and its operator meet it. The
// judgement is one pure function of facts. The log, the metrics, the API and the status page all
// show its result, so that they never disagree.
package health

import (
	"fmt"
	"time"
)

// A State is how a stream fares.
type State uint8

const (
	// Starting means that no manifest of it has been published yet, and it is not late.
	Starting State = iota
	// Live means that chunks come, and viewers get them in time.
	Live
	// Stalled means that the encoder, or the server, writes no more chunks.
	Stalled
	// Lagging means that chunks are on the disk, and viewers do not get them in time; no error is known.
	Lagging
	// Failing means that an error keeps chunks from viewers.
	Failing
	// Ended means that its last manifest says so, and is published.
	Ended
	// Stale means that it stopped long ago, and its manifest does not say that it has ended.
	Stale
)

// States are all states, the worst for viewers first.
var States = []State{Failing, Lagging, Stalled, Stale, Starting, Live, Ended}

var names = [...]string{"starting", "live", "stalled", "lagging", "failing", "ended", "stale"}

func (s State) String() string { return names[s] }

// MarshalText returns the name of the state.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText sets s to the state of that name.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range names {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not the state of a stream", text)
}

// Suffers reports whether viewers of a stream in that state see less than they should now.
func (s State) Suffers() bool { return s == Stalled || s == Lagging || s == Failing }

const (
	// Late is after how many target durations something counts as late. A player's buffer holds
	// about as much.
	Late = 3
	// errorTime is after how long a manifest that waits, while an error is known, is late at the latest:
	// an operator is to learn of it within 10 seconds. Half of it is enough where no target duration is
	// known: nothing was ever published then.
	errorTime = 8 * time.Second
	// StaleAfter is how long a stream is stalled before it is stale.
	StaleAfter = 10 * time.Minute
	// DefaultTarget is the length of a chunk where no manifest tells and none was measured.
	DefaultTarget = 10 * time.Second
	// minTarget keeps streams of very short chunks from being late after a hiccup of the disk.
	minTarget = time.Second
)

// Facts are what is known of a stream.
type Facts struct {
	Target   time.Duration // about the length of a chunk; 0: unknown
	Chunk    time.Time     // when the newest chunk on the disk was closed; zero: there is none
	Edge     time.Time     // when the newest chunk that viewers know of was closed; zero: they know of none
	Held     time.Time     // since when a manifest that names chunks waits to be published; zero: none does
	Ahead    time.Time     // when the oldest chunk was closed that no published manifest names; zero: there is none
	Manifest string        // the one that waits since Held
	Grace    time.Duration // how much longer than usual publishing may take, by the config or by what the server does
	Ended    bool          // the published manifest says that nothing is added to it
	Failure  string        // what keeps the stream, or its bucket, from publishing now; empty: nothing is known to
	Blocked  time.Time     // since when Failure keeps its files from being seen; zero: they are seen
	Delay    time.Duration // how much later than it happens a closing may be seen
	// OnlyNamed means that a chunk is known to be of this stream only once its manifest names it.
	OnlyNamed bool
}

// target returns the target duration that is counted with.
func (f *Facts) target() time.Duration {
	if f.Target <= 0 {
		return DefaultTarget
	}
	return max(f.Target, minTarget)
}

// Judge returns the state of a stream, and why, in words. What goes well needs no reason.
func (f *Facts) Judge(now time.Time) (s State, why string) {
	if s, why = f.delivery(now); s != Live {
		return s, why
	}
	target, quiet := f.target(), since(f.Chunk, now)
	switch {
	case f.Ended && f.Held.IsZero():
		return Ended, ""
	case quiet > StaleAfter:
		return Stale, fmt.Sprintf("no new chunk for %v, and its manifest has no end", rounded(quiet))
	case f.isQuiet(now):
		where := "on the disk"
		if f.OnlyNamed {
			where = "in its manifest"
		}
		why = fmt.Sprintf("no new chunk %s for %v", where, rounded(quiet))
		if f.Target > 0 {
			why += fmt.Sprintf("; they came every %v", rounded(target))
		}
		return Stalled, why
	case f.Edge.IsZero():
		return Starting, ""
	}
	return Live, ""
}

// delivery judges what becomes of the files that are on the disk: Failing, Lagging, or else Live.
func (f *Facts) delivery(now time.Time) (s State, why string) {
	late := Late * f.target()
	held, ahead := since(f.Held, now), since(f.Ahead, now)
	// Chunks come, and viewers do not know of them.
	unlisted := ahead > 2*late+f.Grace && !f.isQuiet(now)
	switch {
	case f.Failure != "" && (held > f.patience()+f.Grace || unlisted || f.isHidden()):
		return Failing, f.Failure
	case held > late+f.Grace:
		return Lagging, fmt.Sprintf("%s waits for %v; no error of this stream is known", f.Manifest, rounded(held))
	case unlisted:
		return Lagging, fmt.Sprintf("no published manifest names the chunks of the last %v; is it still written?",
			rounded(ahead))
	}
	return Live, ""
}

// isQuiet reports whether the next chunk is late to come to the disk.
func (f *Facts) isQuiet(now time.Time) bool { return since(f.Chunk, now) > Late*f.target()+f.Delay }

// IsWritten reports whether chunks come to the disk, or are to come.
func (f *Facts) IsWritten(now time.Time) bool { return !f.Ended && !f.isQuiet(now) }

// patience returns how long a manifest may wait where an error is known.
func (f *Facts) patience() time.Duration {
	if f.Target <= 0 {
		return errorTime / 2
	}
	return min(f.target(), errorTime)
}

// isHidden reports whether files cannot be seen of a stream that was written until then.
func (f *Facts) isHidden() bool {
	return !f.Ended && !f.Blocked.IsZero() && (f.Chunk.IsZero() || f.Blocked.Sub(f.Chunk) <= StaleAfter)
}

// since returns the time from t to now; 0 if t is not known.
func since(t, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return now.Sub(t)
}

// rounded is for people.
func rounded(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond)
	default:
		return d.Round(time.Second)
	}
}
