package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Secrets that every user can read are a warning, and with strict a mistake; neither shows them.
func TestSecretsThatEveryUserCanReadAreReported(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing there")
	}
	const hls = "[AmazonHLSUpload]\ndefault_bucket = live\n"
	const ems = "[StreamRecorder]\nfile_location = /r\nperiod_time = 60\n"
	for name, test := range map[string]struct {
		text   string
		mode   os.FileMode
		file   os.FileMode // of the secret's; 0: there is none
		warned string      // empty: no
	}{
		"a key":                        {hls + "aws_access_key = A\naws_secret_key = hUsH", 0o644, 0, `:4: [AmazonHLSUpload] aws_secret_key: every user of this host can read the secret: this file has mode 0644`},
		"in [S3]":                      {"[S3]\naws_access_key = A\naws_secret_key = hUsH\n" + hls, 0o604, 0, `:3: [S3] aws_secret_key: `},
		"EMS's password":               {ems + "[EMS]\nusername = u\npassword = hUsH", 0o666, 0, `[EMS] password: `},
		"the events' secret":           {ems + "[Hooks]\nsecret = hUsH", 0o644, 0, `[Hooks] secret: `},
		"the token of the health page": {ems + "[Admin]\ntoken = hUsH", 0o644, 0, `[Admin] token: `},
		"a password in an address":     {"[StreamAutoRouter]\ntoken = t\ndestination_uri = rtmp://u:hUsH@h/live", 0o644, 0, `[StreamAutoRouter] destination_uri: `},
		"of a plugin that is off":      {"[Plugins]\nAmazonHLSUpload = enabled\n" + hls + "[AmazonHDSUpload]\naws_secret_key = hUsH", 0o644, 0, `[AmazonHDSUpload] aws_secret_key: `},
		"for the group":                {hls + "aws_access_key = A\naws_secret_key = hUsH", 0o640, 0, ""},
		"writable, and not readable":   {hls + "aws_access_key = A\naws_secret_key = hUsH", 0o642, 0, ""},
		"no secret":                    {hls, 0o644, 0, ""},
		"an empty one":                 {hls + "aws_access_key = ''\naws_secret_key = ''", 0o644, 0, ""},
		"an address alone":             {"[StreamAutoRouter]\ntoken = t\ndestination_uri = rtmp://h/live", 0o644, 0, ""},
		"in a file that is closed":     {hls + "aws_access_key = A\naws_secret_key_file = FILE", 0o644, 0o600, ""},
		"in a file that is open":       {hls + "aws_access_key = A\naws_secret_key_file = FILE", 0o600, 0o644, `aws_secret_key_file: every user of this host can read the secret: the file that it names has mode 0644`},
		"in an open file for several":  {"[S3]\naws_access_key = A\naws_secret_key_file = FILE\n" + hls + "[AmazonHDSUpload]\ndefault_bucket = live", 0o600, 0o644, `[S3] aws_secret_key_file: `},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(name+" strict="+map[bool]string{true: "on", false: "off"}[strict], func(t *testing.T) {
				dir := t.TempDir()
				write := func(name, text string, mode os.FileMode) string {
					path := filepath.Join(dir, name)
					if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
						t.Fatal(err)
					}
					return path
				}
				text := test.text
				if test.file != 0 {
					text = strings.ReplaceAll(text, "FILE", write("secret", "hUsH", test.file))
				}
				if strict {
					text += "\n[Security]\nstrict = on\n"
				}

				cfg, err := Load(write("config.ini", text, test.mode))

				var mistakes *Error
				var told []Problem
				switch {
				case errors.As(err, &mistakes):
					told = mistakes.Problems
				case err != nil:
					t.Fatal(err)
				default:
					told = cfg.Warnings
				}
				if want := strict && test.warned != ""; want != (err != nil) {
					t.Errorf("error: %v", err)
				}
				if test.warned == "" && len(told) > 0 || test.warned != "" && (len(told) != 1 || !strings.Contains(told[0].String(), test.warned)) {
					t.Errorf("told %v, want %q", told, test.warned)
				}
				for _, p := range told {
					if strings.Contains(p.String(), "hUsH") {
						t.Errorf("the secret is shown: %v", p)
					}
				}
			})
		}
	}
}
