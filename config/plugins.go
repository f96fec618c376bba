package config

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// Router pushes inbound streams to other servers.
type Router struct {
	Token        string // a stream's name must contain it; empty: every stream
	Destinations []URI
}

// Recorder records inbound streams.
type Recorder struct {
	FileLocation string        // as EMS sees it: may be a Windows path
	Period       time.Duration // the length of one file
	Type         string        // "mp4", "flv" or "ts"
}

// Balancer has every server of a group carry every stream.
type Balancer struct {
	Destinations []URI
	Advertise    string // the address under which the others reach this server
	Username     string
	Password     Secret
}

// Resetter restarts transcodes whose audio has stopped.
type Resetter struct {
	Token string // a stream with this in its name counts as a transcode; empty: only EMS's own
	Video bool   // also when the video has stopped
}

// switches has the values of [Plugins], by the plugin's name.
type switches map[string]*bool

func pluginNames() []string {
	var names []string
	for _, f := range media.Formats() {
		names = append(names, f.Section())
	}
	return append(names, "StreamAutoRouter", "StreamRecorder", "StreamLoadBalancer", "TranscodeResetter")
}

func newSwitches() switches {
	s := switches{}
	for _, name := range pluginNames() {
		s[name] = new(bool)
	}
	return s
}

// on reports whether a plugin is enabled: by its switch if the file has [Plugins], else by having a
// section.
func (s *settings) on(d *decoder, plugin string) bool {
	if d.has("Plugins") {
		return *s.switches[plugin]
	}
	return d.has(plugin)
}

// enabled returns the settings of what is switched on, and reports what those lack.
func (s *settings) enabled(d *decoder) *Config {
	cfg := &Config{
		Watcher: s.watcher, Upload: s.pool,
		EMS: s.ems, Hooks: s.hooks, Admin: s.admin, Log: s.log,
	}
	cfg.Uploads = s.enabledUploads(d)
	cfg.Upload.checkSpool(d, cfg.Uploads)
	s.enablePlugins(cfg, d)
	if cfg.Hooks.On = d.has("Hooks") || cfg.Reacts() || cfg.AsksEMS(); cfg.Hooks.On {
		cfg.Hooks.check(d)
	}
	cfg.Admin.check(d)
	cfg.checkPorts(d)
	d.pair(half{"EMS", "username", s.ems.Username != ""}, half{"EMS", "password", s.ems.Password != ""})

	for _, name := range pluginNames() {
		if *s.switches[name] && !d.has(name) && name != "TranscodeResetter" {
			d.bad("Plugins", name, "enabled", "needs the section ["+name+"]: add it, or set "+name+" = disabled")
		}
	}
	return cfg
}

// enabledUploads returns the Amazon… sections that are on, in the file's order.
func (s *settings) enabledUploads(d *decoder) (uploads []Upload) {
	for _, sec := range d.doc.sections {
		if i := s.upload(sec.name); i >= 0 && s.on(d, sec.name) {
			s.uploads[i].check(d)
			uploads = append(uploads, s.uploads[i])
		}
	}
	for i := range uploads {
		if u := &uploads[i]; u.Format.IsRecorded() {
			u.checkRecordings(d, s.recorder, slices.Delete(slices.Clone(uploads), i, i+1))
		}
	}
	return uploads
}

// enablePlugins adds the plugins that are on.
func (s *settings) enablePlugins(cfg *Config, d *decoder) {
	if s.on(d, "StreamAutoRouter") {
		d.require("StreamAutoRouter", s.router.keys())
		cfg.Router = &s.router
	}
	if s.on(d, "StreamRecorder") {
		d.require("StreamRecorder", s.recorder.keys())
		cfg.Recorder = &s.recorder
	}
	if s.on(d, "StreamLoadBalancer") {
		d.require("StreamLoadBalancer", s.balancer.keys())
		d.pair(half{"StreamLoadBalancer", "username", s.balancer.Username != ""},
			half{"StreamLoadBalancer", "password", s.balancer.Password != ""})
		cfg.Balancer = &s.balancer
	}
	if s.on(d, "TranscodeResetter") {
		cfg.Resetter = &s.resetter
	}
}

// upload returns the index of an Amazon… section, or -1.
func (s *settings) upload(section string) int {
	for i := range s.uploads {
		if s.uploads[i].Section == section {
			return i
		}
	}
	return -1
}
