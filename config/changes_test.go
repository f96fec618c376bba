package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A key that is in no row, or in two, would be applied by accident.
func TestEachKeyIsInOneRowOfWhatAReloadApplies(t *testing.T) {
	listed := map[string]int{}
	for _, row := range appliedKeys {
		for _, key := range strings.Fields(row.onReload + " " + row.onRestart) {
			listed[row.section+" "+key]++
		}
	}
	all := map[string]bool{}
	for _, p := range newSettings(neutralSections()).parts() {
		section := p.section
		if p.inherits {
			section = "S3"
		}
		for _, k := range p.keys {
			if section != "Plugins" { // switches: the sections are on or off
				all[section+" "+k.name] = true
			}
		}
	}
	for key, n := range listed {
		if n != 1 || !all[key] {
			t.Errorf("%s is listed %d times, known: %v", key, n, all[key])
		}
	}
	for key := range all {
		if listed[key] == 0 {
			t.Errorf("%s is not listed", key)
		}
	}
}

func TestReplacingTellsKeyByKeyWhatChanged(t *testing.T) {
	before := mustParse(t, `[S3]
default_bucket = one
aws_access_key = 'AKIAOLD'
aws_secret_key = 'first'
[AmazonHLSUpload]
watch_dir = /a
[StreamAutoRouter]
token = ''
destination_uri = rtmp://user:old-password@10.0.0.1/live
[Log]
level = info
`)
	after := mustParse(t, `[S3]
default_bucket = two
aws_access_key = 'AKIANEW'
aws_secret_key = 'second'
path_style = on
acl = private
cache_control_chunk = no-store
[AmazonHLSUpload]
watch_dir[] = /a
watch_dir[] = /b
[AmazonDASHUpload]
watch_dir = /a
[Upload]
workers = 4
spool_max = 1GiB
[StreamAutoRouter]
token = ''
destination_uri = rtmp://user:new-password@10.0.0.1/live
[Log]
level = debug
`)
	now, changes, err := before.Replace(after)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("[%s] %s %q -> %q %d", c.Section, c.Key, c.Old, c.New, c.Applied))
	}
	want := []string{
		`[AmazonHLSUpload] aws_access_key "AKIAOLD" -> "AKIANEW" 1`,
		`[AmazonHLSUpload] aws_secret_key "" -> "" 1`,
		`[AmazonHLSUpload] path_style "" -> "on" 1`,
		`[AmazonHLSUpload] default_bucket "one" -> "two" 1`,
		`[AmazonHLSUpload] acl "" -> "private" 1`,
		`[AmazonHLSUpload] cache_control_chunk "" -> "no-store" 0`,
		`[AmazonHLSUpload] watch_dir "/a" -> "/a, /b" 0`,
		`[AmazonDASHUpload]  "off" -> "on" 0`,
		`[Upload] workers "128" -> "4" 0`,
		`[Upload] spool_max "" -> "1GiB" 1`,
		`[Log] level "info" -> "debug" 0`,
		`[StreamAutoRouter] destination_uri "rtmp://***@10.0.0.1/live" -> "rtmp://***@10.0.0.1/live" 0`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if now.Uploads[0].Bucket != "one" || now.Upload.SpoolMax != 0 || now.Upload.Workers != 4 ||
		now.Uploads[0].SecretKey.Reveal() != "first" || after.Uploads[0].Bucket != "two" {
		t.Errorf("%+v", now)
	}
	if got := now.Hide("first or second"); got != "*** or ***" {
		t.Errorf("hidden: %s", got)
	}
	// The next reload still knows that a restart is needed, and of nothing else.
	if _, again, _ := now.Replace(after); len(again) != 6 {
		t.Errorf("again: %+v", again)
	}
}

func TestSectionThatIsSwitchedOffIsAChange(t *testing.T) {
	on := mustParse(t, "[S3]\ndefault_bucket = one\n[AmazonHLSUpload]\nwatch_dir = /a\n[TranscodeResetter]\n")
	off := mustParse(t, "[S3]\ndefault_bucket = one\n[AmazonHLSUpload]\nwatch_dir = /a\n")
	_, changes, err := on.Replace(off)
	if err != nil || len(changes) != 1 || changes[0] != (Change{Section: "TranscodeResetter", Old: "on", New: "off"}) {
		t.Errorf("%+v, %v", changes, err)
	}
}

// Directories of the operator's and those that EMS names do not mix.
func TestWatchDirNeedsARestartOnlyWhereEMSWasAskedOrWillBe(t *testing.T) {
	const asked = "[S3]\ndefault_bucket = one\n[AmazonHLSUpload]\n"
	before, after := mustParse(t, asked), mustParse(t, asked+"watch_dir = /a\n")
	now, changes, err := before.Replace(after)
	if err != nil || len(changes) != 1 || changes[0].Applied != OnRestart || len(now.Uploads[0].WatchDirs) != 0 {
		t.Errorf("%+v, %v", changes, err)
	}
	if !now.Hooks.On {
		t.Error("a section that still asks EMS has no answer")
	}
	if now, _, _ = after.Replace(before); len(now.Uploads[0].WatchDirs) != 1 {
		t.Errorf("%+v", now.Uploads)
	}
}

// Keys of the store that is in use are renewed without a restart; those of another one wait for it.
func TestAnotherEndpointHoldsTheKeysOfTheStoreBack(t *testing.T) {
	const text = "[AmazonHLSUpload]\nwatch_dir = /a\ndefault_bucket = one\nregion = r1\n"
	before := mustParse(t, text)
	same := mustParse(t, strings.Replace(text, "r1", "r2\nprefix = p", 1))
	if now, _, err := before.Replace(same); err != nil || now.Uploads[0].Region != "r2" {
		t.Errorf("%+v, %v", now, err)
	}
	other := mustParse(t, strings.Replace(text, "r1", "r2\nendpoint = https://s3.example.com", 1))
	now, changes, err := before.Replace(other)
	if err != nil || now.Uploads[0].Region != "r1" || now.Uploads[0].Endpoint != "" || len(changes) != 2 {
		t.Errorf("%+v, %+v, %v", now, changes, err)
	}
}

// Recordings in progress are closed in the former directory.
func TestFileLocationNeedsARestartWhereItIsTheWatchDir(t *testing.T) {
	const text = "[S3]\ndefault_bucket = one\n[AmazonRecordUpload]\n[StreamRecorder]\nperiod_time = 60\nfile_location = /a\n"
	before, after := mustParse(t, text), mustParse(t, strings.Replace(text, "/a", "/b", 1))
	now, changes, err := before.Replace(after)
	if err != nil || now.Recorder.FileLocation != "/a" || !slices.Equal(now.Uploads[0].WatchDirs, []string{"/a"}) {
		t.Errorf("%+v, %v", now, err)
	}
	for range 2 { // the next reload still knows
		if len(changes) != 2 || changes[0].Applied != OnRestart || changes[1].Applied != OnRestart {
			t.Errorf("%+v", changes)
		}
		_, changes, _ = now.Replace(after)
	}
	if after.Recorder.FileLocation != "/b" {
		t.Errorf("the new config has changed: %+v", after.Recorder)
	}
	own := strings.NewReplacer("[StreamRecorder]", "watch_dir = /r\n[StreamRecorder]")
	before, after = mustParse(t, own.Replace(text)), mustParse(t, strings.Replace(own.Replace(text), "/a", "/b", 1))
	if now, _, err = before.Replace(after); err != nil || now.Recorder.FileLocation != "/b" {
		t.Errorf("%+v, %v", now, err)
	}
}

// Each of the two changes is right alone.
func TestSpoolThatStaysIsNotWatched(t *testing.T) {
	before := mustParse(t, "[S3]\ndefault_bucket = one\n[AmazonHLSUpload]\nwatch_dir = /a\n[Upload]\nspool_dir = /b/spool\n")
	after := mustParse(t, "[S3]\ndefault_bucket = one\n[AmazonHLSUpload]\nwatch_dir = /b\n[Upload]\nspool_dir = /a/spool\n")
	if _, _, err := before.Replace(after); err == nil || !strings.Contains(err.Error(), "spool_dir") {
		t.Errorf("%v", err)
	}
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("config.ini", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
