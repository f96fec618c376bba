package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRedactURI(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"192.168.2.58":                      "192.168.2.58",
		"rtmp://host/live":                  "rtmp://host/live",
		"rtmp://user:pass@host/live":        "rtmp://***@host/live",
		"rtmp://user:p@ss@host/live":        "rtmp://***@host/live",
		"rtmp://user:p/ss@host/live":        "rtmp://***@host/live",
		"http://user:p?ss@host/":            "http://***@host/",
		"user:pass@host":                    "***@host",
		"user:pass://word@host":             "***@host",
		"'http://user:pass@host":            "***@host",
		"rtmp://host/live?key=abc":          "rtmp://host/live?***",
		"https://user:pass@host/x?key=abc":  "https://***@host/x?***",
		"http://user:pass@host/?mail=a@b.c": "http://***@b.c",
	} {
		if got := redactURI(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSecretShowsItselfOnlyWhenRevealed(t *testing.T) {
	s := Secret("hunter2")
	if s.Reveal() != "hunter2" || fmt.Sprint(s) != "***" || fmt.Sprintf("%q", s) != `"***"` || fmt.Sprint(Secret("")) != "" {
		t.Errorf("%s %q", s, s)
	}
	if u := URI("rtmp://me:hunter2@host"); u.Reveal() != "rtmp://me:hunter2@host" || u.String() != "rtmp://***@host" {
		t.Errorf("%s", u)
	}
}

const hushed = "hUsH"

func TestConfigNeverPrintsASecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(hushed+"File\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `[S3]
default_bucket = ems
aws_access_key = AKIA
aws_secret_key = hUsH
[AmazonHLSUpload]
[AmazonHDSUpload]
aws_access_key = AKIB
aws_secret_key_file = ` + file + `
[EMS]
api_url = http://me:hUsH@host:8888/apiproxy
username = me
password = hUsH
[Hooks]
secret = hUsH
[StreamAutoRouter]
token = ''
destination_uri = rtmp://me:hUsH@host/live
[StreamLoadBalancer]
destination_uri[] = rtmp://me:hUsH@host/live
username = me
password = hUsH
`
	cfg, err := Parse("c", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if hls, hds := cfg.Uploads[0].SecretKey.Reveal(), cfg.Uploads[1].SecretKey.Reveal(); hls != hushed || hds != hushed+"File" {
		t.Fatalf("secrets %q and %q", hls, hds)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("config", "config", cfg, "balancer", cfg.Balancer, "router", *cfg.Router, "ems", cfg.EMS, "secret", cfg.Hooks.Secret)
	}
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{log.String(), string(asJSON)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{cfg, *cfg, *cfg.Router, *cfg.Balancer, cfg.EMS, cfg.Hooks, cfg.Uploads, cfg.Hooks.Secret, cfg.EMS.APIURL, struct{ C *Config }{cfg}, []*Router{cfg.Router}} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	for _, s := range shown {
		for _, form := range []string{file, hushed, fmt.Sprintf("%x", hushed), fmt.Sprintf("%X", hushed)} {
			if strings.Contains(s, form) {
				t.Errorf("reveals the secret: %s", s)
			}
		}
	}
}

func TestProblemsNeverHoldASecret(t *testing.T) {
	for _, text := range []string{
		"[S3]\naws_secret_key hUsH",
		"[S3]\naws_secret_key: hUsH",
		"[S3]\nhUsH",
		"[S3]\naws_secret_key = abc\n/hUsHabc+def==",
		"[S3]\naws_secret_key = 'hUsH",
		"[S3]\naws_secret_key = 'hUsH' hUsH",
		"[S3]\naws_secret_key = `hUsH",
		"[S3]\naws_secret_key = hU\x00hUsH",
		"[S3]\naws_secret_key = a\naws_secret_key = hUsH",
		"[S3]\naws_secret_key[] = hUsH",
		"[S3]\naws_secretkey = hUsH",
		"[S3\naws_secret_key = hUsH",
		"[S5]\naws_secret_key = hUsH",
		"[AmazonHLSUpload]\naws_secret_key = hUsH",
		"[AmazonHLSUpload]\naws_access_key = A\naws_secret_key_file = hUsH",
		"[S3]\nendpoint = http://me:hUsH@host",
		"[S3]\nendpoint = me:hUsH@host:9000",
		"[EMS]\napi_url = ftp://me:hUsH@host",
		"[EMS]\napi_url = 'http://me:hUsH@host",
		"[EMS]\napi_url = me:hUsH@host",
		"[EMS]\napi_url = http://me:hUsH%zz@host",
		"[EMS]\npassword = hUsH",
		"[Hooks]\nsecret = 'hUsH",
		"[StreamAutoRouter]\ndestination_uri = rtmp://me:hUsH @host",
		"[StreamAutoRouter]\ndestination_uri[] = rtmp://me:hUsH@",
		"[StreamLoadBalancer]\ndestination_uri[] = h\npassword = hUsH",
		"[Admin]\nlisten = http://me:hUsH@host:4001",
	} {
		_, err := Parse("c", []byte(text))
		if err == nil {
			t.Errorf("%q: no mistake", text)
			continue
		}
		var mistakes *Error
		if !errors.As(err, &mistakes) {
			t.Fatalf("%T is no *Error", err)
		}
		if shown := fmt.Sprintf("%v %+v %#v", err, err, mistakes.Problems); strings.Contains(shown, hushed) {
			t.Errorf("%q: %s", text, shown)
		}
	}
}
