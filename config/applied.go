package config

import (
	"slices"
	"strings"
)

// Applied says when the daemon uses a value that has changed in the file.
type Applied uint8

const (
	// OnReload means that a reload applies it: to what begins after it.
	OnReload Applied = iota
	// OnRestart means that the value from the start stays until a restart.
	OnRestart
)

// ofStore are the keys that belong to a bucket at an endpoint. If that needs a restart, they do, too:
// one store refuses what another one asks for.
const ofStore = "aws_access_key aws_secret_key aws_secret_key_file region path_style sign_payload acl " +
	"storage_class server_side_encryption kms_key_id"

// appliedKeys is the table of all keys by when they are applied. [S3] stands for the sections that
// publish, with the keys that only some of them have. What a bucket is believed to have, and what
// the spool keeps, belongs to an address in the store and to a place on the disk: those stay.
var appliedKeys = []struct{ section, onReload, onRestart string }{
	{
		"S3",
		ofStore + " cache_control_chunk cache_control_manifest backlog delete_delay manifest_interval reconnect_window " +
			"stale_after when_stale absent_variants watch_dir " +
			"delete_local delete_local_after",
		"default_bucket endpoint prefix delete bootstrap include writer archive archive_keep dvr split_ranges run_prefix " +
			"public_url rewrite_urls",
	},
	{"Watcher", "", "backend settle poll_interval"},
	{"Upload", "workers bulk_workers part_size min_throughput drain_timeout", "spool_dir spool_max"},
	{"EMS", "api_url username password timeout directories reconcile_interval", ""},
	{"Hooks", "listen path allow secret max_body", ""},
	{"Admin", "listen allow token token_file tls_cert tls_key player hints", "stream_label"},
	{"Log", "level format", ""},
	{"Security", "strict", ""},
	{"StreamAutoRouter", "token destination_uri", ""},
	{"StreamRecorder", "file_location period_time type", ""},
	{"StreamLoadBalancer", "destination_uri advertise username password", ""},
	{"TranscodeResetter", "token video", ""},
}

// appliedOf returns when a key of a section is applied, if no other change holds it back. The
// switches in [Plugins] are applied on a reload.
func appliedOf(section, key string) Applied {
	if _, publishes := namesSection(section); publishes {
		section = "S3"
	}
	for _, t := range appliedKeys {
		for k := range strings.FieldsSeq(t.onRestart) {
			if t.section == section && k == key {
				return OnRestart
			}
		}
	}
	return OnReload
}

// applied returns when the change of a key from o, in c, to k, in next, is applied.
func (c *Config) applied(next *Config, p part, o, k key) Applied {
	switch {
	case k.name == "watch_dir" && (k.text() == "") != (o.text() == ""):
		return OnRestart // what EMS has named is published until then
	case (k.name == "watch_dir" || k.name == "file_location") && c.movesRecordings(next, p):
		return OnRestart // recordings in progress are published until then
	case slices.Contains(strings.Fields(ofStore), k.name) && c.movesStore(next, p.id):
		return OnRestart
	}
	return appliedOf(p.section, k.name)
}

// movesStore reports whether the section with that ID has another bucket in next.
func (c *Config) movesStore(next *Config, id string) bool {
	was, is := c.upload(id), next.upload(id)
	return was != nil && is != nil && (was.Bucket != is.Bucket || was.Endpoint != is.Endpoint)
}

// movesRecordings reports whether a change of file_location moves the directory of recordings: the
// section that publishes them has no watch_dir of its own, here and in next.
func (c *Config) movesRecordings(next *Config, p part) bool {
	id := c.derivedRecordings()
	return id != "" && id == next.derivedRecordings() && (p.id == id || p.section == "StreamRecorder")
}

// upload returns the section with that ID, or nil if it is off.
func (c *Config) upload(id string) *Upload {
	i := slices.IndexFunc(c.Uploads, func(u Upload) bool { return u.ID() == id })
	if i < 0 {
		return nil
	}
	return &c.Uploads[i]
}

// derivedRecordings returns the ID of the section whose directory follows from file_location, or "".
func (c *Config) derivedRecordings() string {
	for _, s := range c.settings {
		name, ok := namesSection(s.Section)
		if ok && name.format.IsRecorded() && s.Key == "watch_dir" && s.Origin == Derived {
			return IDOf(s.Section)
		}
	}
	return ""
}
