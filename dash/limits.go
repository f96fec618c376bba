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
	// blink is by how much players stop before the media end: less than the last pictures of a second.
	// Chromium was seen to stop 50 ms before.
	blink = 250 * time.Millisecond
	// stretch is by how much the last segments of a Period that is over are said to last longer. dash.js
	// allows for 50 ms.
	stretch = 100 * time.Millisecond
	// maxAttrs bounds the attributes of an element, each of which is compared with all before it. The
	// MPD element has the most, some ten.
	maxAttrs = 256
	// maxText bounds the bytes of an MPD that has Periods of former runs. It is less than what the
	// uploader reads of one, 8 MiB, by more than what the names of runs add.
	maxText = 7 << 20
	// maxIndent bounds the white space in front of a Period, which is repeated for each.
	maxIndent = 64
	// maxName bounds the names that are read: ids, and the numbers of a timeline.
	maxName = 512
	// maxRun is what the name of a run adds to a name at most.
	maxRun = len(separator + "20060102T150405.999Z")
	// maxLate is by how much a Period may begin later than its run did, so that it does not begin before
	// the one before it ends. Players wait for so long: a segment counts as there when its time has come.
	maxLate = 10 * time.Second
	// maxTime bounds times within a presentation, and maxYear when a run began, so that adding to them
	// overflows nothing.
	maxTime = 40 * 365 * 24 * time.Hour
	maxYear = 2150
)
