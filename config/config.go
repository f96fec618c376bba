// Package config turns config.ini into typed, validated settings.
//
// It reads the dialect of PHP's parse_ini_file, because the files of the older services must work
// unchanged. It reports all mistakes of a file at once, each with its line. It opens no directory
// and speaks to no server: other packages find out whether a bucket or a path exists. The only
// files that it reads are the config itself and those that hold its secrets.
package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Config is the content of one config.ini, with the defaults filled in.
type Config struct {
	Path    string   // of the file; empty: it has none
	Uploads []Upload // the sections that publish and are on, in the file's order
	Watcher Watcher
	Upload  Pool
	EMS     EMS
	Hooks   Hooks
	Admin   Admin
	Log     Log

	// NamesEMS: something that is on is about EMS, or a section has EvoStream's name. Else nothing of
	// EMS is asked, listened for or shown.
	NamesEMS bool

	// Warnings are about what works, and is unsafe or probably not meant. Only Load warns of files
	// that other users can read.
	Warnings []Problem

	// The plugins; nil if off.
	Router   *Router
	Recorder *Recorder
	Balancer *Balancer
	Resetter *Resetter

	settings []Setting       // see Effective
	secrets  func() []string // see Hide; nil: none
	security security
}

// Watcher says how directories are watched.
type Watcher struct {
	Backend      string        // "auto", "inotify", "fsnotify" or "poll"
	Settle       time.Duration // how long a file must be unchanged before it counts as closed
	PollInterval time.Duration
}

// Pool is [Upload]: the limits of all uploads together, where the spool is, and how the daemon
// ends. Sizes are in bytes.
type Pool struct {
	Workers       int
	BulkWorkers   int // for large files, so that they never hold up a live chunk
	PartSize      int64
	MinThroughput int64  // per second; an attempt that is slower is given up
	SpoolDir      string // empty: below each watched directory
	SpoolMax      int64  // 0: not set
	DrainTimeout  time.Duration
}

// EMS is the media server's API.
type EMS struct {
	APIURL            URI
	Username          string
	Password          Secret
	Timeout           time.Duration
	ReconcileInterval time.Duration
	Directories       []string // the server may have these and what is in them published; empty: all
}

// Hooks is the listener for EMS's event notifications.
type Hooks struct {
	On      bool           // the file has its section, or something in it needs events
	Listen  string         // host:port
	Path    string         // begins and ends with a slash
	Allow   []netip.Prefix // empty: everyone who can connect
	Secret  Secret
	MaxBody int64 // bytes
}

// Admin is the listener for operators.
type Admin struct {
	Listen  string         // host:port; empty: none
	Allow   []netip.Prefix // empty: everyone who can connect
	Token   Secret         // what each request must have; empty: none
	TLSCert string         // files in PEM; empty: plain HTTP
	TLSKey  string
	// StreamLabel gives each stream metrics of its own. Without it, streams are only counted.
	StreamLabel bool
	// Hints lets writers tell at /hints that a stream begins or ends.
	Hints  bool
	Player string // PlayerDaemon, or a URL that ends in a slash, below which the keys are; empty: nothing is played

	tokenFile Secret
}

// PlayerDaemon is the Player that reads the objects through this daemon.
const PlayerDaemon = "daemon"

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format string // "text" or "json"
}

// Load reads and validates the file. If the file can be read but has mistakes, it returns an *Error
// with all of them.
func Load(path string) (*Config, error) {
	raw, err := readFile(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read the config: %w", err)
	}
	cfg, d, err := parse(path, raw)
	if err != nil {
		return nil, err
	}
	exposed := d.exposed(path)
	if d.strict && len(exposed) > 0 {
		return nil, &Error{exposed}
	}
	cfg.Warnings = inOrder(append(cfg.Warnings, exposed...))
	cfg.Path = path
	return cfg, nil
}

// Parse validates the content of a config file. It uses the path in messages only.
func Parse(path string, raw []byte) (*Config, error) {
	cfg, _, err := parse(path, raw)
	return cfg, err
}

func parse(path string, raw []byte) (*Config, *decoder, error) {
	doc, problems := readDocument(path, raw)
	publishing := doc.publishing()
	all := newSettings(publishing)
	table := all.parts()
	d := &decoder{doc: doc, problems: problems, unknown: newDirectory(newSettings(neutralSections()).parts())}
	for _, p := range table {
		d.decode(p.section, p.keys)
		if p.section == "S3" {
			all.inherit(publishing)
		}
	}
	d.unknownSections()

	cfg := all.enabled(d)
	if len(d.problems) > 0 {
		return nil, nil, &Error{inOrder(d.problems)}
	}
	d.strict = all.security.Strict
	cfg.security = all.security
	cfg.Warnings = inOrder(d.warnings)
	cfg.settings = d.settings(table, newSettings(publishing).parts(), cfg)
	cfg.secrets = d.allSecrets(cfg)
	return cfg, d, nil
}

// Reacts reports whether a plugin is on that gives orders to the media server.
func (c *Config) Reacts() bool {
	return c.Router != nil || c.Recorder != nil || c.Balancer != nil || c.Resetter != nil
}

// AsksEMS reports whether an upload takes its directories from the media server.
func (c *Config) AsksEMS() bool {
	return slices.ContainsFunc(c.Uploads, func(u Upload) bool { return len(u.WatchDirs) == 0 })
}
