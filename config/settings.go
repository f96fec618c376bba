package config

import (
	"time"

	"ems-sidecar/media"
)

// settings is a whole file before it is known which sections are enabled. The tables below are the
// list of all sections and keys.
type settings struct {
	switches switches
	defaults Upload   // [S3]
	uploads  []Upload // one for each format

	watcher Watcher
	pool    Pool
	ems     EMS
	hooks   Hooks
	admin   Admin
	log     Log

	security security

	router   Router
	recorder Recorder
	balancer Balancer
	resetter Resetter
}

// newSettings returns the defaults.
func newSettings() *settings {
	s := &settings{
		switches: newSwitches(),
		defaults: Upload{
			Bootstrap: "bootstrap", Backlog: UploadBacklog, Access: Access{SignPayload: SignAuto},
			Retention: Retention{Delete: Keep, DeleteDelay: 60 * time.Second, DeleteLocalAfter: time.Hour},
		},
		watcher: Watcher{Backend: "auto", Settle: 30 * time.Millisecond, PollInterval: time.Second},
		pool: Pool{
			Workers: 32, BulkWorkers: 2,
			PartSize: 8 << 20, MinThroughput: 64 << 10,
			DrainTimeout: 20 * time.Second,
		},
		ems: EMS{
			APIURL:  "http://127.0.0.1:7777",
			Timeout: 5 * time.Second, ReconcileInterval: 30 * time.Second,
		},
		hooks:    Hooks{Listen: "127.0.0.1:4000", Path: "/evowebservices/", MaxBody: 1 << 20},
		admin:    Admin{Listen: "127.0.0.1:4001"},
		log:      Log{Format: "text"},
		recorder: Recorder{Type: "mp4"},
	}
	for _, f := range media.Formats() {
		s.uploads = append(s.uploads, s.defaults.heir(f))
	}
	return s
}

// part is one section with its keys.
type part struct {
	section string
	keys    []key
}

// parts returns the sections that inherit nothing from other sections.
func (s *settings) parts() []part {
	return []part{
		{"Watcher", s.watcher.keys()},
		{"Upload", s.pool.keys()},
		{"EMS", s.ems.keys()},
		{"Hooks", s.hooks.keys()},
		{"Admin", s.admin.keys()},
		{"Log", s.log.keys()},
		{"Security", s.security.keys()},
		{"StreamAutoRouter", s.router.keys()},
		{"StreamRecorder", s.recorder.keys()},
		{"StreamLoadBalancer", s.balancer.keys()},
		{"TranscodeResetter", s.resetter.keys()},
	}
}

func (w *Watcher) keys() []key {
	return []key{
		one("backend", &w.Backend, oneOf("auto", "inotify", "fsnotify", "poll")),
		one("settle", &w.Settle, duration(time.Millisecond, time.Minute)).usuallyMilliseconds(1),
		one("poll_interval", &w.PollInterval, duration(10*time.Millisecond, time.Hour)).usuallyMilliseconds(50),
	}
}

func (p *Pool) keys() []key {
	return []key{
		one("workers", &p.Workers, number(1, maxWorkers)),
		one("bulk_workers", &p.BulkWorkers, number(1, maxWorkers)),
		one("part_size", &p.PartSize, size(minPartSize, maxPartSize)),
		one("min_throughput", &p.MinThroughput, perSecond(size(1<<10, 1<<30))),
		one("spool_dir", &p.SpoolDir, optional(directoryPath)),
		one("spool_max", &p.SpoolMax, size(1<<20, 1<<50)),
		one("drain_timeout", &p.DrainTimeout, duration(0, time.Hour)),
	}
}

func (e *EMS) keys() []key {
	return []key{
		one("api_url", &e.APIURL, apiURL),
		one("username", &e.Username, anyText),
		one("password", &e.Password, secret).hidden(),
		one("timeout", &e.Timeout, duration(100*time.Millisecond, time.Minute)),
		many("directories", &e.Directories, directoryPath),
		one("reconcile_interval", &e.ReconcileInterval, duration(time.Second, 24*time.Hour)),
	}
}

func (h *Hooks) keys() []key {
	return []key{
		one("listen", &h.Listen, hostPort),
		one("path", &h.Path, urlPath),
		many("allow", &h.Allow, network),
		one("secret", &h.Secret, urlSecret).hidden(),
		one("max_body", &h.MaxBody, size(1<<10, maxBody)),
	}
}

func (a *Admin) keys() []key {
	return []key{
		one("listen", &a.Listen, orOff(hostPort)),
		many("allow", &a.Allow, network),
		one("token", &a.Token, optional(bearerToken)).hidden(),
		one("token_file", &a.tokenFile, secret).hidden(),
		one("tls_cert", &a.TLSCert, optional(filePath)),
		one("tls_key", &a.TLSKey, optional(filePath)),
	}
}

func (l *Log) keys() []key {
	return []key{
		one("level", &l.Level, logLevel),
		one("format", &l.Format, oneOf("text", "json")),
	}
}

// security says how strictly the file itself is read.
type security struct{ Strict bool }

func (s *security) keys() []key { return []key{one("strict", &s.Strict, boolean)} }
