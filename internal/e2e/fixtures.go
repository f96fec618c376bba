package e2e

import (
	"ems-sidecar/internal/s3test"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Must ends the test if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Put writes dir/name, which may have directories in it.
func Put(t *testing.T, dir, name, content string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	Must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	Must(t, os.WriteFile(p, []byte(content), 0o644))
}

// M3u8 returns a playlist of the lines in EMS's form.
func M3u8(names ...string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:1\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n")
	for _, n := range names {
		b.WriteString("#EXTINF:1.000,\r\n" + n + "\r\n")
	}
	return b.String()
}

// Says fails the test if the output lacks one of the texts, or has the secret key.
func Says(t *testing.T, output string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			t.Errorf("%q is not in:\n%s", text, output)
		}
	}
	if strings.Contains(output, s3test.SecretKey) {
		t.Errorf("the secret key is in:\n%s", output)
	}
}

// ConfigFile writes a config and returns its path.
func ConfigFile(t *testing.T, content string) string {
	t.Helper()
	ini := filepath.Join(t.TempDir(), "config.ini")
	Must(t, os.WriteFile(ini, []byte(content), 0o600))
	return ini
}

// Puts returns the keys of all PUTs so far.
func Puts(p *s3test.Proxy) (keys []string) {
	for _, q := range p.Log() {
		if q.Method == http.MethodPut {
			keys = append(keys, q.Key)
		}
	}
	return keys
}
