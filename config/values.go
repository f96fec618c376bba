package config

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
)

// The parsers of single values. What they return as right never cites the value: it may have a
// password in it.

// isAlphanumeric reports whether r is a letter or a digit of ASCII.
func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func anyText(value string) (string, string) { return value, "" }

func secret(value string) (Secret, string) { return Secret(value), "" }

// word parses text without blanks, such as a name or an id.
func word(value string) (string, string) {
	if value == "" || strings.ContainsFunc(value, unicode.IsSpace) {
		return "", "must be one word without blanks"
	}
	return value, ""
}

// optional allows an empty value: the key then sets nothing, or removes what [S3] set.
func optional[V any](parse parser[V]) parser[V] {
	return func(value string) (V, string) {
		if value == "" {
			var zero V
			return zero, ""
		}
		return parse(value)
	}
}

// pointer distinguishes a value that was set from one that was not.
func pointer[V any](parse parser[V]) parser[*V] {
	return func(value string) (*V, string) {
		v, want := parse(value)
		return &v, want
	}
}

// orOff makes nothing of an empty value or a word such as off.
func orOff(parse parser[string]) parser[string] {
	return func(value string) (string, string) {
		if on, want := boolean(value); value == "" || (want == "" && !on) {
			return "", ""
		}
		v, want := parse(value)
		if want != "" {
			want += ", or off"
		}
		return v, want
	}
}

func oneOf[S ~string](choices ...S) parser[S] {
	return func(value string) (S, string) {
		names := make([]string, len(choices))
		for i, c := range choices {
			if strings.EqualFold(string(c), value) {
				return c, ""
			}
			names[i] = string(c)
		}
		last := len(names) - 1
		want := "must be " + strings.Join(names[:last], ", ") + " or " + names[last]
		if near := near(value, names); near != "" {
			want += " (did you mean " + near + "?)"
		}
		return "", want
	}
}

func boolean(value string) (bool, string) {
	switch strings.ToLower(value) {
	case "on", "yes", "true", "1", "enabled":
		return true, ""
	case "off", "no", "false", "0", "disabled":
		return false, ""
	}
	return false, "must be on or off"
}

// afterUpload parses delete_local: the one word that turns it on says when files are deleted.
func afterUpload(value string) (bool, string) {
	if strings.EqualFold(value, "after_upload") {
		return true, ""
	}
	if on, want := boolean(value); want == "" && !on {
		return false, ""
	}
	return false, "must be after_upload or off"
}

// enabledWord parses a switch of [Plugins]: one word turns on, all others off, as in the older
// services.
func enabledWord(value string) (bool, string) { return strings.EqualFold(value, "enabled"), "" }

func logLevel(value string) (slog.Level, string) {
	name, want := oneOf("debug", "info", "warn", "error")(value)
	var level slog.Level
	if want == "" {
		_ = level.UnmarshalText([]byte(name)) // it knows all four
	}
	return level, want
}

func number(least, most int) parser[int] {
	return func(value string) (int, string) {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return 0, fmt.Sprintf("must be a whole number from %d to %d", least, most)
		}
		return n, ""
	}
}

// duration parses a time in Go's notation, or a number of seconds.
func duration(least, most time.Duration) parser[time.Duration] {
	return func(value string) (time.Duration, string) {
		want := fmt.Sprintf("must be a time from %s to %s, such as 500ms, 30s or 2m",
			durationText(least), durationText(most))
		var d time.Duration
		if value != "" && strings.Trim(value, "0123456789.") == "" {
			s, err := strconv.ParseFloat(value, 64)
			if err != nil || s > most.Seconds() {
				return 0, want
			}
			d = time.Duration(math.Round(s * float64(time.Second)))
		} else {
			var err error
			if d, err = time.ParseDuration(value); err != nil {
				return 0, want
			}
		}
		if d < least || d > most {
			return 0, want
		}
		return d, ""
	}
}

// days parses a number of days, such as 30d, or a time.
func days(most int) parser[time.Duration] {
	const day = 24 * time.Hour
	times := duration(0, time.Duration(most)*day)
	return func(value string) (time.Duration, string) {
		want := fmt.Sprintf("must be a number of days up to %dd, such as 30d, or a time such as 36h", most)
		if n, ok := strings.CutSuffix(value, "d"); ok {
			number, err := strconv.Atoi(n)
			if err != nil || number < 0 || number > most {
				return 0, want
			}
			return time.Duration(number) * day, ""
		}
		d, wrong := times(value)
		if wrong != "" {
			return 0, want
		}
		return d, ""
	}
}

// timeOrOff parses off as zero.
func timeOrOff(parse parser[time.Duration]) parser[time.Duration] {
	return func(value string) (time.Duration, string) {
		if strings.EqualFold(value, "off") {
			return 0, ""
		}
		d, want := parse(value)
		if want != "" {
			want += ", or off"
		}
		return d, want
	}
}

// seconds parses a time that EMS needs as a whole number of seconds.
func seconds(least, most int) parser[time.Duration] {
	return func(value string) (time.Duration, string) {
		d, want := duration(time.Duration(least)*time.Second, time.Duration(most)*time.Second)(value)
		if want != "" || d%time.Second != 0 {
			return 0, fmt.Sprintf("must be a whole number of seconds from %d to %d", least, most)
		}
		return d, ""
	}
}

func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// size parses a number of bytes, with or without a unit.
func size(least, most int64) parser[int64] {
	return func(value string) (int64, string) {
		n, err := humanize.ParseBytes(value)
		if err != nil || n < uint64(least) || n > uint64(most) {
			return 0, fmt.Sprintf("must be a size from %s to %s, such as 64KiB or 8MiB",
				bytesText(least), bytesText(most))
		}
		return int64(n), ""
	}
}

// perSecond allows a size that says that it is a rate.
func perSecond(parse parser[int64]) parser[int64] {
	return func(value string) (int64, string) { return parse(strings.TrimSuffix(value, "/s")) }
}

func bytesText(n int64) string { return humanize.IBytesN(uint64(n), 1) }

// sizeText returns a number of bytes in the largest unit in which it is whole. 0 is not set.
func sizeText(n int64) string {
	if n == 0 {
		return ""
	}
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; n%1024 == 0 && i < len(units)-1; i++ {
		n /= 1024
	}
	return strconv.FormatInt(n, 10) + units[i]
}
