package s3store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"ems-sidecar/uploader"
)

// An object tells who wrote it and what, also if it was uploaded in parts.
func TestObjectSaysWhoWroteIt(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	for name, c := range map[string]struct {
		size      int
		resumable bool
	}{"small": {7, false}, "in parts": {11 << 20, false}, "in parts that outlive a failure": {11 << 20, true}} {
		t.Run(name, func(t *testing.T) {
			for _, from := range []struct{ host, root string }{
				{"ems-1.example.net", "/srv/ems/media"}, {"", ""}, {"hôte", "/srv/a  b%20c/ü\n+\x7f "},
			} {
				s := open(t, server.Endpoint, func(t *Settings) { t.Objects.Host = from.host })
				body := bytes.Repeat([]byte("x"), c.size)
				sum := sha256.Sum256(body)
				o := object("k", bytes.NewReader(body), int64(c.size))
				o.Resumable, o.Root, o.Sum = c.resumable, from.root, hex.EncodeToString(sum[:])
				if err := s.Put(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				i, found, err := s.Stat(t.Context(), "k")
				if err != nil || !found || i.Host != from.host || i.Root != from.root || i.Sum != o.Sum || !i.ModTime.Equal(modTime) {
					t.Errorf("written by %q: Stat says %+v, %v, %v", from, i, found, err)
				}
			}
		})
	}
}

func TestObjectOfAnotherProgramHasNoWriter(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	s := open(t, server.Endpoint)
	if err := s.Put(t.Context(), uploader.Object{Key: "k", Body: strings.NewReader("x"), Size: 1}); err != nil {
		t.Fatal(err)
	}
	i, found, err := s.Stat(t.Context(), "k")
	if err != nil || !found || i.Host != "" || i.Root != "" || i.Sum != "" || !i.ModTime.IsZero() {
		t.Errorf("Stat says %+v, %v, %v", i, found, err)
	}
}

// S3 refuses objects with more than 2 kB of user metadata.
func TestMetadataIsBounded(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	s := open(t, server.Endpoint, func(t *Settings) { t.Objects.Host = strings.Repeat("é", 255) })
	root := "/srv/" + strings.Repeat("/ü", 2000) + "/media"
	o := object("k", strings.NewReader("x"), 1)
	o.Root, o.Sum = root, strings.Repeat("0", 64)
	size := 0
	for key, value := range s.metadata(o) {
		size += len("x-amz-meta-") + len(key) + len(value)
	}
	if size > 1024 {
		t.Errorf("%d bytes are said of the object", size)
	}
	if err := s.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	i, _, err := s.Stat(t.Context(), "k")
	if err != nil || len(i.Root) < 100 || !strings.HasSuffix(root, i.Root) || i.Host == "" || !strings.HasSuffix(s.settings.Objects.Host, i.Host) {
		t.Errorf("root %q of %d bytes, host of %d, %v", i.Root, len(i.Root), len(i.Host), err)
	}
}
