package hls

import (
	"strconv"
	"time"
)

func number(value string) (uint64, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err == nil && n > maxNumber {
		err = strconv.ErrRange
	}
	return n, err
}

// seconds reads a duration of at most a day.
func seconds(value string) (time.Duration, error) {
	s, err := strconv.ParseFloat(value, 64)
	if err == nil && !(s >= 0 && s <= 86400) {
		err = strconv.ErrRange
	}
	if err != nil {
		return 0, err
	}
	return time.Duration(s*float64(time.Second) + 0.5), nil
}
