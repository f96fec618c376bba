package config

import "strings"

// phpValue returns what PHP's parse_ini_file makes of a raw value. In quotes, a value ends at the
// closing quote, else at the first semicolon. If it cannot be read, want is what would be right.
func phpValue(raw string) (value, want string) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return "", ""
	}
	if q := raw[:1]; q == `"` || q == "'" {
		inner, rest, closed := strings.Cut(raw[1:], q)
		rest = strings.TrimSpace(rest)
		if !closed {
			return "", "must end with the quote that it begins with: " + q
		}
		if rest != "" && rest[0] != ';' {
			return "", "must end at its closing quote; only a comment that begins with ; may follow"
		}
		value = inner
	} else {
		value, _, _ = strings.Cut(raw, ";")
		value = strings.TrimSpace(value)
	}
	if strings.ContainsFunc(value, control) {
		return "", "must not contain control characters"
	}
	return value, ""
}

func control(r rune) bool { return r < ' ' || r == 0x7f }
