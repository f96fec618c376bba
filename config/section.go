package config

import (
	"fmt"
	"slices"
	"strings"

	"ems-sidecar/media"
)

// A sectionName is the header of a section that publishes: a format, alone or with a word that tells
// several of one format apart.
type sectionName struct {
	written string
	format  media.Format
	word    string // empty: none
	older   bool   // EvoStream's name
}

// namesSection returns what a header means, or false if such a section publishes nothing.
func namesSection(header string) (sectionName, bool) {
	kind, word, several := strings.Cut(header, " ")
	for _, f := range media.Formats() {
		switch {
		case kind == f.Section() && (!several || isSectionWord(word)):
			return sectionName{written: header, format: f, word: word}, true
		case header == f.OlderSection():
			return sectionName{written: header, format: f, older: true}, true
		}
	}
	return sectionName{}, false
}

// isSectionWord reports whether a word may tell sections apart. It is a part of URLs, too.
func isSectionWord(word string) bool {
	odd := func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("._-", r) }
	return word != "" && len(word) <= maxSectionWord && !strings.ContainsFunc(word, odd)
}

// neutralSections are the sections of formats without words.
func neutralSections() (all []sectionName) {
	for _, f := range media.Formats() {
		all = append(all, sectionName{written: f.Section(), format: f})
	}
	return all
}

// publishing returns the sections of a file that publish, in its order.
func (d *document) publishing() (all []sectionName) {
	for _, s := range d.sections {
		if name, ok := namesSection(s.name); ok {
			all = append(all, name)
		}
	}
	return all
}

// checkSections reports sections that are the same, and those that cannot be told apart by where
// their files are.
func (d *decoder) checkSections(uploads []Upload) {
	if len(uploads) > maxSections {
		d.bad(uploads[maxSections].Section, "", "",
			fmt.Sprintf("is one too many: at most %d sections may publish", maxSections))
		return
	}
	for i, u := range uploads {
		for _, other := range uploads[:i] {
			switch {
			case other.Format != u.Format:
			case other.ID() == u.ID():
				d.bad(u.Section, "", "", "means the same as ["+other.Section+"]: remove one of the two, or give this one "+
					"a word of its own, such as ["+u.Format.Section()+" second]")
			default:
				d.checkApart(u, other)
			}
		}
	}
}

// checkApart reports two sections of a format that would publish the same files.
func (d *decoder) checkApart(u, other Upload) {
	for _, s := range []Upload{other, u} {
		if len(s.WatchDirs) == 0 {
			d.bad(s.Section, "watch_dir", "",
				"is missing: of several sections of one format, each needs directories of its own")
		}
	}
	for _, dir := range u.WatchDirs {
		for _, o := range other.WatchDirs {
			if dir == o || inside(dir, o) || inside(o, dir) {
				d.bad(u.Section, "watch_dir", dir, "overlaps with "+o+" of ["+other.Section+
					"]: sections of one format need directories of their own")
			}
		}
	}
}

// ID tells a section from all others, in whichever way its name is written: a format in small
// letters, and its word after a colon.
func (u Upload) ID() string {
	id := strings.ToLower(u.Format.String())
	if u.word != "" {
		id += ":" + u.word
	}
	return id
}

// IDOf returns the ID of the section of that name, or "" if such a section publishes nothing.
func IDOf(section string) string {
	name, ok := namesSection(section)
	if !ok {
		return ""
	}
	return Upload{Format: name.format, word: name.word}.ID()
}

// meant returns the section that a header of one that publishes probably means, or "".
func meant(header string) string {
	kind, word, _ := strings.Cut(header, " ")
	if i := strings.IndexAny(header, "-:/._"); i > 0 && word == "" {
		kind, word = header[:i], header[i+1:]
	}
	var known []string
	for _, f := range media.Formats() {
		known = append(known, f.Section(), f.OlderSection())
	}
	best := near(kind, known)
	i := slices.Index(known, best)
	switch {
	case i < 0:
		return ""
	case word == "":
		return best
	case isSectionWord(word):
		return media.Formats()[i/2].Section() + " " + word
	}
	return ""
}
