package config

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest returns the known name that a mistyped one most likely means. Case does not count:
// [plugins] means [Plugins]. A missing first word counts little: bucket means default_bucket.
func nearest(name string, known []string) (best string, distance int) {
	name = strings.ToLower(name[:min(len(name), maxCompared)])
	for i, k := range known {
		k = strings.ToLower(k)
		d := levenshtein.ComputeDistance(name, k)
		if _, short, ok := strings.Cut(k, "_"); ok {
			d = min(d, 1+levenshtein.ComputeDistance(name, short))
		}
		if best == "" || d < distance {
			best, distance = known[i], d
		}
	}
	return best, distance
}

// directory has every section and its keys, to tell where a stray key belongs.
type directory struct {
	sections []string
	keys     map[string][]string
}

func newDirectory(table []part) *directory {
	dir := &directory{keys: map[string][]string{}}
	for _, p := range table {
		dir.sections = append(dir.sections, p.section)
		for _, k := range p.keys {
			dir.keys[p.section] = append(dir.keys[p.section], k.name)
		}
	}
	return dir
}

// near returns the nearest name, or "" if more than half of what was written is wrong.
func near(name string, known []string) string {
	best, distance := nearest(name, known)
	if 2*distance > len(name) {
		return ""
	}
	return best
}

func (d *directory) wantSection(name string) string {
	if near := near(name, d.sections); near != "" {
		return "unknown section (did you mean [" + near + "]?)"
	}
	return "unknown section: the known ones are [" + strings.Join(d.sections, "], [") + "]"
}

func (d *directory) wantKey(section, name string) string {
	near := near(name, d.keys[section])
	if strings.EqualFold(near, name) {
		return "unknown key (did you mean " + near + "?)"
	}
	var homes []string
	for _, s := range d.sections {
		if slices.Contains(d.keys[s], name) {
			homes = append(homes, "["+s+"]")
		}
	}
	switch {
	case slices.Contains(homes, "[S3]"):
		return "unknown key here: it belongs in [S3] or an Amazon… section"
	case len(homes) > 0:
		return "unknown key here: it belongs in " + strings.Join(homes, " or ")
	}
	if near != "" {
		return "unknown key (did you mean " + near + "?)"
	}
	return "unknown key: [" + section + "] has " + strings.Join(d.keys[section], ", ")
}
