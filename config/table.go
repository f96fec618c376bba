package config

import "ems-sidecar/media"

// A part is one section with its keys.
type part struct {
	section  string // as the file has it
	id       string // of parts of a Config: tells it from the others, in whichever way its name is written
	about    string // what it is for, one paragraph
	keys     []key
	inherits bool // it has the keys of [S3], with their values as defaults
	optional bool // the example has it in a comment only
}

// parts is the table of all sections and keys, in the order of the example and the manuals. It
// decides what a file may have, and is what the example and the manuals say.
func (s *settings) parts() []part {
	parts := []part{
		{section: "S3", about: `
			The object store. Each of these keys may also be in a section that publishes, such as [HLS],
			where it wins.`, keys: s.defaults.keys()},
	}
	for i := range s.uploads {
		u := &s.uploads[i]
		parts = append(parts, part{section: u.Section, about: u.about(), keys: u.keys(), inherits: true,
			optional: u.Format != media.HLS})
	}
	parts = append(parts,
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
	return append(parts, s.partsOfEMS()...)
}

// partsOfEMS are the sections that are of use only beside an EvoStream Media Server.
func (s *settings) partsOfEMS() []part {
	return []part{
		{section: "Plugins", optional: true, about: `
			This section and those below are for an EvoStream Media Server (EMS). Here plugins are switched.
			"enabled" turns a plugin on, any other word off, and plugins that are not listed are off.
			Without this section, every plugin that has a section of its own is on. EvoStream's names of
			sections that publish, such as AmazonHLSUpload, are switches here, too. Sections with the short
			names are on where the file has them.`, keys: s.switches.keys()},
		{section: "StreamAutoRouter", optional: true, about: `
			Incoming streams are pushed to other servers. Three kinds are not: those that another EMS pushed
			here, the balancer's copies, and those that came from the destination. So set all destinations
			on the server to which the encoder publishes. This and the three plugins below need EMS's API:
			see [EMS]. They act at once if EMS posts its events here (see [Hooks]), and else at each
			reconcile_interval.`, keys: s.router.keys()},
		{section: "StreamRecorder", optional: true, about: `
			Each incoming stream is recorded into files. If its name has other characters than letters,
			digits and _ . - the file name has a hash in it.`, keys: s.recorder.keys()},
		{section: "StreamLoadBalancer", optional: true, about: `
			Each server of a group carries each stream that is published to one of them. All have the same
			list here. A server leaves out its own address.`, keys: s.balancer.keys()},
		{section: "TranscodeResetter", optional: true, about: `
			A transcode whose audio has stopped for 10 s is shut down, so that it starts again. EMS's API
			tells which streams are its own transcodes.`, keys: s.resetter.keys()},
		{section: "EMS", optional: true, about: `
			EMS's API.`, keys: s.ems.keys()},
		{section: "Hooks", optional: true, about: `
			Where EMS posts its events. The daemon listens if the file has this section, a plugin is on, or
			a section that publishes has no watch_dir. EMS's config.lua needs a sink for it: "ems-sidecar
			config lua" prints the lines.`, keys: s.hooks.keys()},
	}
}

// about says what a section that publishes is for.
func (u *Upload) about() string {
	about := "Live " + u.Format.String() + "."
	if u.Format.IsRecorded() {
		about = "Recordings: mp4, ts and flv files, each uploaded when it is finished."
	}
	about += " It has the keys of [S3], too."
	if u.Format == media.HLS {
		about += ` There may be several sections of a format, each with a word behind the format, such as [HLS
			sports], and with directories of its own. EvoStream's names mean the same as these:
			[AmazonHLSUpload], [AmazonHDSUpload], [AmazonDASHUpload], [AmazonMSSUpload] and
			[AmazonRecordUpload].`
	}
	return about
}

// inherit gives the sections that publish what [S3] has. What refers to their fields stays.
func (s *settings) inherit(publishing []sectionName) {
	for i, name := range publishing {
		s.uploads[i] = s.defaults.heir(name)
	}
}
