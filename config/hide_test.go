package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHideLeavesNoSecretInATextOfOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hUsH-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse("c", []byte(`[S3]
default_bucket = ems
aws_access_key = AKIA
aws_secret_key_file = `+file+`
[AmazonHLSUpload]
watch_dir = /a
[EMS]
api_url = http://me:hUsH-url@host/apiproxy
username = me
password = 'hUsH "quoted" & <more>'
[StreamAutoRouter]
token = ''
destination_uri = rtmp://host/live?key=hUsH-query
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"key hUsH-file", "password hUsH-url", "stream hUsH-query of me:hUsH-url",
		`{"p":"hUsH \"quoted\" \u0026 \u003cmore\u003e"}`, `hUsH+%22quoted%22+%26+%3Cmore%3E`, `hUsH "quoted" & <more>`,
		"rtmp://any:hUsH@elsewhere/live", `uri="rtsp://elsewhere/live?token=hUsH"`, "Authorization: Bearer hUsH.of.another",
		"from hUsH-given", "in " + file + " it is", "Authorization: Basic hUsHb64=",
	} {
		if got := cfg.Hide(text, "hUsH-given"); strings.Contains(got, "hUsH") || strings.Contains(got, file) || !strings.Contains(got, mask) {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	for _, text := range []string{"uploads to http://host:9000/bucket wait", "key=live/a.m3u8 lag=12ms", "mail me", ""} {
		if got := cfg.Hide(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	var none *Config
	if got := none.Hide("rtmp://a:hUsH@b"); got != "rtmp://***@b" {
		t.Errorf("without a config: %q", got)
	}
}

// An answer may repeat any address, also one that is not the config's.
func TestURLsHaveNoCredentials(t *testing.T) {
	got := HideURLs(`pullStream: cannot pull "rtsp://user:hunter2@cam:554/1?token=t0ps3cret" or http://ems:7777`)
	if want := `pullStream: cannot pull "rtsp://***@cam:554/1?***" or http://ems:7777`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := HideURLs(`Invalid URI: 'rtmp://user:hunt'er2@host/live'`); got != `Invalid URI: 'rtmp://***@host/live'` {
		t.Error(got)
	}
}

// In JSON, what is beside a URL stays.
func TestURLsInJSONEndWithTheirString(t *testing.T) {
	got := HideURLs(`{"uri":"rtmp://user:hunt'er2@host/live?key=t0ps3cret","mail":"a@b?c"}`)
	if want := `{"uri":"rtmp://***@host/live?***","mail":"a@b?c"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
