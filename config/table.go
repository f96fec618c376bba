package config

import (
	"ems-sidecar/media"
)

// A part is one section with its keys.
type part struct {
	section  string
	about    string // what it is for, one paragraph
	keys     []key
	inherits bool // it has the keys of [S3], with their values as defaults
}

// parts is the table of all sections and keys, in the order of the example and the manuals. It
// decides what a file may have, and is what the example and the manuals say.
func (s *settings) parts() []part {
	parts := []part{
		{section: "Plugins", about: `
			What is switched on. "enabled" turns a plugin on, any other word off, and plugins that are not
			listed are off. Without this section, every plugin that has a section of its own is on.`,
			keys: s.switches.keys()},
		{section: "S3", about: `
			The object store. Each of these keys may also be in an [Amazon…] section, where it wins.`,
			keys: s.defaults.keys()},
	}
	for i := range s.uploads {
		u := &s.uploads[i]
		about := "Live " + u.Format.String() + ". It has the keys of [S3], too."
		if u.Format.IsRecorded() {
			about = "Recordings: mp4, ts and flv files, each uploaded when it is finished. It has the keys of [S3], too."
		}
		parts = append(parts, part{section: u.Section, about: about, keys: u.keys(), inherits: true})
	}
	parts = append(parts,
		part{section: "StreamAutoRouter", about: `
			Incoming streams are pushed to other servers. Three kinds are not: those that another EMS pushed
			here, the balancer's copies, and those that came from the destination. So set all destinations
			on the server to which the encoder publishes. This and the three plugins below need EMS's API:
			see [EMS]. They act at once if EMS posts its events here (see [Hooks]), and else at each
			reconcile_interval.`, keys: s.router.keys()},
		part{section: "StreamRecorder", about: `
			Each incoming stream is recorded into files. If its name has other characters than letters,
			digits and _ . - the file name has a hash in it.`, keys: s.recorder.keys()},
		part{section: "StreamLoadBalancer", about: `
			Each server of a group carries each stream that is published to one of them. All have the same
			list here. A server leaves out its own address.`, keys: s.balancer.keys()},
		part{section: "TranscodeResetter", about: `
			A transcode whose audio has stopped for 10 s is shut down, so that it starts again. EMS's API
			tells which streams are its own transcodes.`, keys: s.resetter.keys()},
		part{section: "EMS", about: `
			EMS's API.`, keys: s.ems.keys()},
		part{section: "Hooks", about: `
			Where EMS posts its events. The daemon listens if the file has this section, a plugin is on, or
			an [Amazon…] section has no watch_dir. EMS's config.lua needs a sink for it: "ems-sidecar config
			lua" prints the lines.`, keys: s.hooks.keys()},
		part{section: "Watcher", about: `
			How directories are watched.`, keys: s.watcher.keys()},
		part{section: "Upload", about: `
			How files are uploaded.`, keys: s.pool.keys()},
		part{section: "Admin", about: `
			The status page, /healthz, /readyz, /metrics for Prometheus, and the API that
			"ems-sidecar status" asks.`, keys: s.admin.keys()},
		part{section: "Log", about: `
			The log, on standard error.`, keys: s.log.keys()},
		part{section: "Security", about: `
			How strict the start is.`, keys: s.security.keys()},
	)
	return parts
}

// inherit gives the sections of formats what [S3] has. What refers to their fields stays.
func (s *settings) inherit() {
	for i, f := range media.Formats() {
		s.uploads[i] = s.defaults.heir(f)
	}
}
