package s3store

import (
	"strings"
	"testing"
)

func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t, newGate(t, servers.Server(t)).endpoint)
	if err := s.Put(t.Context(), object("g/playlist.m3u8", strings.NewReader("content"), 7)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key   string
		most  int64
		want  string
		found bool
	}{
		{"g/playlist.m3u8", 7, "content", true},
		{"g/playlist.m3u8", 100, "content", true},
		{"g/playlist.m3u8", 6, "", true},
		{"g/other.m3u8", 100, "", false},
	} {
		content, found, err := s.Read(t.Context(), c.key, c.most)
		if err != nil || string(content) != c.want || found != c.found {
			t.Errorf("%d bytes of %s: %q, %v, %v", c.most, c.key, content, found, err)
		}
		if c.want == "" && content != nil {
			t.Errorf("%d bytes of %s: there is content", c.most, c.key)
		}
	}
}
