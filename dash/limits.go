package dash

import "time"

// R8: bounded. The writer and the bucket choose what is parsed here, and an MPD over many runs would
// grow for ever.
const (
	// maxPeriods bounds the Periods of one MPD. An encoder that drops once a second makes one each
	// time; the oldest leave.
	maxPeriods = 64
	// maxTemplates bounds the SegmentTemplates of a Period: some ten are usual, one for each
	// Representation.
	maxTemplates = 1024
	// formerStay is for how long a new run has the Periods before it in front at least. A player that was
	// held up for so long may still play them.
	formerStay = time.Minute
	// maxAttrs bounds the attributes of an element, each of which is compared with all before it. The
	// MPD element has the most, some ten.
	maxAttrs = 256
	// maxFormer bounds the bytes of the Periods of former runs. Those of an appending writer have a
	// line of 50 bytes for each segment: this is two days.
	maxFormer = 8 << 20
	// maxName bounds the names that are read: ids, and the numbers of a timeline.
	maxName = 512
	// maxLate is by how much a Period may begin later than its run did, so that it does not begin before
	// the one before it ends. Players wait for so long: a segment counts as there when its time has come.
	maxLate = 10 * time.Second
	// maxTime bounds times within a presentation, and maxYear when a run began, so that adding to them
	// overflows nothing.
	maxTime = 40 * 365 * 24 * time.Hour
	maxYear = 2150
)
