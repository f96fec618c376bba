package hls

// R8: bounded. The writer and the bucket choose what is parsed here, and a list over many runs
// would grow for ever.
const (
	// maxNumber bounds media sequence and discontinuity numbers, so that adding to them overflows
	// nothing. Numbers that are a time in nanoseconds are below it.
	maxNumber = 1 << 61
	// maxKeys bounds the EXT-X-KEY tags that are in effect at once: one for each KEYFORMAT. Players
	// know four or five. Each segment with a key of its own keeps a list of them.
	maxKeys = 8
	// maxTags bounds the EXT-X-DISCONTINUITY tags that stand before one segment to be in step with
	// other variants. If more are needed, no former segments are listed, and the number is stated.
	maxTags = 8
	// maxDates bounds how many segments get a date of their own, of lists that grow. A player that was
	// late for some versions meets so many new ones at once.
	maxDates = 8
	// maxTries bounds how many places are compared where names repeat within one playlist.
	maxTries = 16
)
