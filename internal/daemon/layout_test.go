package daemon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"ems-sidecar/admin/api"
)

// A manifest says where its files are: in the root itself, six levels deep, in children or siblings.
func TestAnyLayoutIsPublished(t *testing.T) {
	t.Parallel()
	for name, prefix := range map[string]string{"with a prefix": "p/", "without": ""} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := newSite(t, "[HLS sports]\nprefix = "+prefix+"\nwatch_dir = "+root+"\n")
			s.run()
			list := func(name string) string {
				return "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n" + name + "\n"
			}
			for _, file := range []string{
				"/1.ts", "/a/b/c/d/e/f/1.ts", "/s/audio/1.ts", "/c/x/y/1.ts", "/up/in/1.ts", "/2.ts",
			} {
				write(t, root+file, "x")
			}
			write(t, root+"/playlist.m3u8", list("1.ts"))
			write(t, root+"/a/b/c/d/e/f/playlist.m3u8", list("1.ts"))
			write(t, root+"/s/video/playlist.m3u8", list("../audio/1.ts"))
			write(t, root+"/c/list.m3u8", list("x/y/1.ts"))
			write(t, root+"/up/in/list.m3u8", list("../../2.ts"))
			for _, file := range []string{
				"playlist.m3u8", "a/b/c/d/e/f/playlist.m3u8", "s/video/playlist.m3u8", "c/list.m3u8",
				"up/in/list.m3u8",
			} {
				s.waitForKeys(prefix + file)
			}
			mux := http.NewServeMux()
			api.Register(mux, &state{s.daemon})
			var streams []api.Stream
			s.waitFor("all streams", func() bool {
				streams, _ = (&state{s.daemon}).Streams(t.Context())
				return len(streams) >= 4
			})
			want := map[string]string{root: strings.TrimSuffix(prefix, "/")}
			for _, dir := range []string{"a/b/c/d/e/f", "s/audio", "c/x/y", "up/in"} {
				want[dir] = prefix + dir
			}
			for _, x := range streams {
				key, ok := want[x.Stream]
				if !ok || key != x.Key || x.Section != "HLS sports" || x.Name == "." {
					t.Errorf("%+v", x)
				}
				delete(want, x.Stream)
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/streams/"+url.PathEscape(x.ID), nil))
				var d api.Detail
				if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || d.ID != x.ID || len(d.Recent) == 0 {
					t.Errorf("%s: %d, %v, %+v", x.ID, w.Code, err, d)
				}
			}
			delete(want, "up/in") // its only chunk moved into another stream
			if len(want) > 0 {
				t.Errorf("not shown: %v", want)
			}
		})
	}
}
