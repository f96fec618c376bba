package config

import "slices"

// A Change is one key that has another value than before, or one section that is on or off now. It
// never holds a secret.
type Change struct {
	Section string
	Key     string // empty: the section as a whole
	Old     string // as messages show it; empty, with New: a secret, or not set
	New     string
	Applied Applied
}

// Replace returns what the daemon uses when c, which it uses now, is replaced by next: next, except
// for the keys that need a restart, which stay as they are in c. Each key that differs is a change,
// also if it needs a restart. Both stay as they are.
func (c *Config) Replace(next *Config) (now *Config, changes []Change, err error) {
	copied := *next
	now = &copied
	now.Uploads, now.settings = slices.Clone(next.Uploads), slices.Clone(next.settings)
	if next.Recorder != nil {
		recorder := *next.Recorder
		now.Recorder = &recorder
	}
	before := c.parts()
	for _, p := range now.parts() {
		was := find(before, p.id)
		if was == nil {
			changes = append(changes, Change{Section: p.section, Old: "off", New: "on"})
			continue
		}
		for i, k := range p.keys {
			o := was.keys[i]
			if k.same(o) {
				continue
			}
			change := Change{Section: p.section, Key: k.name, Applied: c.applied(next, p, o, k)}
			if !k.secret {
				change.Old, change.New = o.display(), k.display()
			}
			if change.Applied == OnRestart {
				k.copy(o)
				now.keepSetting(p.section, c, was.section, k.name)
			}
			changes = append(changes, change)
		}
	}
	for _, p := range before {
		if find(now.parts(), p.id) == nil {
			changes = append(changes, Change{Section: p.section, Old: "on", New: "off"})
		}
	}
	now.Hooks.On = now.Hooks.On || now.AsksEMS() // a section that asks EMS until a restart needs it
	now.hideKept()
	// A spool that stays where it is may lie in a directory that is watched from now on.
	d := &decoder{doc: &document{file: next.Path}}
	if now.Upload.checkSpool(d, now.Uploads); len(d.problems) > 0 {
		return nil, nil, &Error{d.problems}
	}
	if d.checkSections(now.Uploads); len(d.problems) > 0 { // next alone is right
		for i := range d.problems {
			d.problems[i].Want += ". The directories of one of the two hold from a restart on: restart the service"
		}
		return nil, nil, &Error{d.problems}
	}
	return now, changes, nil
}

// hideKept has Hide know the secrets that stay until a restart, too.
func (c *Config) hideKept() {
	ofFile := c.secrets
	var held []string
	for _, u := range c.Uploads {
		held = append(held, u.SecretKey.Reveal())
	}
	c.secrets = func() []string {
		if ofFile == nil {
			return slices.Clone(held)
		}
		return append(ofFile(), held...)
	}
}

// keepSetting has Effective show a setting as it is in another config, where the name of the section
// was perhaps written in another way.
func (c *Config) keepSetting(section string, of *Config, was, key string) {
	index := func(all []Setting, section string) int {
		return slices.IndexFunc(all, func(s Setting) bool { return s.Section == section && s.Key == key })
	}
	if i, o := index(c.settings, section), index(of.settings, was); i >= 0 && o >= 0 {
		c.settings[i] = of.settings[o]
		c.settings[i].Section = section
	}
}

func find(parts []part, id string) *part {
	i := slices.IndexFunc(parts, func(p part) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return &parts[i]
}

// parts returns the sections that are on, with the keys of c.
func (c *Config) parts() []part {
	var parts []part
	add := func(section string, keys []key) {
		parts = append(parts, part{section: section, id: section, keys: keys})
	}
	for i := range c.Uploads {
		u := &c.Uploads[i]
		parts = append(parts, part{section: u.Section, id: u.ID(), keys: u.keys()})
	}
	add("Watcher", c.Watcher.keys())
	add("Upload", c.Upload.keys())
	add("EMS", c.EMS.keys())
	add("Hooks", c.Hooks.keys())
	add("Admin", c.Admin.keys())
	add("Log", c.Log.keys())
	add("Security", c.security.keys())
	if c.Router != nil {
		add("StreamAutoRouter", c.Router.keys())
	}
	if c.Recorder != nil {
		add("StreamRecorder", c.Recorder.keys())
	}
	if c.Balancer != nil {
		add("StreamLoadBalancer", c.Balancer.keys())
	}
	if c.Resetter != nil {
		add("TranscodeResetter", c.Resetter.keys())
	}
	return parts
}
