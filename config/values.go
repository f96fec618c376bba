package config

import (
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// The parsers of single values. What they say would be right never repeats the value: it may hold a
// password.

func anyText(value string) (string, string) { return value, "" }

func secret(value string) (Secret, string) { return Secret(value), "" }

// urlSecret is one that stands in a path as it is.
func urlSecret(value string) (Secret, string) {
	if strings.ContainsFunc(value, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._~-", r)
	}) || strings.Trim(value, ".") == "" && value != "" {
		return "", "may have letters, digits and . _ ~ - only, since it stands in a URL"
	}
	return Secret(value), ""
}

// word is text without blanks, such as a name or an id.
func word(value string) (string, string) {
	if value == "" || strings.ContainsFunc(value, unicode.IsSpace) {
		return "", "must be one word without blanks"
	}
	return value, ""
}

// optional lets a value be empty: then the key sets nothing, or takes back what [S3] set.
func optional[V any](parse parser[V]) parser[V] {
	return func(value string) (V, string) {
		if value == "" {
			var zero V
			return zero, ""
		}
		return parse(value)
	}
}

// pointer tells a value that was set from one that was not.
func pointer[V any](parse parser[V]) parser[*V] {
	return func(value string) (*V, string) {
		v, want := parse(value)
		return &v, want
	}
}

// orOff takes an empty value or a word for no as nothing.
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

// afterUpload turns the deletion of local files on with the one word that says when.
func afterUpload(value string) (bool, string) {
	if strings.EqualFold(value, "after_upload") {
		return true, ""
	}
	if on, want := boolean(value); want == "" && !on {
		return false, ""
	}
	return false, "must be after_upload or off"
}

// enabledWord is a switch of [Plugins]: one word turns on, anything else off, as in the older services.
func enabledWord(value string) (bool, string) { return strings.EqualFold(value, "enabled"), "" }

func logLevel(value string) (slog.Level, string) {
	name, want := oneOf("debug", "info", "warn", "error")(value)
	var level slog.Level
	if want == "" {
		_ = level.UnmarshalText([]byte(name)) // knows all four
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

// duration takes Go's notation or a number of seconds.
func duration(least, most time.Duration) parser[time.Duration] {
	return func(value string) (time.Duration, string) {
		want := fmt.Sprintf("must be a time from %s to %s, such as 500ms, 30s or 2m", durationText(least), durationText(most))
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

// seconds is a duration that EMS takes as a whole number of seconds.
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

// size is a number of bytes, with or without a unit.
func size(least, most int64) parser[int64] {
	return func(value string) (int64, string) {
		n, err := humanize.ParseBytes(value)
		if err != nil || n < uint64(least) || n > uint64(most) {
			return 0, fmt.Sprintf("must be a size from %s to %s, such as 64KiB or 8MiB", bytesText(least), bytesText(most))
		}
		return int64(n), ""
	}
}

// perSecond lets a size say that it is a rate.
func perSecond(parse parser[int64]) parser[int64] {
	return func(value string) (int64, string) { return parse(strings.TrimSuffix(value, "/s")) }
}

func bytesText(n int64) string { return humanize.IBytesN(uint64(n), 1) }

func directoryPath(value string) (string, string) {
	if !filepath.IsAbs(value) {
		return "", "must be a directory's absolute path"
	}
	return filepath.Clean(value), ""
}

func fileName(value string) (string, string) {
	if value == "" || value == "." || value == ".." || strings.ContainsAny(value, `/\`) {
		return "", "must be a file's name without a directory"
	}
	return value, ""
}

func bucket(value string) (string, string) {
	if rest, ok := strings.CutPrefix(value, "arn:"); ok {
		if name := rest[strings.LastIndexByte(rest, ':')+1:]; strings.Contains(rest, ":s3:::") && !strings.Contains(name, "/") {
			return "", "must be a bucket's name, not its ARN: write " + name
		}
		return "", "must be a bucket's name, not an ARN: for an access point, write its alias"
	}
	if name, ok := strings.CutPrefix(value, "s3://"); ok {
		name, _, _ = strings.Cut(name, "/")
		return "", "must be a bucket's name alone, not a URL: write " + name
	}
	if strings.Contains(value, "://") {
		return "", "must be a bucket's name alone, not a URL"
	}
	if strings.Contains(value, "/") {
		return "", "must be a bucket's name alone: what stands behind the slash belongs in prefix"
	}
	// Upper case and underscores: AWS allowed them once, and such buckets still exist.
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`).MatchString(value) {
		return "", "must be a bucket's name alone: 3 to 63 letters, digits, dots and hyphens"
	}
	return value, ""
}

func region(value string) (string, string) {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(value) {
		return "", "must be a region's name, such as eu-central-1"
	}
	return value, ""
}

// prefix returns what stands in front of every key, so that prefix + path is one.
func prefix(value string) (string, string) {
	const most = 512 // of the 1,024 bytes that a key may have
	value = strings.TrimLeft(value, "/")
	if value == "" {
		return "", ""
	}
	segments := strings.Split(value, "/")
	switch {
	case !utf8.ValidString(value):
		return "", "must be UTF-8 text"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "", "must not contain control characters"
	case slices.Contains(segments, "..") || slices.Contains(segments, "."):
		return "", "must not contain . or .. as a segment"
	case len(value) > most:
		return "", fmt.Sprintf("must have at most %d bytes", most)
	}
	return strings.TrimSuffix(value, "/") + "/", ""
}

// headerText is what may stand in an HTTP header.
func headerText(value string) (string, string) {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", "must be plain ASCII text, such as max-age=2"
	}
	return value, ""
}

func endpoint(value string) (string, string) {
	u, ok := webURL(value)
	switch {
	case ok && u.User != nil:
		return "", "must not hold credentials: set aws_access_key and aws_secret_key"
	case ok && u.RawQuery == "" && u.Fragment == "":
		return strings.TrimRight(value, "/"), ""
	}
	if _, want := hostPort(value); want == "" && !strings.Contains(value, "@") {
		return "", "must be a URL: write https://" + value
	}
	return "", "must be a URL, such as https://host:port"
}

func apiURL(value string) (URI, string) {
	if _, ok := webURL(value); !ok {
		return "", "must be a URL, such as http://127.0.0.1:7777"
	}
	return URI(strings.TrimRight(value, "/")), ""
}

func webURL(value string) (*url.URL, bool) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, false
	}
	return u, true
}

// destination is another server, by its name, its address or a URI.
func destination(value string) (URI, string) {
	const want = "must be a host's name or address, or a URI such as rtmp://host/live"
	if _, bad := word(value); bad != "" {
		return "", want
	}
	if strings.Contains(value, "://") {
		if u, err := url.Parse(value); err != nil || u.Hostname() == "" {
			return "", want
		}
	}
	return URI(value), ""
}
