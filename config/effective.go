package config

import (
	"fmt"
	"slices"
)

// An Origin says where a setting comes from.
type Origin string

// The origins.
const (
	FromFile        Origin = "file"
	FromDefault     Origin = "default"
	FromEnvironment Origin = "environment"
	Derived         Origin = "derived" // from other keys
)

// A Setting is a key with the value that holds. No field ever has a secret.
type Setting struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"` // of a list: all, with commas; of a secret: ***
	Default string `json:"default"`
	Origin  Origin `json:"origin"`
	Where   string `json:"where,omitempty"` // file and line, the variable, or the keys that it is derived from
	Means   string `json:"means,omitempty"` // of an empty value
}

// Changed reports whether the setting differs from its default.
func (s Setting) Changed() bool { return s.Value != s.Default || s.Origin == FromEnvironment }

// Effective returns all settings of what is switched on. A section of a format has those of [S3],
// too. Where the file says nothing, the variables of the SDK hold.
func (c *Config) Effective(getenv func(string) string) []Setting {
	settings := slices.Clone(c.settings)
	for i, s := range settings {
		if s.Value != "" || !c.isUpload(s.Section) {
			continue
		}
		for _, name := range variables[s.Key] {
			if value := getenv(name); value != "" {
				settings[i].Origin, settings[i].Where, settings[i].Means = FromEnvironment, name, ""
				settings[i].Value = mask
				if s.Key == "region" || s.Key == "endpoint" {
					settings[i].Value = redactValue(value)
				}
				break
			}
		}
	}
	return settings
}

// variables are those that the SDK reads where a key is empty, the first that is set.
var variables = map[string][]string{
	accessKey:    {"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"},
	inlineSecret: {"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"},
	"region":     {"AWS_REGION", "AWS_DEFAULT_REGION"},
	"endpoint":   {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"},
}

func (c *Config) isUpload(section string) bool {
	return slices.ContainsFunc(c.Uploads, func(u Upload) bool { return u.Section == section })
}

// settings lists what the table says of the sections that are in use.
func (d *decoder) settings(table []part, defaults []part, cfg *Config) (settings []Setting) {
	for i, p := range table {
		if !cfg.uses(p) {
			continue
		}
		for j, k := range p.keys {
			s := Setting{
				Section: p.section, Key: k.name, Value: k.display(), Default: defaults[i].keys[j].text(),
				Origin: FromDefault, Means: paragraph(k.unset),
			}
			for _, home := range p.homes() {
				if line := d.doc.find(home).lineOf(k.name); line > 0 {
					s.Origin, s.Where = FromFile, fmt.Sprintf("%s:%d", d.doc.file, line)
					break
				}
			}
			d.derive(&s, cfg)
			if s.Value != "" {
				s.Means = ""
			}
			settings = append(settings, s)
		}
	}
	return settings
}

// homes are the sections in which a key of p may be, the one that wins first.
func (p part) homes() []string {
	if p.inherits {
		return []string{p.section, "S3"}
	}
	return []string{p.section}
}

// uses reports whether the daemon does something with a section.
func (c *Config) uses(p part) bool {
	switch p.section {
	case "S3":
		return false // the sections of formats have its keys
	case "StreamAutoRouter":
		return c.Router != nil
	case "StreamRecorder":
		return c.Recorder != nil
	case "StreamLoadBalancer":
		return c.Balancer != nil
	case "TranscodeResetter":
		return c.Resetter != nil
	case "EMS", "Hooks":
		return c.Hooks.On
	case "Plugins":
		return c.NamesEMS
	}
	return !p.inherits || c.isUpload(p.section)
}

// derive sets what follows from other keys.
func (d *decoder) derive(s *Setting, cfg *Config) {
	switch {
	case s.Section == "Plugins" && !d.has("Plugins") && d.has(s.Key):
		s.from("enabled", "the file has ["+s.Key+"] and no [Plugins]")
	case s.Section == "Admin" && s.Key == "token" && s.Value == "" && cfg.Admin.Token != "":
		s.from(mask, "token_file")
	}
	for _, u := range cfg.Uploads {
		if u.Section == s.Section {
			s.deriveUpload(u)
		}
	}
}

// deriveUpload sets what follows from other keys in the section of a format.
func (s *Setting) deriveUpload(u Upload) {
	switch s.Key {
	case inlineSecret:
		if u.SecretKeyFile != "" {
			s.from(mask, secretFile)
		}
	case "path_style":
		if u.PathStyle == nil && u.Endpoint != "" {
			s.from("on", "endpoint")
		}
	case "delete":
		if u.Format.IsRecorded() && s.Origin == FromFile {
			s.from(string(u.Delete), "recordings stay")
		}
	case "watch_dir":
		if s.Value == "" && len(u.WatchDirs) > 0 {
			s.from(u.WatchDirs[0], "[StreamRecorder] file_location")
		}
	}
}

// from sets a value that follows from other keys.
func (s *Setting) from(value, where string) { s.Value, s.Origin, s.Where = value, Derived, where }
