package config

import "slices"

// A SectionText is a section of the file as the example and the manuals explain it.
type SectionText struct {
	Name  string
	About string // one paragraph
	Keys  []KeyText
	// Optional: the example has it in a comment only.
	Optional bool
}

// A KeyText is a key as the example and the manuals explain it.
type KeyText struct {
	Name     string
	About    string // one paragraph; empty: the section's is enough
	Allowed  string // which values are right
	Default  string // as the file would have it; empty: an empty value
	Empty    string // what an empty value means
	Example  string // empty: the default says enough
	Preset   bool   // the example file sets the key
	List     bool   // may be set several times, as name[]
	Secret   bool   // its value is never shown
	Required bool   // where its section is in use
	Older    bool   // EvoStream's web services had it
	Restart  bool   // a reload does not apply it
}

// Reference returns what the table of keys says. Those of [S3] are not repeated in the sections of
// formats.
func Reference() (sections []SectionText) {
	var shared []string
	for _, p := range newSettings(neutralSections()).parts() {
		section := SectionText{Name: p.section, About: paragraph(p.about), Optional: p.optional}
		for _, k := range p.keys {
			if p.inherits && slices.Contains(shared, k.name) || k.alias {
				continue
			}
			section.Keys = append(section.Keys, KeyText{
				Name: k.name, About: paragraph(k.about), Allowed: k.allowed(), Default: k.text(), Empty: paragraph(k.unset),
				Example: k.example, Preset: k.preset, List: k.list, Secret: k.secret,
				Required: k.required != "", Older: k.older,
				Restart: appliedOf(p.section, k.name) == OnRestart,
			})
			if p.section == "S3" {
				shared = append(shared, k.name)
			}
		}
		sections = append(sections, section)
	}
	return sections
}
