package config

// unsupported lists what the file switches on but this version cannot do. A version that can deletes
// the line here.
func unsupported(d *decoder, s *settings, cfg *Config) []Problem {
	later := &decoder{doc: d.doc}

	for _, plugin := range []string{
		"StreamAutoRouter",
		"StreamRecorder",
		"StreamLoadBalancer",
		"TranscodeResetter",
	} {
		if !s.on(d, plugin) {
			continue
		}
		if d.has("Plugins") {
			later.bad("Plugins", plugin, "enabled", `not supported yet by this version: set "`+plugin+` = disabled"`)
		} else {
			// Not "under [Plugins]": with that section, what it does not list is off.
			later.bad(plugin, "", "", "not supported yet by this version: remove the section")
		}
	}

	for _, section := range []string{
		"EMS",
		"Hooks",
	} {
		if d.has(section) {
			later.bad(section, "", "", "not supported yet by this version: remove the section")
		}
	}

	for _, u := range cfg.Uploads {
		if len(u.WatchDirs) == 0 && !d.wrong("StreamRecorder", "file_location") {
			later.bad(u.Section, "watch_dir", "", "is missing: set watch_dir to the directory that EMS's "+
				u.Format.command()+"; finding it through EMS is not supported yet")
		}
	}
	return inOrder(later.problems)
}
