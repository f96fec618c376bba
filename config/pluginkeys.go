package config

// The keys of the plugins, and their switches.

func (r *Router) keys() []key {
	return []key{
		one("token", &r.Token, anyText, `
			A stream's name must contain this. '' is every stream.`).known().
			stated("the word that a stream's name must contain, or '' for every stream"),
		many("destination_uri", &r.Destinations, destination, `
			The servers: an address, which means rtmp://address/live, or a whole URI.`).known().
			needed("the server to which streams are pushed").such("192.168.2.58"),
	}
}

func (r *Recorder) keys() []key {
	return []key{
		// Not directoryPath: EMS opens the path, and not this program.
		one("file_location", &r.FileLocation, anyText, `
			The directory for the files, as EMS sees it: EMS must be able to write to it. If
			[Recordings] has no watch_dir, a change needs a restart.`).known().
			needed("the directory for recordings, as EMS sees it").such("/var/lib/ems/recordings"),
		one("period_time", &r.Period, optional(seconds(1, 86399)), `
			The length of one file.`).known().needed("the length of one file in seconds").such("3600"),
		one("type", &r.Type, oneOf("mp4", "flv", "ts"), `
			The kind of file.`),
	}
}

func (b *Balancer) keys() []key {
	return []key{
		many("destination_uri", &b.Destinations, destination, `
			The servers. An address means http://address:7777, or with username
			http://address:8888/apiproxy: EMS accepts requests from other hosts through its web server
			only. A whole URL of an API may have user:password@ in it, if these differ.`).known().
			needed("the other servers of the group").such("192.168.2.38"),
		one("advertise", &b.Advertise, optional(word), `
			The address at which the others reach this server's RTMP port, 1935.`).
			empty("the one to which the encoder published"),
		one("username", &b.Username, anyText, `
			For the web servers of all destinations. Both username and password, or none.`).empty("none"),
		one("password", &b.Password, secret, `
			Belongs to username.`).hidden().empty("none"),
	}
}

func (r *Resetter) keys() []key {
	return []key{
		one("token", &r.Token, anyText, `
			Streams with this word in their name count as transcodes, too: for transcoders that EMS did
			not start.`).empty("none"),
		one("video", &r.Video, boolean, `
			Whether a transcode whose video has stopped is reset, too.`),
	}
}

func (s switches) keys() []key {
	var keys []key
	for _, name := range pluginNames() {
		k := one(name, s[name], enabledWord, "").yesNo("enabled", "disabled")
		k.allowed = func() string { return "enabled, or another word for disabled" }
		_, k.alias = namesSection(name)
		k.older = !k.alias
		keys = append(keys, k)
	}
	return keys
}
