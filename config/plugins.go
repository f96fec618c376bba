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

// pluginNames are the sections that [Plugins] switches.
func pluginNames() []string {
	names := []string{"StreamAutoRouter", "StreamRecorder", "StreamLoadBalancer", "TranscodeResetter"}
	for _, f := range media.Formats() {
		names = append(names, f.OlderSection())
	}
	return names
}

func newSwitches() switches {
	s := switches{}
	for _, name := range pluginNames() {
		s[name] = new(bool)
	}
	return s
}

// on reports whether a section is on: by its switch, if it has one and the file has [Plugins]. Else
// it is on if the file has it.
func (s *settings) on(d *decoder, section string) bool {
	if on := s.switches[section]; on != nil && d.has("Plugins") {
		return *on
	}
	return d.has(section)
}

// enabled returns the settings of what is switched on, and reports what those lack.
func (s *settings) enabled(d *decoder) *Config {
	cfg := &Config{
		Watcher: s.watcher, Upload: s.pool,
		EMS: s.ems, Hooks: s.hooks, Admin: s.admin, Log: s.log,
	}
	cfg.NamesEMS = s.namesEMS(d)
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
		s.checkSwitch(d, name)
	}
	return cfg
}

// checkSwitch reports a switch without its section, or with one of another name, which has no switch.
func (s *settings) checkSwitch(d *decoder, name string) {
	if d.has(name) || !d.sets("Plugins", name) {
		return
	}
	if as, ok := namesSection(name); ok && d.has(as.format.Section()) {
		d.bad("Plugins", name, "", "is no switch of ["+as.format.Section()+
			"], which is on because the file has it: remove this line, or call the section ["+name+"]")
		return
	}
	if *s.switches[name] && name != "TranscodeResetter" {
		d.bad("Plugins", name, "enabled", "needs the section ["+name+"]: add it, or set "+name+" = disabled")
	}
}

// namesEMS reports whether something that is on is about EMS, or is called as EMS's users call it.
func (s *settings) namesEMS(d *decoder) bool {
	return d.has("EMS") || d.has("Hooks") ||
		slices.ContainsFunc(pluginNames(), func(name string) bool { return s.on(d, name) })
}

// enabledUploads returns the sections that publish and are on, in the file's order.
func (s *settings) enabledUploads(d *decoder) (uploads []Upload) {
	for i := range s.uploads {
		if u := &s.uploads[i]; s.on(d, u.Section) {
			u.check(d)
			uploads = append(uploads, *u)
		}
	}
	for i := range uploads {
		if u := &uploads[i]; u.Format.IsRecorded() {
			u.checkRecordings(d, s.recorder, slices.Delete(slices.Clone(uploads), i, i+1))
		}
	}
	d.checkSections(uploads)
	for _, u := range uploads {
		if len(u.WatchDirs) == 0 && !s.namesEMS(d) {
			d.bad(u.Section, "watch_dir", "", "is missing: the directory into which the streams are written")
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
