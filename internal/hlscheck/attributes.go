package hlscheck

import (
	"fmt"
	"strings"
)

// attributes parses an attribute list (4.2). The values are without their quotes; a duplicate is an
// error, and so is a name with other letters than the RFC has.
func attributes(list string) (map[string]string, error) {
	all := map[string]string{}
	for rest := list; rest != ""; {
		name, after, ok := strings.Cut(rest, "=")
		if !ok || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return nil, fmt.Errorf("%q has no attribute name", rest)
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("the attribute %s comes twice", name)
		}
		var value string
		if quoted, is := strings.CutPrefix(after, `"`); is {
			if value, rest, ok = strings.Cut(quoted, `"`); !ok {
				return nil, fmt.Errorf("the quotes of %s do not end", name)
			}
		} else {
			end := strings.IndexByte(after, ',')
			if end < 0 {
				end = len(after)
			}
			value, rest = after[:end], after[end:]
			if value == "" || strings.ContainsAny(value, "\" \t") {
				return nil, fmt.Errorf("%s has the value %q", name, value)
			}
		}
		all[name] = value
		if rest != "" {
			if rest, ok = strings.CutPrefix(rest, ","); !ok || rest == "" {
				return nil, fmt.Errorf("no attribute follows %s", name)
			}
		}
	}
	return all, nil
}
