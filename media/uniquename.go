package media

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// HasTime reports whether the name of the file p has the time of its writing in it, or tells its content, so
// that it never comes back. written is when the file was written; zero if that is not known. It is false where a
// number may be anything else: that costs the caches something, while a name that comes back
// unexpected has viewers see the wrong run.
func HasTime(p string, written time.Time) bool {
	name := path.Base(p)
	if emsSegment.MatchString(name) {
		return true
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	if dateAndTime.MatchString(stem) || piece.MatchString(stem) {
		return true
	}
	digits := stem[len(strings.TrimRight(stem, "0123456789")):]
	unit, ok := epochUnits[len(digits)]
	if !ok || written.IsZero() {
		return false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return false
	}
	// A count of ticks has as many digits at times, and a name may begin with a stream's number.
	return time.Unix(0, 0).Add(time.Duration(n)*unit).Sub(written).Abs() < epochMargin
}

// RunOf returns when the run began that the name of an HLS segment tells, as EMS writes it, and the
// number of the segment in the run, from 1. It is false for other names. Names with one such time are
// of one run.
func RunOf(uri string) (began time.Time, number int, ok bool) {
	found := emsSegment.FindStringSubmatch(uri)
	if found == nil {
		return time.Time{}, 0, false
	}
	ms, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		return time.Time{}, 0, false
	}
	number, err = strconv.Atoi(found[2])
	return time.UnixMilli(ms), number, err == nil
}

// piece ends the names of byte ranges that the daemon makes objects of their own: the place in the file,
// and what tells the content.
var piece = regexp.MustCompile(`-[0-9]+-[0-9a-f]{12}$`)

// dateAndTime is a date and a time of day to the second at the end of a name, as strftime writes
// them in the usual orders.
var dateAndTime = regexp.MustCompile(
	`(^|[^0-9])20[0-9]{2}[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12][0-9]|3[01])[-_.T ]?` +
		`([01][0-9]|2[0-3])[-_.:]?[0-5][0-9][-_.:]?[0-5][0-9]Z?$`)

// epochUnits has the units in which a time since 1970 has so many digits.
var epochUnits = map[int]time.Duration{10: time.Second, 13: time.Millisecond, 16: time.Microsecond}

// epochMargin is how far the time in a name may be from that of the file's last write: segments that
// are numbered from the time of the start on fall behind.
const epochMargin = 24 * time.Hour
