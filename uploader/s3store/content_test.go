package s3store

import (
	"io"
	"strings"
	"testing"
)

func TestContentReadsAnObjectOrAPartOfIt(t *testing.T) {
	t.Parallel()
	s := open(t, newGate(t, servers.Server(t)).endpoint)
	if err := s.Put(t.Context(), object("g/a.ts", strings.NewReader("0123456789"), 10)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ byteRange, want, part string }{
		{"", "0123456789", ""}, {"bytes=2-4", "234", "bytes 2-4/10"}, {"bytes=7-", "789", "bytes 7-9/10"},
	} {
		content, found, err := s.Content(t.Context(), "g/a.ts", c.byteRange)
		if err != nil || !found {
			t.Fatalf("%q: %v, %v", c.byteRange, found, err)
		}
		text, err := io.ReadAll(content)
		content.Close()
		if err != nil || string(text) != c.want || content.Size != int64(len(c.want)) || content.Range != c.part {
			t.Errorf("%q: %q of %d, part %q, %v", c.byteRange, text, content.Size, content.Range, err)
		}
	}
	if _, found, err := s.Content(t.Context(), "g/b.ts", ""); found || err != nil {
		t.Errorf("an object that does not exist: %v, %v", found, err)
	}
	if _, found, err := s.Content(t.Context(), "g/a.ts", "bytes=20-30"); found || err == nil {
		t.Errorf("a part that does not exist: %v, %v", found, err)
	}
}
