package publish

import "time"

// work is what is being done about a file.
type work struct {
	state     workState
	queues    queues
	task      Task // what it is queued for: PutChunk, Look, Discard or Compare
	pause     pause
	candidate *ObjectInfo // what a listing has under its key, which may be it
	failures  int         // to read it, in a row
	attempts  int         // uploads of this content that began
}

type workState uint8

const (
	idle workState = iota
	queued
	inFlight
)

func (w workState) String() string { return [...]string{"nothing", "queued", "in flight"}[w] }

// isSending reports whether the file is to be uploaded, perhaps after a comparison.
func (w *work) isSending() bool {
	return w.state != idle && (w.task == PutChunk || w.task == Compare)
}

// waitsFor reports whether the file is queued for t.
func (w *work) waitsFor(t Task) bool { return w.state == queued && w.task == t }

// A pause is how long a queued file waits.
type pause struct {
	until time.Time
	why   pauseReason
}

type pauseReason uint8

const (
	forRetry pauseReason = iota // after a failure, or for a time that was agreed upon
	forPatch                    // EMS changes the file once more
)

// isForPatch reports whether the file waits for its last change.
func (p pause) isForPatch() bool { return p.why == forPatch }

// queues are the lists of a stream that a file is in.
type queues uint8

const (
	inPending queues = 1 << iota
	inUncompared
	inDelayed
)

// join adds the file to q, and reports whether it was not in it.
func (all *queues) join(q queues) bool {
	was := *all&q != 0
	*all |= q
	return !was
}

// keep has the file stay in q, or not. It returns stays.
func (all *queues) keep(q queues, stays bool) bool {
	if stays {
		*all |= q
	} else {
		*all &^= q
	}
	return stays
}
