package hlscheck

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// A site answers with what it has; its fields are for one goroutine at a time.
type site map[string]string

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, has := s[r.URL.Path]
	if !has {
		http.NotFound(w, r)
		return
	}
	io.WriteString(w, content)
}

func look(t *testing.T, v *Viewer) []Finding {
	t.Helper()
	found, err := v.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAViewerSeesAllThatAMasterPlaylistNames(t *testing.T) {
	bucket := site{}
	server := httptest.NewServer(bucket)
	defer server.Close()
	v := &Viewer{URL: server.URL + "/g/master.m3u8", HTTP: server.Client(),
		Group: &Group{Content: letters}}
	if found := look(t, v); len(found) > 0 {
		t.Errorf("before the first playlist: %v", found)
	}
	bucket["/g/master.m3u8"] = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"audio/p.m3u8\"\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nvideo/p.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nlater/p.m3u8\n"
	bucket["/g/video/p.m3u8"] = version{seq: 1, segments: "a1 a2"}.text()
	bucket["/g/audio/p.m3u8"] = version{seq: 1, seam: 1, segments: "a1"}.text()
	for _, object := range []string{"video/a1", "video/a2", "audio/a1"} {
		bucket["/g/"+object] = "content"
	}
	if found := look(t, v); len(found) != 1 || found[0].Rule != Step {
		t.Errorf("out of step: %v", found)
	}
	if found := look(t, v); len(found) > 0 {
		t.Errorf("the same is found twice: %v", found)
	}
	delete(bucket, "/g/video/a2")
	if found := look(t, v); len(found) != 1 || found[0].Rule != Missing {
		t.Errorf("an object is gone: %v", found)
	}
	bucket["/g/video/p.m3u8"] = version{seq: 1, segments: "a1"}.text()
	found := look(t, v)
	if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == Order }) {
		t.Errorf("the newest has left: %v", found)
	}
	if c := v.Client(server.URL + "/g/video/p.m3u8"); c == nil || c.Versions() != 2 || !strings.HasSuffix(c.Name, "video/p.m3u8") {
		t.Errorf("the client: %v", c)
	}
}

func TestAViewerPollsAMediaPlaylistByItself(t *testing.T) {
	bucket := site{"/p.m3u8": version{segments: "a0"}.text(), "/a0": "content"}
	server := httptest.NewServer(bucket)
	defer server.Close()
	v := &Viewer{URL: server.URL + "/p.m3u8", HTTP: server.Client(), Each: func(c *Client) { c.Name = "mine" }}
	if found := look(t, v); len(found) > 0 {
		t.Errorf("%v", found)
	}
	bucket["/p.m3u8"] = version{target: 3, segments: "a0=3"}.text()
	if found := look(t, v); len(Violations(found)) != 2 || found[0].Playlist != "mine" {
		t.Errorf("%v", found)
	}
}
