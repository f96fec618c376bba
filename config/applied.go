package config

import "strings"

// Applied says when the daemon uses a value that has changed in the file.
type Applied uint8

const (
	// OnReload means that a reload applies it: to what begins after it.
	OnReload Applied = iota
	// OnRestart means that the value from the start stays until a restart.
	OnRestart
)

// appliedKeys is the table of all keys by when they are applied. [S3] stands for the Amazon…
// sections, with the keys that only some of them have. What a bucket is believed to have, and what
// the spool keeps, belongs to an address in the store and to a place on the disk: those stay.
var appliedKeys = []struct{ section, onReload, onRestart string }{
	{
		"S3",
		"aws_access_key aws_secret_key aws_secret_key_file region path_style sign_payload acl storage_class " +
			"server_side_encryption kms_key_id cache_control_chunk cache_control_manifest backlog delete_delay " +
			"manifest_interval watch_dir delete_local delete_local_after",
		"default_bucket endpoint prefix delete bootstrap",
	},
	{"Watcher", "", "backend settle poll_interval"},
	{"Upload", "workers bulk_workers part_size min_throughput drain_timeout", "spool_dir spool_max"},
	{"EMS", "api_url username password timeout directories reconcile_interval", ""},
	{"Hooks", "listen path allow secret max_body", ""},
	{"Admin", "listen allow token token_file tls_cert tls_key player", "stream_label"},
	{"Log", "level format", ""},
	{"Security", "strict", ""},
	{"StreamAutoRouter", "token destination_uri", ""},
	{"StreamRecorder", "file_location period_time type", ""},
	{"StreamLoadBalancer", "destination_uri advertise username password", ""},
	{"TranscodeResetter", "token video", ""},
}

// appliedOf returns when a key of a section is applied. The switches in [Plugins] are applied on a
// reload.
func appliedOf(section, key string) Applied {
	if strings.HasPrefix(section, "Amazon") {
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
