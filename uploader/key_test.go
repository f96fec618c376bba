package uploader

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A private key may lie beside streams, and has the name of an AES key: only a playlist tells one
// from the other.
func TestKeyIsUploadedOnlyWhenAPlaylistNamesIt(t *testing.T) {
	const tag = `#EXT-X-KEY:METHOD=AES-128,URI="%s"`
	for name, c := range map[string]struct{ file, tag string }{
		"key":         {"g/s/a.key", fmt.Sprintf(tag, "a.key")},
		"session key": {"g/s/a.key", `#EXT-X-SESSION-KEY:METHOD=AES-128,URI="a.key"`},
		"upper case":  {"g/s/A.KEY", fmt.Sprintf(tag, "A.KEY")},
		"group's key": {"g/a.key", fmt.Sprintf(tag, "../a.key")},
	} {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, before the playlist %v", name, first), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDesk(t, Settings{})
					d.start()
					d.close("g/s/server.key", "private")
					d.close("server.key", "private")
					if first {
						d.close(c.file, "named")
					}
					d.close("g/s/1.ts", "x")
					d.close("g/s/playlist.m3u8", playlist(1, 1, c.tag))
					if !first {
						time.Sleep(time.Millisecond)
						d.close(c.file, "named")
					}
					time.Sleep(time.Minute)
					if d.bucket.content(c.file) != "named" || d.bucket.content("g/s/playlist.m3u8") == "" {
						t.Errorf("the playlist is not published with its key: %q", d.bucket.keys())
					}
					for _, key := range []string{"server.key", "g/s/server.key"} {
						if d.bucket.content(key) != "" {
							t.Errorf("%s is published", key)
						}
					}
				})
			})
		}
	}
}
