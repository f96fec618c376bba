package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAListenerForEventsThatOthersReachIsLimited(t *testing.T) {
	const mistake = `lets everyone who reaches this host post events: ` +
		`set allow[] to the addresses of the media servers, or a secret, or listen on 127.0.0.1`
	for text, want := range map[string]string{
		"listen = :4000":                                             `c:2: [Hooks] listen = ":4000": ` + mistake,
		"listen = 0.0.0.0:4000":                                      `c:2: [Hooks] listen = "0.0.0.0:4000": ` + mistake,
		"listen = '[::]:4000'":                                       `c:2: [Hooks] listen = "[::]:4000": ` + mistake,
		"listen = [::ffff:0.0.0.0]:4000":                             `c:2: [Hooks] listen = "[::ffff:0.0.0.0]:4000": ` + mistake,
		"listen = 192.0.2.1:4000":                                    `c:2: [Hooks] listen = "192.0.2.1:4000": ` + mistake,
		"listen = ems.example.com:4000":                              `c:2: [Hooks] listen = "ems.example.com:4000": ` + mistake,
		"path = /x/\nlisten = :4000":                                 `c:3: [Hooks] listen = ":4000": ` + mistake,
		"listen = :4000\nsecret = ''":                                `c:2: [Hooks] listen = ":4000": ` + mistake,
		"listen = :4000\nallow =":                                    `c:2: [Hooks] listen = ":4000": ` + mistake,
		"listen = :4000\nallow[] = 0.0.0.0/0":                        `c:2: [Hooks] listen = ":4000": ` + mistake,
		"listen = :4000\nallow[] = 10.0.0.0/8\nallow[] = ::/0":       `c:2: [Hooks] listen = ":4000": ` + mistake,
		"listen = :4000\nsecret = 'a b'":                             `c:3: [Hooks] secret = "***": may have letters, digits and . _ ~ - only, since it is a part of a URL`,
		"listen = :4000\nallow[] = here":                             `c:3: [Hooks] allow[] = "here": must be an IP address or a network, such as 10.0.0.0/8`,
		"listen = :4000\nsecret = w":                                 "",
		"listen = :4000\nallow = 10.1.2.3":                           "",
		"listen = 0.0.0.0:4000\nallow[] = 10.0.0.0/8":                "",
		"listen = [::]:4000\nallow[] = ::1\nallow[] = 2001:db8::/32": "",
		"listen = 127.0.0.1:4000":                                    "",
		"listen = [::ffff:127.0.0.1]:4000":                           "",
		"listen = localhost:4000":                                    "",
		"path = /x/":                                                 "",
	} {
		_, err := Parse("c", []byte("[Hooks]\n"+text))
		if got := message(err); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
	// Without the listener there is nothing to limit, and with a plugin there is one.
	if _, err := Parse("c", []byte("[S3]\n")); err != nil {
		t.Error(err)
	}
}

func TestAnAdminListenerThatOthersReachHasTLSOrAToken(t *testing.T) {
	const mistake = `is reached by other hosts, without TLS and without a token: set tls_cert and tls_key, or token, or listen on 127.0.0.1`
	dir := t.TempDir()
	for name, content := range map[string]string{"token": "abc==\n", "words": "a b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"listen = :4001":                                        `c:2: [Admin] listen = ":4001": ` + mistake,
		"listen = 0.0.0.0:4001":                                 `c:2: [Admin] listen = "0.0.0.0:4001": ` + mistake,
		"listen = [::]:4001":                                    `c:2: [Admin] listen = "[::]:4001": ` + mistake,
		"listen = 10.0.0.1:4001":                                `c:2: [Admin] listen = "10.0.0.1:4001": ` + mistake,
		"listen = ems1:4001":                                    `c:2: [Admin] listen = "ems1:4001": ` + mistake,
		"listen = :4001\ntoken =":                               `c:2: [Admin] listen = ":4001": ` + mistake,
		"listen = :4001\nallow[] = 10.0.0.0/8":                  `c:2: [Admin] listen = ":4001": ` + mistake,
		"listen = :4001\ntls_cert = /c":                         `c:3: [Admin] tls_cert: is half a pair: set tls_key, too`,
		"listen = :4001\ntls_key = /k":                          `c:3: [Admin] tls_key: is half a pair: set tls_cert, too`,
		"listen = :4001\ntls_cert = c\ntls_key = /k":            `c:3: [Admin] tls_cert = "c": must be a file's absolute path`,
		"listen = :4001\ntoken = 'a b'":                         `c:3: [Admin] token = "***": may have letters, digits and . _ ~ + / - only, and = at its end`,
		"listen = :4001\ntoken = x\ntoken_file = DIR/token":     `c:4: [Admin] token_file = "DIR/token": is set beside token: remove one of the two`,
		"listen = :4001\ntoken_file = DIR/none":                 `c:3: [Admin] token_file = "DIR/none": must be the path of a readable file: no such file or directory`,
		"listen = :4001\ntoken_file = DIR/words":                `c:3: [Admin] token_file = "DIR/words": may have letters, digits and . _ ~ + / - only, and = at its end`,
		"tls_cert = /c":                                         `c:2: [Admin] tls_cert: is half a pair: set tls_key, too`,
		"listen = :4001\ntoken_file = DIR/token":                "",
		"listen = :4001\ntoken = abc==":                         "",
		"listen = :4001\ntls_cert = /c\ntls_key = /k":           "",
		"listen = 127.0.0.1:4001":                               "",
		"listen = [::1]:4001\ntoken = a":                        "",
		"listen = off":                                          "",
		"listen = [::ffff:127.0.0.1]:4001\nallow[] = 127.0.0.1": "",
	} {
		_, err := Parse("c", []byte("[Admin]\n"+strings.ReplaceAll(text, "DIR", dir)))
		if got := strings.ReplaceAll(message(err), dir, "DIR"); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
	cfg, err := Parse("c", []byte("[Admin]\ntoken_file = "+dir+"/token"))
	if err != nil || cfg.Admin.Token.Reveal() != "abc==" || cfg.Admin.tokenFile != "" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Connections over IPv4 are compared as such.
func TestNetworksOfIPv4InIPv6(t *testing.T) {
	for value, want := range map[string]string{
		"::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.1.2.3/104": "10.0.0.0/8", "::ffff:0.0.0.0/96": "0.0.0.0/0",
		"::1": "::1/128", "2001:db8::5/32": "2001:db8::/32", "::/0": "::/0",
	} {
		if got, bad := network(value); bad != "" || got != netip.MustParsePrefix(want) {
			t.Errorf("%s: %v %s", value, got, bad)
		}
	}
}
