package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

// The sections of EvoStream's documentation, byte for byte.
const sample = `[StreamAutoRouter]
token = forwardthese
destination_uri = 192.168.2.58

[StreamRecorder]
file_location = C:\xampp\htdocs\evowebservices\media\
period_time = 60;

[StreamLoadBalancer]
destination_uri[] = 192.168.2.39
destination_uri[] = 192.168.2.38
destination_uri[] = 192.168.2.58

[AmazonHDSUpload]
aws_access_key = ''
aws_secret_key = ''
default_bucket = 'ems-files'
bootstrap = 'bootstrap'

[AmazonHLSUpload]
aws_access_key = ''
aws_secret_key = ''
default_bucket = 'ems-files'
`

const switchesOn = `[Plugins]
StreamLoadBalancer = enabled
StreamAutoRouter = Enabled
StreamRecorder = "enabled"
TranscodeResetter = disabled
AmazonHDSUpload = enabled
AmazonHLSUpload = enabled ; a comment

`

func TestSampleSectionsMeanWhatTheyMeant(t *testing.T) {
	crlf := strings.NewReplacer("\n", "\r\n")
	blanks := strings.NewReplacer("\n", " \t \n")
	for name, text := range map[string]string{
		"as documented":        sample,
		"with [Plugins]":       switchesOn + sample,
		"blanks behind values": blanks.Replace(switchesOn + sample),
		"CRLF":                 crlf.Replace(switchesOn + sample),
		"byte order mark":      "\xef\xbb\xbf" + sample,
		"all of it":            "\xef\xbb\xbf" + crlf.Replace(blanks.Replace(switchesOn+sample)),
		"no final line break":  strings.TrimSpace(sample),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("config.ini", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if r := cfg.Router; r == nil || r.Token != "forwardthese" || !slices.Equal(r.Destinations, []URI{"192.168.2.58"}) {
				t.Errorf("router: %+v", r)
			}
			if r := cfg.Recorder; r == nil || r.FileLocation != `C:\xampp\htdocs\evowebservices\media\` || r.Period != time.Minute {
				t.Errorf("recorder: %+v", r)
			}
			if b := cfg.Balancer; b == nil || !slices.Equal(b.Destinations, []URI{"192.168.2.39", "192.168.2.38", "192.168.2.58"}) {
				t.Errorf("balancer: %+v", b)
			}
			if cfg.Resetter != nil {
				t.Errorf("resetter: %+v", cfg.Resetter)
			}
			if len(cfg.Uploads) != 2 {
				t.Fatalf("uploads: %+v", cfg.Uploads)
			}
			for i, want := range []media.Format{media.HDS, media.HLS} {
				u := cfg.Uploads[i]
				if u.Format != want || u.Bucket != "ems-files" || u.AccessKey != "" || u.SecretKey != "" || u.Bootstrap != "bootstrap" {
					t.Errorf("upload %d: %+v", i, u)
				}
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	cfg, err := Parse("config.ini", []byte("[AmazonHLSUpload]\ndefault_bucket = ems-files\nwatch_dir = /srv/hls\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Watcher{Backend: "auto", Settle: 30 * time.Millisecond, PollInterval: time.Second}); cfg.Watcher != want {
		t.Errorf("watcher: %+v", cfg.Watcher)
	}
	want := Pool{Workers: 128, BulkWorkers: 2, PartSize: 8 << 20, MinThroughput: 64 << 10, DrainTimeout: 20 * time.Second}
	if cfg.Upload != want {
		t.Errorf("upload: %+v", cfg.Upload)
	}
	if cfg.Admin.Listen != "127.0.0.1:4001" || cfg.Hooks.Listen != "127.0.0.1:4000" || cfg.Log != (Log{Format: "text"}) {
		t.Errorf("admin %+v, hooks %+v, log %+v", cfg.Admin, cfg.Hooks, cfg.Log)
	}
	if u := cfg.Uploads[0]; u.Delete != Keep || u.DeleteDelay != time.Minute || u.ManifestInterval != 0 || u.PathStyle != nil {
		t.Errorf("HLS: %+v", u)
	}
}

func TestPluginSwitches(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		on   bool
	}{
		"a section alone is on":                 {"", true},
		"enabled turns on":                      {"[Plugins]\nTranscodeResetter = enabled\n", true},
		"in any case":                           {"[Plugins]\nTranscodeResetter = 'ENABLED'\n", true},
		"any other word is off":                 {"[Plugins]\nTranscodeResetter = true\n", false},
		"nothing is off":                        {"[Plugins]\nTranscodeResetter =\n", false},
		"not listed is off":                     {"[Plugins]\n", false},
		"[Plugins] may stand at the end (here)": {"[Log]\n[Plugins]\nTranscodeResetter = enabled\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("config.ini", []byte("[TranscodeResetter]\nvideo = on\n"+c.text))
			if err != nil {
				t.Fatal(err)
			}
			if on := cfg.Resetter != nil; on != c.on {
				t.Errorf("on is %v", on)
			}
			if c.on && !cfg.Resetter.Video {
				t.Error("video is off")
			}
		})
	}
	cfg, err := Parse("config.ini", []byte("[Plugins]\nTranscodeResetter = enabled\n"))
	if err != nil || cfg.Resetter == nil {
		t.Errorf("a resetter needs no section: %v", err)
	}
}

func TestSectionsInheritFromS3(t *testing.T) {
	text := `
[AmazonDASHUpload]
watch_dir[] = /srv/a/
watch_dir[] = /srv/b
prefix = /live/dash
path_style = off
acl = ''
[S3]
default_bucket = shared
endpoint = http://127.0.0.1:9000/
prefix = live/
acl = public-read
delete_delay = 5
[AmazonHLSUpload]
watch_dir = /srv/a
default_bucket = own
[AmazonMSSUpload]
[Plugins]
AmazonHLSUpload = enabled
AmazonDASHUpload = enabled
`
	cfg, err := Parse("config.ini", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Uploads) != 2 {
		t.Fatalf("%+v", cfg.Uploads)
	}
	dash, hls := cfg.Uploads[0], cfg.Uploads[1]
	if dash.Format != media.DASH || dash.Bucket != "shared" || dash.Prefix != "live/dash/" || dash.PathStyle == nil || *dash.PathStyle || dash.ACL != "" {
		t.Errorf("dash: %+v", dash)
	}
	if !slices.Equal(dash.WatchDirs, []string{"/srv/a", "/srv/b"}) {
		t.Errorf("dash: %q", dash.WatchDirs)
	}
	if hls.Format != media.HLS || hls.Bucket != "own" || hls.Prefix != "live/" || hls.PathStyle != nil || hls.ACL != "public-read" {
		t.Errorf("hls: %+v", hls)
	}
	if hls.Endpoint != "http://127.0.0.1:9000" || hls.DeleteDelay != 5*time.Second || !slices.Equal(hls.WatchDirs, []string{"/srv/a"}) {
		t.Errorf("hls: %+v", hls)
	}
}

// EMS never deletes recordings: what [S3] says of deletions is for the live formats.
func TestDeletionsInTheBucketAreNotForRecordings(t *testing.T) {
	const inherited = "[S3]\ndefault_bucket = ems\ndelete = mirror\n[AmazonHLSUpload]\nwatch_dir = /a\n[AmazonRecordUpload]\nwatch_dir = /r\n"
	cfg, err := Parse("c", []byte(inherited))
	if err != nil || len(cfg.Uploads) != 2 {
		t.Fatalf("%+v, %v", cfg, err)
	}
	if hls, record := cfg.Uploads[0].Delete, cfg.Uploads[1].Delete; hls != Mirror || record != Keep {
		t.Errorf("HLS is set to %s and recordings to %s", hls, record)
	}
	_, err = Parse("c", []byte(inherited+"delete = mirror"))
	if want := `c:8: [AmazonRecordUpload] delete = "mirror": does not apply to recordings`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("set for recordings: %v", err)
	}
	if _, err = Parse("c", []byte(inherited+"delete = keep")); err != nil {
		t.Error(err)
	}
}

func TestRecordingsAreWhereTheRecorderPutsThem(t *testing.T) {
	const section = "[Plugins]\nAmazonRecordUpload = enabled\n[S3]\ndefault_bucket = ems-files\n[StreamRecorder]\nfile_location = /srv/rec/\n[AmazonRecordUpload]\n"
	for name, c := range map[string]struct {
		text string
		dirs []string
		kept bool
	}{
		"by default":                 {section, []string{"/srv/rec"}, true},
		"where else they are said":   {section + "watch_dir[] = /a\nwatch_dir[] = /b\n", []string{"/a", "/b"}, true},
		"deleted, but only if asked": {section + "delete_local = after_upload\n", []string{"/srv/rec"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("config.ini", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if len(cfg.Uploads) != 1 {
				t.Fatalf("uploads %+v", cfg.Uploads)
			}
			if u := cfg.Uploads[0]; !slices.Equal(u.WatchDirs, c.dirs) || u.DeleteLocal == c.kept || u.DeleteLocalAfter != time.Hour {
				t.Errorf("got %+v", u)
			}
		})
	}
}
