package s3store

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// modTimeKey is the user metadata with the time of the file's last change. It is in seconds since
// 1970 with nine decimals, as rclone and others write it.
const modTimeKey = "mtime"

func formatModTime(t time.Time) string {
	return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
}

// parseModTime returns the zero time if s is no such time.
func parseModTime(s string) time.Time {
	seconds, fraction, _ := strings.Cut(s, ".")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	nanos, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(unix, int64(nanos))
}
