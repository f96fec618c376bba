package publish

import "time"

// A bucketCopy is what is known about the bucket's copy of a manifest, beyond what was PUT.
type bucketCopy struct {
	question question
	trust    trust
	hadOne   bool      // the bucket had some version when it was asked first
	tried    bool      // a PUT of newer content than published was begun, and is not known to have failed or arrived
	late     doubt     // PUTs that may still be applied
	checkAt  time.Time // when the bucket is asked next; zero: it need not be
	toldAt   time.Time // when it answered last
	etag     string    // of what the last PUT stored; "": it is not known, or one is under way
}

// replace returns the ETag of what a PUT of s replaces, for a condition: then a request that was
// overtaken cannot bring back an older list (R3). It is "" if that is not known, or if the condition
// could be met again: what names no segments, as a master playlist, may return to an earlier text.
func (c *bucketCopy) replace(s *snapshot) (etag string) {
	etag, c.etag = c.etag, ""
	if s.parsed.Segments == 0 {
		return ""
	}
	return etag
}

// A question says whether the bucket is asked what it has before the next PUT.
type question uint8

const (
	neverAsked question = iota // it is asked first
	answered                   // it was asked, or does not tell
	askAgain                   // it was asked, and is asked again first
)

func (q question) String() string { return [...]string{"never asked", "answered", "ask again"}[q] }

// A trust says how sure it is that the bucket has what was published last.
type trust uint8

const (
	certain  trust = iota
	doubtful       // the last PUT had no answer: the bucket may have something else
	outdated       // the bucket was seen to have an old version, or none; the newest is being read again
)

func (t trust) String() string { return [...]string{"certain", "doubtful", "outdated"}[t] }

// lostSight applies that a PUT had no answer.
func (c *bucketCopy) lostSight(now time.Time) {
	c.distrust()
	c.checkAt = c.late.begin(now)
}

// distrust applies that the bucket may have something else than what was published.
func (c *bucketCopy) distrust() { c.trust = max(c.trust, doubtful) }

// isSettled reports whether the bucket has what was published, and no request may change that.
func (c *bucketCopy) isSettled() bool { return c.trust == certain && !c.late.isOpen() }

// An errand is the request about a manifest that is in flight.
type errand struct {
	state    errandState
	snapshot *snapshot // that is sent, or whose object is deleted
}

type errandState uint8

const (
	noErrand errandState = iota
	sending              // snapshot, which is also the oldest in manifest.waiting
	asking
	deleting // snapshot was published; nil: nothing was known to be
)

func (e errandState) String() string {
	return [...]string{"nothing", "sending", "asking", "deleting"}[e]
}

// sent returns the snapshot that is in flight, or nil.
func (e errand) sent() *snapshot {
	if e.state == sending {
		return e.snapshot
	}
	return nil
}

// deleted returns the snapshot whose object is being deleted, or nil.
func (e errand) deleted() *snapshot {
	if e.state == deleting {
		return e.snapshot
	}
	return nil
}
