package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// A listener that is open to everyone is a mistake of the config, and nothing starts with it.
func TestListenersThatEveryoneReachesDoNotStart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[TranscodeResetter]\n[Hooks]\nlisten = :4000":             `:3: [Hooks] listen = ":4000": lets everyone`,
		"[Hooks]\nlisten = 0.0.0.0:0":                              `:2: [Hooks] listen = "0.0.0.0:0": lets everyone`,
		"[Hooks]\nlisten = [::]:0\nallow[] = ::/0":                 `:2: [Hooks] listen = "[::]:0": lets everyone`,
		"[Admin]\nlisten = 0.0.0.0:4001\nallow[] = 10.0.0.0/8":     `:2: [Admin] listen = "0.0.0.0:4001": is reached by other hosts`,
		"[Hooks]\nlisten = ems1:0\n[Admin]\nlisten = ems1:4001\n#": `:4: [Admin] listen = "ems1:4001": is reached by other hosts`,
	} {
		ini := e2e.ConfigFile(t, text+"\n")
		for _, command := range []string{"run", "check"} {
			code, stdout, stderr := e2e.RunCommandLine(t, command, "--config", ini)
			if code != 2 || !strings.Contains(stderr, ini+want) {
				t.Errorf("%s of %q: exit code %d, %s%s", command, text, code, stdout, stderr)
			}
		}
	}
}

func TestCheckReadsTheAdminListenersCertificate(t *testing.T) {
	store := s3test.Start(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	e2e.Must(t, os.WriteFile(cert, []byte("x"), 0o600))
	e2e.Must(t, os.WriteFile(key, []byte("x"), 0o600))
	ini := filepath.Join(dir, "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(dir, store.Endpoint, "127.0.0.1:0", "Admin tls_cert = "+cert, "Admin tls_key = "+key)), 0o600))
	for _, command := range []string{"check", "run"} {
		code, stdout, stderr := e2e.RunCommandLine(t, command, "--config", ini)
		if code != 1 || !strings.Contains(stdout+stderr, "tls_cert and tls_key of [Admin]: ") {
			t.Errorf("%s: exit code %d, %s%s", command, code, stdout, stderr)
		}
	}
}
