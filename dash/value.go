package dash

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/media"
)

// parseTime reads an xs:dateTime.
func parseTime(text string) (time.Time, error) {
	t, ok := media.MPDTime(text)
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("%.40q is no time", text)
	case t.Year() < 1970 || t.Year() > maxYear:
		return time.Time{}, fmt.Errorf("%.40q is out of range", text)
	}
	return t, nil
}

// precision is that of durations which are read: what was written is read as the same.
const precision = time.Microsecond

// parseDuration reads an xs:duration. One with years or months has no fixed length, and is an error.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%.40q is no duration", text)
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "P")
	if !ok || rest == "" || len(rest) > maxName {
		return 0, bad
	}
	total, units := 0.0, "D"
	seconds := map[byte]float64{'D': 86400, 'H': 3600, 'M': 60, 'S': 1}
	for rest != "" {
		if after, ok := strings.CutPrefix(rest, "T"); ok && units != "HMS" && after != "" {
			rest, units = after, "HMS"
			continue
		}
		i := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if i <= 0 || strings.IndexByte(units, rest[i]) < 0 {
			return 0, bad
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return 0, bad
		}
		total += n * seconds[rest[i]]
		rest = rest[i+1:]
	}
	if total > maxTime.Seconds() {
		return 0, fmt.Errorf("%.40q is out of range", text)
	}
	return time.Duration(math.Round(total*1e6)) * precision, nil
}

// formatDuration returns d as an xs:duration, in seconds.
func formatDuration(d time.Duration) string {
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S"
}
