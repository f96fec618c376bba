package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPHPValue(t *testing.T) {
	for raw, want := range map[string]string{
		"":                         "",
		"   ":                      "",
		"plain":                    "plain",
		"two words":                "two words",
		"60;":                      "60",
		"60 ; a minute":            "60",
		"; nothing":                "",
		"''":                       "",
		`""`:                       "",
		"'a;b' ; c":                "a;b",
		`"a # b";c`:                "a # b",
		"'it is \"quoted\"'":       `it is "quoted"`,
		"a#b":                      "a#b",
		"http://h/#x":              "http://h/#x",
		"#x":                       "#x",
		"' blanks stay '":          " blanks stay ",
		`C:\media\`:                `C:\media\`,
		`'C:\media\'`:              `C:\media\`,
		"a=b":                      "a=b",
		"%(x)s":                    "%(x)s",
		"it's":                     "it's",
		"rtmp://h:1935/live ; end": "rtmp://h:1935/live",
	} {
		if got, bad := phpValue(raw); got != want || bad != "" {
			t.Errorf("%q: got %q (%s), want %q", raw, got, bad, want)
		}
	}
}

// A line cannot change what the next one means, whatever it ends with.
func TestValuesStayOnTheirLines(t *testing.T) {
	for _, token := range []string{`C:\media\`, `'C:\media\'`, `%(destination_uri)s`, `a"b`, "a`b", "'`'", `'"""'`} {
		cfg, err := Parse("c", []byte("[StreamAutoRouter]\n  token="+token+"\n\tdestination_uri = h\n"))
		if err != nil {
			t.Errorf("%s: %v", token, err)
			continue
		}
		if r := cfg.Router; r.Token != strings.Trim(token, "'") || len(r.Destinations) != 1 || r.Destinations[0] != "h" {
			t.Errorf("%s: %+v", token, r)
		}
	}
}

func TestValues(t *testing.T) {
	show := func(v any, want string) string {
		if want != "" {
			return "bad"
		}
		return fmt.Sprint(v)
	}
	day := duration(0, 24*time.Hour)
	for _, c := range []struct{ what, got, want string }{
		{"Go's duration", show(day("1m30s")), "1m30s"},
		{"seconds", show(day("60")), "1m0s"},
		{"a fraction of a second", show(day("0.25")), "250ms"},
		{"zero", show(day("0")), "0s"},
		{"the whole range", show(day("24h")), "24h0m0s"},
		{"not a number", show(day("NaN")), "bad"},
		{"the last second of a day", show(seconds(1, 86399)("86399")), "23h59m59s"},
		{"a size in MiB", show(size(0, 1<<30)("8MiB")), "8388608"},
		{"a size in k", show(size(0, 1<<30)("64k")), "64000"},
		{"a size in bytes", show(size(0, 1<<30)("12345")), "12345"},
		{"a rate", show(perSecond(size(0, 1<<30))("64KiB/s")), "65536"},
		{"a size beyond all", show(size(0, 1<<50)("99999999EiB")), "bad"},
		{"yes", show(boolean("Yes")), "true"},
		{"enabled", show(boolean("enabled")), "true"},
		{"0", show(boolean("0")), "false"},
		{"no prefix", show(prefix("")), ""},
		{"the root as prefix", show(prefix("/")), ""},
		{"a prefix with slashes", show(prefix("/live/hls/")), "live/hls/"},
		{"a prefix without", show(prefix("live")), "live/"},
		{"a prefix with dots in it", show(prefix("a..b/.c")), "a..b/.c/"},
		{"an old bucket", show(bucket("My_Old.Bucket")), "My_Old.Bucket"},
		{"a bucket of 63", show(bucket(strings.Repeat("a", 63))), strings.Repeat("a", 63)},
		{"a bucket of 64", show(bucket(strings.Repeat("a", 64))), "bad"},
		{"a bucket that begins with a dot", show(bucket(".abc")), "bad"},
		{"an endpoint", show(endpoint("http://127.0.0.1:9000/")), "http://127.0.0.1:9000"},
		{"an endpoint with a path", show(endpoint("https://h/storage/v1/s3")), "https://h/storage/v1/s3"},
		{"an endpoint with a query", show(endpoint("https://h/?x=y")), "bad"},
		{"IPv6", show(hostPort("[::1]:4001")), "[::1]:4001"},
		{"no admin listener", show(orOff(hostPort)("")), ""},
		{"admin off", show(orOff(hostPort)("Off")), ""},
		{"one address", show(network("10.1.2.3")), "10.1.2.3/32"},
		{"a network", show(network("10.1.2.3/8")), "10.0.0.0/8"},
		{"log level", show(logLevel("WARN")), "WARN"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, c.got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("\xef\xbb\xbf" + switchesOn + sample))
	f.Add([]byte("[S3]\naws_access_key=A\naws_secret_key='hUsH\ndelete_delay = 1e9\n[DEFAULT]\n- = \"\"\"\n`a` = `\n\\\n"))
	if raw, err := os.ReadFile(examplePath); err == nil {
		f.Add(commentedKey.ReplaceAll(raw, []byte("$1")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if strings.Contains(string(raw), "_file") {
			t.Skip("would read files of this machine")
		}
		cfg, err := Parse("c", raw)
		if err == nil {
			for _, s := range []string{cfg.Hooks.Secret.Reveal(), cfg.EMS.Password.Reveal(), cfg.Admin.Token.Reveal()} {
				if len(s) >= minHidden && strings.Contains(cfg.Hide("\x01"+s+"\x01"), s) { // no value has a control character
					t.Errorf("%q is not hidden", s)
				}
			}
			for _, s := range cfg.Effective(func(string) string { return "" }) {
				if (s.Key == "password" || s.Key == "secret") && s.Value != "" && s.Value != mask {
					t.Errorf("a secret is shown: %+v", s)
				}
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || cfg != nil {
			t.Fatalf("error %#v, config %v", err, cfg)
		}
		lines := strings.Split(e.Error(), "\n")
		if len(lines) != len(e.Problems) {
			t.Errorf("%d problems on %d lines", len(e.Problems), len(lines))
		}
		last := 0
		for _, p := range e.Problems {
			if p.Line < last || p.Line > 1+strings.Count(string(raw), "\n") || p.Want == "" {
				t.Errorf("after line %d: %+v", last, p)
			}
			last = p.Line
		}
	})
}

func TestDays(t *testing.T) {
	parse := days(3650)
	for value, want := range map[string]time.Duration{"30d": 720 * time.Hour, "0": 0, "0d": 0, "36h": 36 * time.Hour, "3650d": 87600 * time.Hour} {
		if got, wrong := parse(value); got != want || wrong != "" {
			t.Errorf("%q is %v, %s", value, got, wrong)
		}
	}
	for _, value := range []string{"", "d", "-1d", "3651d", "1.5d", "87601h", "30 days", "99999999999999999999d"} {
		if got, wrong := parse(value); wrong == "" {
			t.Errorf("%q is %v", value, got)
		}
	}
}
