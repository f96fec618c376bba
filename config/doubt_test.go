package config

import (
	"slices"
	"strings"
	"testing"
)

// warningsOf returns the warnings of a config that is right, each as one line.
func warningsOf(t *testing.T, text string) (lines []string) {
	t.Helper()
	cfg, err := Parse("c", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range cfg.Warnings {
		lines = append(lines, w.String())
	}
	return lines
}

func TestValueThatIsProbablyNotMeantIsAWarning(t *testing.T) {
	const start = "[AmazonHLSUpload]\nwatch_dir = /m\ndefault_bucket = live\naws_access_key = A\naws_secret_key = "
	const cut = `: ends at the semicolon: put it in quotes if the semicolon belongs to it`
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a secret that is cut":      {start + "hUsH;word\n", []string{`c:5: [AmazonHLSUpload] aws_secret_key = "***"` + cut}},
		"a password":                {start + "s\n[EMS]\nusername = u\npassword = hUsH;w;x\n", []string{`c:8: [EMS] password = "***"` + cut}},
		"a secret of the events":    {start + "s\n[Hooks]\nsecret = hUsH;1\n", []string{`c:7: [Hooks] secret = "***"` + cut}},
		"a password in an address":  {start + "s\n[EMS]\napi_url = http://u:hUsH;1@127.0.0.1:7777/a\n", nil}, // it is a mistake
		"a switch that is on":       {start + "s\n[Plugins]\nAmazonHLSUpload = on\n", []string{`c:7: [Plugins] AmazonHLSUpload = "on": counts as disabled: write enabled or disabled`}},
		"a mistyped switch":         {start + "s\n[Plugins]\nStreamRecorder = enable\n", []string{`c:7: [Plugins] StreamRecorder = "enable": counts as disabled: write enabled or disabled`}},
		"switches that are off":     {start + "s\n[Plugins]\nStreamRecorder = off\nAmazonHDSUpload =\nAmazonHLSUpload = Disabled\n", nil},
		"a comment":                 {start + "hUsH ; a comment\n", nil},
		"a comment close by":        {start + "hUsH; a comment\n", nil},
		"the end of a line of code": {start + "hUsH;\n", nil},
		"between quotes":            {start + "'hUsH;word' ;comment\n", nil},
		"what is not secret":        {start + "s\nregion = eu;x\n", nil},
		"settle without a unit":     {start + "s\n[Watcher]\nsettle = 30\n", []string{`c:7: [Watcher] settle = "30": is 30 seconds: write 30ms if milliseconds are meant, else 30s`}},
		"settle of half a second":   {start + "s\n[Watcher]\nsettle = 0.5\n", nil},
		"settle with a unit":        {start + "s\n[Watcher]\nsettle = 30s\n", nil},
		"poll_interval of 500":      {start + "s\n[Watcher]\npoll_interval = 500\n", []string{`c:7: [Watcher] poll_interval = "500": is 500 seconds: write 500ms if milliseconds are meant, else 500s`}},
		"poll_interval of 5":        {start + "s\n[Watcher]\npoll_interval = 5\n", nil},
		"manifest_interval of 1000": {start + "s\nmanifest_interval = 1000;\n", []string{`c:6: [AmazonHLSUpload] manifest_interval = "1000": is 1000 seconds: write 1000ms if milliseconds are meant, else 1000s`}},
		"where seconds are usual":   {start + "s\ndelete_delay = 600\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(c.text, "api_url") {
				if _, err := Parse("c", []byte(c.text)); err == nil || strings.Contains(err.Error(), "hUsH") {
					t.Errorf("got %v", err)
				}
				return
			}
			got := warningsOf(t, c.text)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q", got)
			}
			if strings.Contains(strings.Join(got, ""), "hUsH") {
				t.Error("the secret is shown")
			}
		})
	}
}

// With a bucket in the endpoint, each request has it twice.
func TestBucketInTheEndpointIsAWarning(t *testing.T) {
	for endpoint, right := range map[string]string{
		"https://abc.r2.cloudflarestorage.com/live":        "https://abc.r2.cloudflarestorage.com",
		"https://abc.eu.r2.cloudflarestorage.com/live/":    "https://abc.eu.r2.cloudflarestorage.com",
		"http://127.0.0.1:9000/live":                       "http://127.0.0.1:9000",
		"https://proxy/s3/live":                            "https://proxy/s3",
		"https://live.nyc3.digitaloceanspaces.com":         "https://nyc3.digitaloceanspaces.com",
		"https://live.s3.eu-central-1.amazonaws.com":       "https://s3.eu-central-1.amazonaws.com",
		"https://live.nyc3.digitaloceanspaces.com:443":     "https://nyc3.digitaloceanspaces.com:443",
		"https://abc.r2.cloudflarestorage.com":             "",
		"https://live.example.com":                         "", // may be the store of that name
		"https://livestream.nyc3.digitaloceanspaces.com":   "",
		"https://abc.r2.cloudflarestorage.com/other/alive": "",
	} {
		got := warningsOf(t, "[AmazonHLSUpload]\nwatch_dir = /m\ndefault_bucket = live\nendpoint = "+endpoint+"\n")
		if right == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || !strings.HasSuffix(got[0], "so that each key begins with it, too: write "+right) {
			t.Errorf("%s: %q", endpoint, got)
		}
	}
}

func TestTwoListenersNeedTwoPorts(t *testing.T) {
	const start = "[AmazonHLSUpload]\nwatch_dir = /m\ndefault_bucket = live\n"
	for text, want := range map[string]string{
		"[Hooks]\nlisten = 127.0.0.1:4001\n":                                          `c:5: [Hooks] listen = "127.0.0.1:4001": is the port of [Admin] listen, too: change one of them`,
		"[Hooks]\n[Admin]\nlisten = localhost:4000\n":                                 `c:6: [Admin] listen = "localhost:4000": is the port of [Hooks] listen, too: change one of them`,
		"[Hooks]\nlisten = :5000\nsecret = s\n[Admin]\nlisten = 127.0.0.1:5000\n":     `c:8: [Admin] listen = "127.0.0.1:5000": is the port of [Hooks] listen, too: change one of them`,
		"[Hooks]\nlisten = 127.0.0.1:5000\n[Admin]\nlisten = [::]:05000\ntoken = t\n": `c:7: [Admin] listen = "[::]:05000": is the port of [Hooks] listen, too: change one of them`,
		"[Hooks]\nlisten = 127.0.0.1:5000\n[Admin]\nlisten = 127.0.0.2:5000\n":        "",
		"[Hooks]\nlisten = 127.0.0.1:0\n[Admin]\nlisten = 127.0.0.1:0\n":              "",
		"[Admin]\nlisten = 127.0.0.1:4000\n":                                          "", // no events are taken
		"[Hooks]\nlisten = 127.0.0.1:4001\n[Admin]\nlisten = off\n":                   "",
	} {
		got := ""
		if _, err := Parse("c", []byte(start+text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestOnlyNearNamesAreSuggested(t *testing.T) {
	for text, want := range map[string]string{
		"[S3]\nxyz = 1":                  "c:2: [S3] xyz: unknown key: [S3] has aws_access_key, ",
		"[Weather]\n":                    "c:1: [Weather]: unknown section (did you mean [Watcher]?)",
		"[Database]\n":                   "c:1: [Database]: unknown section: the known ones are [S3], [HLS], ",
		"[Admin]\nusername = x":          "c:2: [Admin] username: unknown key here: it belongs in ",
		"[Watcher]\ninterval = 1":        "c:2: [Watcher] interval: unknown key (did you mean poll_interval?)",
		"[Log]\ntimestamp_precision = x": "c:2: [Log] timestamp_precision: unknown key: [Log] has level, format",
	} {
		if _, err := Parse("c", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Operators name a bucket in other ways, too.
func TestBucketMustBeItsNameAlone(t *testing.T) {
	for value, want := range map[string]string{
		"arn:aws:s3:::live":                                    "not its ARN: write live",
		"arn:aws-cn:s3:::live":                                 "not its ARN: write live",
		"arn:aws:s3:::live/prefix":                             "write its alias",
		"arn:aws:s3:eu-west-1:123456789012:accesspoint/my-own": "write its alias",
		"s3://live/prefix":                                     "not a URL: write live",
		"https://s3.amazonaws.com/live":                        "not a URL",
		"live/prefix":                                          "belongs in prefix",
	} {
		_, err := Parse("c", []byte("[AmazonHLSUpload]\nwatch_dir = /m\ndefault_bucket = "+value+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestPathOfASecretsFileIsNoSecret(t *testing.T) {
	for path, shown := range map[string]bool{
		"/run/credentials/ems-sidecar.service/s3": true,
		"/etc/absent": true,
		"hUsHword":    false,
		"/JalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab": false, // the form of a secret
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": false,
	} {
		_, err := Parse("c", []byte("[AmazonHLSUpload]\nwatch_dir = /m\ndefault_bucket = live\naws_access_key = A\naws_secret_key_file = "+path+"\n"))
		if err == nil || strings.Contains(err.Error(), path) != shown {
			t.Errorf("%s: %v", path, err)
		}
	}
}
