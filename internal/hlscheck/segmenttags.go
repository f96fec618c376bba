package hlscheck

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ofSegment reads a tag that applies to the next segment.
func (r *parser) ofSegment(name, value string) {
	r.pending = name
	switch name {
	case "EXTINF":
		r.inf(value)
	case "EXT-X-BYTERANGE":
		part, offset, err := byteRange(value)
		if err != nil {
			r.violation(Syntax, "a byte range is %q", value)
		}
		r.needs[4] = name
		r.next.Range = part
		r.partial = nil
		if !offset {
			r.partial = &part.Length
		}
	case "EXT-X-DISCONTINUITY":
		r.next.Seams++
	case "EXT-X-GAP":
		r.next.Gap = true
	case "EXT-X-PROGRAM-DATE-TIME":
		r.next.Date = value
		// ISO 8601 allows an offset without a colon, and EMS writes none without.
		_, err := time.Parse(time.RFC3339Nano, value)
		if _, other := time.Parse("2006-01-02T15:04:05.999999999Z0700", value); err != nil && other != nil {
			r.violation(Syntax, "a date is %q", value)
		}
	}
}

// inf reads EXTINF.
func (r *parser) inf(value string) {
	if r.informed {
		r.violation(Syntax, "an EXTINF follows another")
	}
	r.informed = true
	duration, title, comma := strings.Cut(value, ",")
	seconds, err := strconv.ParseFloat(duration, 64)
	if err != nil || seconds < 0 || !comma || strings.Trim(duration, "0123456789.") != "" {
		r.violation(Syntax, "an EXTINF is %q", value)
		seconds = 0
	}
	r.next.Duration = time.Duration(math.Round(seconds * float64(time.Second)))
	r.next.Title = title
	if strings.Contains(duration, ".") {
		r.needs[3] = "a duration with a fraction"
	}
}

// byteRange parses <n>[@<o>].
func byteRange(value string) (part Range, offset bool, err error) {
	length, from, offset := strings.Cut(value, "@")
	if part.Length, err = strconv.ParseUint(length, 10, 64); err == nil && offset {
		part.Offset, err = strconv.ParseUint(from, 10, 64)
	}
	return part, offset, err
}

// key reads EXT-X-KEY: it replaces the key of its format, and METHOD=NONE all keys.
func (r *parser) key(value string) {
	a, err := attributes(value)
	if err != nil {
		r.violation(Syntax, "EXT-X-KEY: %v", err)
		return
	}
	k := EncryptionKey{Method: a["METHOD"], URI: a["URI"], Format: cmp.Or(a["KEYFORMAT"], "identity"),
		Versions: cmp.Or(a["KEYFORMATVERSIONS"], "1")}
	if iv, has := a["IV"]; has {
		digits, prefixed := strings.CutPrefix(strings.ToLower(iv), "0x")
		if !prefixed || digits == "" || len(digits) > 32 || strings.Trim(digits, "0123456789abcdef") != "" {
			r.violation(Key, "the IV is %q", iv)
		}
		k.IV = strings.Repeat("0", max(0, 32-len(digits))) + digits
		r.needs[2] = "an IV"
	}
	if a["KEYFORMAT"] != "" || a["KEYFORMATVERSIONS"] != "" {
		r.needs[5] = "a key format"
	}
	switch k.Method {
	case "NONE":
		if len(a) > 1 {
			r.violation(Key, "METHOD=NONE has other attributes")
		}
		r.keys = nil
		return
	case "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR", "AES-256-GCM":
		if k.URI == "" {
			r.violation(Key, "METHOD=%s has no URI", k.Method)
		}
	default:
		r.violation(Key, "the method is %q", k.Method)
	}
	r.keys = slices.DeleteFunc(slices.Clone(r.keys), func(old EncryptionKey) bool { return old.Format == k.Format })
	r.keys = append(r.keys, k)
}

// initSection reads EXT-X-MAP.
func (r *parser) initSection(value string) {
	a, err := attributes(value)
	if err != nil {
		r.violation(Syntax, "EXT-X-MAP: %v", err)
		return
	}
	r.needs[6] = "EXT-X-MAP"
	if r.p.has["EXT-X-I-FRAMES-ONLY"] {
		delete(r.needs, 6)
		r.needs[5] = "EXT-X-MAP of I-frames"
	}
	m := InitSection{URI: a["URI"]}
	if m.URI == "" {
		r.violation(Map, "EXT-X-MAP has no URI")
	}
	if part, has := a["BYTERANGE"]; has {
		if m.Range, _, err = byteRange(part); err != nil {
			r.violation(Map, "the map's byte range is %q", part)
		}
	}
	for _, k := range r.keys {
		if k.Method == "AES-128" && k.IV == "" {
			r.violation(Map, "%s is encrypted, and its key has no IV", m.URI)
		}
	}
	r.section = &m
}
