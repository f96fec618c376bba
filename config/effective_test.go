package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setting returns one of the settings that hold.
func setting(t *testing.T, all []Setting, section, key string) Setting {
	t.Helper()
	for _, s := range all {
		if s.Section == section && s.Key == key {
			return s
		}
	}
	t.Fatalf("[%s] %s is not shown", section, key)
	return Setting{}
}

func TestEffectiveSettingsSayWhereTheyComeFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hUsH"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse("c.ini", []byte(`[S3]
default_bucket = ems
endpoint = https://minio.example.com
delete = mirror
[AmazonHLSUpload]
watch_dir[] = /a
watch_dir[] = /b
aws_access_key = AKIA
aws_secret_key_file = `+file+`
[AmazonRecordUpload]
[StreamRecorder]
file_location = /rec
period_time = 60
[StreamLoadBalancer]
destination_uri[] = http://me:hUsH@host:8888/apiproxy
destination_uri[] = http://me:hUsH@other:8888/apiproxy
[Log]
level = debug
`))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "hUsH", "AWS_SECRET_ACCESS_KEY": "hUsH",
		"AWS_ENDPOINT_URL": "https://not-used.example.com"}
	all := cfg.Effective(func(name string) string { return env[name] })
	for _, want := range []Setting{
		{"Plugins", "AmazonHLSUpload", "enabled", "disabled", Derived, "the file has [AmazonHLSUpload] and no [Plugins]", ""},
		{"Plugins", "AmazonHDSUpload", "disabled", "disabled", FromDefault, "", ""},
		{"AmazonHLSUpload", "default_bucket", "ems", "", FromFile, "c.ini:2", ""},
		{"AmazonHLSUpload", "watch_dir", "/a, /b", "", FromFile, "c.ini:6", ""},
		{"AmazonHLSUpload", "path_style", "on", "", Derived, "endpoint", ""},
		{"AmazonHLSUpload", "region", "eu-west-1", "", FromEnvironment, "AWS_REGION", ""},
		{"AmazonHLSUpload", "endpoint", "https://minio.example.com", "", FromFile, "c.ini:3", ""},
		{"AmazonHLSUpload", "aws_access_key", "AKIA", "", FromFile, "c.ini:8", ""},
		{"AmazonHLSUpload", "aws_secret_key", mask, "", Derived, "aws_secret_key_file", ""},
		{"AmazonHLSUpload", "delete", "mirror", "keep", FromFile, "c.ini:4", ""},
		{"AmazonHLSUpload", "delete_delay", "1m", "1m", FromDefault, "", ""},
		{"AmazonHLSUpload", "prefix", "", "", FromDefault, "", "none"},
		{"AmazonRecordUpload", "aws_access_key", mask, "", FromEnvironment, "AWS_ACCESS_KEY_ID", ""},
		{"AmazonRecordUpload", "aws_secret_key", mask, "", FromEnvironment, "AWS_SECRET_ACCESS_KEY", ""},
		{"AmazonRecordUpload", "delete", "keep", "keep", Derived, "recordings stay", ""},
		{"AmazonRecordUpload", "watch_dir", "/rec", "", Derived, "[StreamRecorder] file_location", ""},
		{"StreamLoadBalancer", "destination_uri", "http://***@host:8888/apiproxy, http://***@other:8888/apiproxy", "", FromFile, "c.ini:15", ""},
		{"Log", "level", "debug", "info", FromFile, "c.ini:18", ""},
		{"Hooks", "max_body", "1MiB", "1MiB", FromDefault, "", ""},
	} {
		if got := setting(t, all, want.Section, want.Key); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, s := range all {
		if s.Section == "S3" || s.Section == "AmazonHDSUpload" || s.Section == "StreamAutoRouter" {
			t.Errorf("%+v is not in use", s)
		}
		if strings.Contains(s.Value+s.Where+s.Default, "hUsH") {
			t.Errorf("a secret is shown: %+v", s)
		}
	}
}

// What is shown as text means the same when it is read.
func TestShownDefaultsCanBeRead(t *testing.T) {
	s := newSettings(neutralSections())
	for _, p := range s.parts() {
		for _, k := range p.keys {
			if text := k.text(); text != "" {
				if want := k.set(text); want != "" {
					t.Errorf("[%s] %s = %s: %s", p.section, k.name, text, want)
				}
			}
		}
	}
}
