package config

import "time"

// The keys of the sections that have no plugin. A text of several sentences is one paragraph.

func (w *Watcher) keys() []key {
	return []key{
		one("backend", &w.Backend, oneOf("auto", "inotify", "fsnotify", "poll"), `
			How changes are noticed. auto uses poll for file systems to which another machine may write
			without notice (NFS, SMB, FUSE, overlay), else inotify on Linux and fsnotify elsewhere. The
			log says which, and why.`),
		one("settle", &w.Settle, duration(time.Millisecond, time.Minute), `
			How long a file must be unchanged before it counts as complete.`).usuallyMilliseconds(1),
		one("poll_interval", &w.PollInterval, duration(10*time.Millisecond, time.Hour), `
			How often poll looks for changes.`).usuallyMilliseconds(50),
	}
}

func (p *Pool) keys() []key {
	return []key{
		one("workers", &p.Workers, number(1, maxWorkers), `
			Uploads at the same time, at most. There are as many as the bucket answers without delay,
			and fewer when it asks for that.`),
		one("bulk_workers", &p.BulkWorkers, number(1, maxWorkers), `
			Uploads of recordings at the same time, in addition to workers, so that recordings never
			delay a live stream.`),
		one("part_size", &p.PartSize, size(minPartSize, maxPartSize), `
			Files larger than this are sent in parts of this size.`),
		one("min_throughput", &p.MinThroughput, perSecond(size(1<<10, 1<<30)), `
			An upload that is slower than this, per second, is given up and starts again.`),
		one("spool_dir", &p.SpoolDir, optional(directoryPath), `
			The spool: where files are kept that are deleted before they are uploaded. They are hard links,
			which need no space until the file is deleted. A directory elsewhere must be on the
			same file system, below the same mount point, and daemons must not share one. In a watched
			directory, a name in its path must begin with a dot. The daemon's user needs write access to
			it. Where links are impossible, files are held open instead: if the daemon ends, those that
			were deleted are lost. Before you change this or remove a section, stop the daemon and run
			ems-sidecar sync, which empties the spools. Files in spools that are not in the config are
			not uploaded; a start warns of them.`).empty(".ems-sidecar in each watched directory"),
		one("spool_max", &p.SpoolMax, size(1<<20, 1<<50), `
			How much of deleted files is kept on one file system. Beyond that, the oldest are given up.`).
			empty("10GiB, or a tenth of the file system if that is less").such("50GiB"),
		one("drain_timeout", &p.DrainTimeout, duration(0, time.Hour), `
			How long a stop waits for streams that end at the same time, for uploads in progress and for
			the last playlists.`),
	}
}

func (e *EMS) keys() []key {
	return []key{
		one("api_url", &e.APIURL, apiURL, `
			The URL of EMS's API. Credentials: username and password, or
			http://user:password@host:8888/apiproxy.`),
		one("username", &e.Username, anyText, `
			For EMS's web server, if api_url leads there. Both username and password, or none.`).empty("none"),
		one("password", &e.Password, secret, `
			Belongs to username.`).hidden().empty("none"),
		one("timeout", &e.Timeout, duration(100*time.Millisecond, time.Minute), `
			How long EMS may take for one answer.`),
		many("directories", &e.Directories, directoryPath, `
			The directories that may be published because EMS says that it writes there, with what is in
			them: anyone who may use EMS's API chooses what EMS says. Directories of watch_dir may always
			be published.`).
			empty("all, except those of the system, home directories, what is hidden in them, and the daemon's own").
			such("/var/lib/ems/media"),
		one("reconcile_interval", &e.ReconcileInterval, duration(time.Second, 24*time.Hour), `
			How often what EMS has is compared with what this file wants: a lost event costs this time at
			most.`),
	}
}

func (h *Hooks) keys() []key {
	return []key{
		one("listen", &h.Listen, hostPort, `
			Where EMS posts its events. If other hosts reach it, set allow[] or a secret.`),
		one("path", &h.Path, urlPath, `
			Events are accepted at this path, and at evowebservices.php in it.`),
		many("allow", &h.Allow, network, `
			Who may connect.`).empty("everyone").such("127.0.0.0/8"),
		one("secret", &h.Secret, urlSecret, `
			A word of letters, digits and . _ ~ - that EMS must send, as the last part of its sink's path
			(/evowebservices/WORD) or as ?secret=WORD.`).hidden().empty("none"),
		one("max_body", &h.MaxBody, size(1<<10, maxBody), `
			The size of an event. Larger ones are refused.`),
	}
}

func (a *Admin) keys() []key {
	return []key{
		one("listen", &a.Listen, orOff(hostPort), `
			Where the daemon answers. If other hosts reach it, set tls_cert and tls_key, or a token.`).empty("off"),
		many("allow", &a.Allow, network, `
			Who may connect.`).empty("everyone").such("10.0.0.0/8"),
		one("token", &a.Token, optional(bearerToken), `
			What each request must have in its header: Authorization: Bearer TOKEN. Letters, digits and
			. _ ~ + / - only.`).hidden().empty("none"),
		one("token_file", &a.tokenFile, secret, `
			Instead of token: a file that holds the token and nothing else.`).hidden().empty("none"),
		one("tls_cert", &a.TLSCert, optional(filePath), `
			A certificate, as a PEM file, for HTTPS. It is read again when it changes.`).
			empty("plain HTTP").such("/etc/ems-sidecar/cert.pem"),
		one("tls_key", &a.TLSKey, optional(filePath), `
			The private key of tls_cert, as a PEM file.`).empty("plain HTTP").such("/etc/ems-sidecar/key.pem"),
		one("stream_label", &a.StreamLabel, boolean, `
			Whether /metrics has series of each stream. With thousands of streams, set it to off: then
			streams are only counted, by state.`),
		one("player", &a.Player, orOff(player), `
			From where the status page plays HLS streams. daemon: the daemon reads them from the bucket,
			for anyone who may see the page. A URL: the keys are found below it, such as at a CDN, which
			must allow the page's origin (CORS).`).empty("off").such("daemon"),
		one("hints", &a.Hints, boolean, `
			Whether writers may tell at /hints that a stream begins or ends, without a token: nginx-rtmp,
			SRS and MediaMTX can. The directories are then scanned at once, at most every 2 s.`),
	}
}

func (l *Log) keys() []key {
	return []key{
		one("level", &l.Level, logLevel, `
			The least important lines that are logged. debug has a line for each published playlist.`),
		one("format", &l.Format, oneOf("text", "json"), `
			The form of a line.`),
	}
}

// security says how strictly the file itself is read.
type security struct{ Strict bool }

func (s *security) keys() []key {
	return []key{one("strict", &s.Strict, boolean, `
		What to do if every user of this host can read a secret, in this file or in one that it names.
		off logs a warning. on makes it a mistake, and the daemon does not start.`)}
}
