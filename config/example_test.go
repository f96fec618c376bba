package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"ems-sidecar/media"
)

const examplePath = "../config.ini.example"

var (
	commentedKey     = regexp.MustCompile(`(?m)^;([A-Za-z0-9_]+(\[\])? = .*)$`)
	commentedSection = regexp.MustCompile(`(?m)^;(\[[A-Za-z0-9]+\])$`)
)

func TestExampleLoadsAsIs(t *testing.T) {
	cfg, err := Load(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Uploads) != 1 || cfg.Uploads[0].Section != "HLS" || cfg.Uploads[0].Bucket != "ems-files" {
		t.Errorf("uploads: %+v", cfg.Uploads)
	}
	if cfg.NamesEMS || cfg.Hooks.On {
		t.Error("something of EMS is on")
	}
}

// The lines that it explains are real keys, and those that it calls defaults are.
func TestExampleLoadsWithEveryLineUncommented(t *testing.T) {
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	raw = commentedSection.ReplaceAll(raw, []byte("$1"))
	asIs, err := Parse("example", raw)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(commentedKey.FindAll(raw, -1)); n < 20 {
		t.Fatalf("only %d commented lines found", n)
	}
	cfg, err := Parse("example", commentedKey.ReplaceAll(raw, []byte("$1")))
	if err != nil {
		t.Fatal(err)
	}
	// Those that are given as examples rather than defaults.
	u := &cfg.Uploads[0]
	if u.PathStyle == nil || !*u.PathStyle || u.ServerSideEncryption != "aws:kms" {
		t.Errorf("path_style %v, server_side_encryption %q", u.PathStyle, u.ServerSideEncryption)
	}
	if cfg.Upload.SpoolMax != 50<<30 {
		t.Errorf("spool_max %d", cfg.Upload.SpoolMax)
	}
	if len(cfg.Hooks.Allow) != 1 {
		t.Errorf("allow[] %v", cfg.Hooks.Allow)
	}
	if a := cfg.Admin; len(a.Allow) != 1 || a.TLSCert == "" || a.TLSKey == "" || a.Player != PlayerDaemon {
		t.Errorf("[Admin] %+v", a)
	}
	if len(cfg.EMS.Directories) != 1 {
		t.Errorf("directories[] %v", cfg.EMS.Directories)
	}
	cfg.EMS.Directories = nil
	if len(cfg.Uploads) != len(media.Formats()) || len(asIs.Uploads) != len(media.Formats()) {
		t.Fatalf("uploads: %d and %d", len(asIs.Uploads), len(cfg.Uploads))
	}
	for i := range cfg.Uploads {
		u := &cfg.Uploads[i]
		if len(u.WatchDirs) != 1 {
			t.Errorf("[%s] watch_dir %v", u.Section, u.WatchDirs)
		}
		u.WatchDirs, asIs.Uploads[i].WatchDirs = nil, nil
		if (u.Include == "*.jpg *.json") == u.Format.IsRecorded() {
			t.Errorf("[%s] include %q", u.Section, u.Include)
		}
		if u.PublicURL != "https://cdn.example.com/live/" {
			t.Errorf("[%s] public_url %q", u.Section, u.PublicURL)
		}
		u.PathStyle, u.ServerSideEncryption, u.Include, u.PublicURL = nil, "", "", ""
	}
	cfg.Upload.SpoolMax, cfg.Hooks.Allow = 0, nil
	cfg.Admin.Allow, cfg.Admin.TLSCert, cfg.Admin.TLSKey, cfg.Admin.Player = nil, "", "", ""
	asIs.settings, cfg.settings = nil, nil // they have lines
	asIs.secrets, cfg.secrets = nil, nil
	if !reflect.DeepEqual(asIs, cfg) {
		t.Errorf("the lines are not the defaults:\n%+v\n%+v", asIs, cfg)
	}
}

func TestExampleExplainsEverySupportedKey(t *testing.T) {
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	raw = commentedSection.ReplaceAll(raw, []byte("$1"))
	doc, problems := readDocument("example", commentedKey.ReplaceAll(raw, []byte("$1")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	known := newDirectory(newSettings(neutralSections()).parts()).keys
	for _, section := range []string{"S3", "Watcher", "Upload", "Admin", "Log", "Security", "EMS", "Hooks", "StreamAutoRouter", "StreamRecorder", "StreamLoadBalancer", "TranscodeResetter"} {
		for _, key := range known[section] {
			if doc.find(section).lineOf(key) == 0 {
				t.Errorf("[%s] %s is not explained", section, key)
			}
		}
	}
	for _, format := range media.Formats() {
		section := format.Section()
		for _, key := range known[section] {
			if !slices.Contains(known["S3"], key) && doc.find(section).lineOf(key) == 0 {
				t.Errorf("[%s] %s is not explained", section, key)
			}
		}
	}
}
