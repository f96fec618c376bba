package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that is no config, such as a video, is refused without being read to its end.
func TestR8LargeFileIsNotReadWhole(t *testing.T) {
	large := filepath.Join(t.TempDir(), "video.ts")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 4*maxFile); err != nil {
		t.Fatal(err)
	}
	if raw, err := readFile(large, maxFile); err != nil || len(raw) != maxFile+1 {
		t.Errorf("%d bytes of it are read (%v), want %d", len(raw), err, maxFile+1)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "must be a config file, not one of over 256 KiB") {
		t.Errorf("as a config: %v", err)
	}
	if err := os.WriteFile(large, []byte(strings.Repeat("s", maxSecretFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if secret, want := readSecret(large); secret != "" || !strings.Contains(want, "that holds the secret and nothing else") {
		t.Errorf("as a secret: %d bytes, %q", len(secret), want)
	}
}
