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
	if kind, word, _ := strings.Cut(name, " "); word != "" && d.publishes(kind) {
		return "must be a format and one word of letters, digits and . _ -, such as [" + kind + " sports]"
	}
	if meant := meant(name); meant != "" {
		return "unknown section (did you mean [" + meant + "]?)"
	}
	if near := near(name, d.sections); near != "" {
		return "unknown section (did you mean [" + near + "]?)"
	}
	return "unknown section: the known ones are [" + strings.Join(d.sections, "], [") + "]"
}

// publishes reports whether a section with one of the short names publishes.
func (d *directory) publishes(section string) bool {
	name, ok := namesSection(section)
	return ok && !name.older
}

func (d *directory) wantKey(section, name string) string {
	keys := d.keysOf(section)
	if section == "Plugins" && d.publishes(name) {
		return "unknown key: [" + name + "] has no switch: it is on where the file has it"
	}
	near := near(name, keys)
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
		return "unknown key here: it belongs in [S3] or a section that publishes, such as [HLS]"
	case len(homes) > 0:
		return "unknown key here: it belongs in " + strings.Join(homes, " or ")
	}
	if near != "" {
		return "unknown key (did you mean " + near + "?)"
	}
	return "unknown key: [" + section + "] has " + strings.Join(keys, ", ")
}

// knows reports whether a file may have the section.
func (d *directory) knows(section string) bool {
	_, ok := d.keys[section]
	_, publishes := namesSection(section)
	return ok || publishes
}

// keysOf returns the keys of a section. Those of one format have the same.
func (d *directory) keysOf(section string) []string {
	if name, ok := namesSection(section); ok {
		section = name.format.Section()
	}
	return d.keys[section]
}
