package publish

import (
	"encoding/json"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/hls"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// A guarded is a daemon whose admin listener asks for a token.
type guarded struct {
	*e2e.Sidecar
	client *api.Client
}

const adminToken = "s3cret-token"

// startGuarded runs the built binary and waits until it is ready.
func startGuarded(t *testing.T, root, endpoint string, more ...string) guarded {
	t.Helper()
	s := e2e.NewSidecar(t, root, endpoint, append(more, "Admin token = '"+adminToken+"'")...)
	client := &api.Client{URL: "http://" + s.Admin, Token: adminToken, HTTP: &http.Client{}}
	s.WaitFor("ready", func() bool { _, err := client.Raw(t.Context(), "/readyz"); return err == nil })
	return guarded{s, client}
}

// listed returns the objects that the playlist under key names, and the playlist.
func listed(t *testing.T, server *s3test.Server, key string) (names []string, list *hls.Playlist) {
	t.Helper()
	content, err := server.Object(key)
	e2e.Must(t, err)
	list, err = hls.Parse(content)
	e2e.Must(t, err)
	for _, s := range list.Segments {
		names = append(names, path.Join(path.Dir(key), s.URI))
	}
	return names, list
}

// A stream goes on over a full hour by its own clock, the encoder is away, and the daemon is killed, with
// delete = mirror. In the end, the archive has an hour before and one after, and the whole broadcast with
// one seam, of all chunks, which the bucket still has; and a clip over both.
func TestArchiveAndClip(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := filepath.Join(t.TempDir(), "media")
	settings := []string{"S3 archive = on", "S3 dvr = 1h", "S3 delete = mirror",
		"S3 delete_delay = 1s", "S3 reconnect_window = 10s"}
	const chunk = 300 * time.Millisecond
	// The stream begins three seconds before a full hour.
	offset := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour - 3*time.Second))
	h := &emswriter.HLS{Dir: filepath.Join(root, "news/sport"), Target: time.Second, Now: func() time.Time { return time.Now().Add(offset) }}
	e2e.Must(t, h.Start())
	s := startGuarded(t, root, proxy.Endpoint, settings...)
	tick := time.NewTicker(chunk)
	defer tick.Stop()
	play := func(n int, last bool) {
		for i := range n {
			_, err := h.Write(emswriter.Packet(h.Dir, i))
			e2e.Must(t, err)
			<-tick.C
			if last && i == n-1 {
				e2e.Must(t, h.End(chunk))
			} else {
				e2e.Must(t, h.Next(chunk))
			}
		}
	}
	play(20, false)
	s.Kill()
	play(8, false)
	s = startGuarded(t, root, proxy.Endpoint, settings...)
	play(10, true)
	for range 3 {
		<-tick.C // the encoder is away
	}
	e2e.Must(t, h.Start())
	play(20, true)

	const below = "news/sport/archive/"
	archived := func() (keys []string) {
		all, err := server.Keys()
		e2e.Must(t, err)
		for _, key := range all {
			if strings.HasPrefix(key, below) {
				keys = append(keys, key)
			}
		}
		return keys
	}
	whole := func() string {
		for _, key := range archived() {
			if path.Base(key) == "playlist.m3u8" {
				return key
			}
		}
		return ""
	}
	s.WaitFor("the whole broadcast", func() bool { return whole() != "" })
	keys := archived()
	if len(keys) != 3 {
		t.Fatalf("the archive has %q, want two hours and the whole", keys)
	}
	all, err := server.Keys()
	e2e.Must(t, err)
	var chunks []string
	for _, key := range all {
		if strings.HasSuffix(key, ".ts") {
			chunks = append(chunks, key)
		}
	}
	names, list := listed(t, server, whole())
	if got := slices.Sorted(slices.Values(names)); !slices.Equal(got, chunks) || len(chunks) != 58 {
		t.Errorf("the whole names %d chunks, the bucket has %d, and 58 were written", len(names), len(chunks))
	}
	if list.Seams() != 1 || !list.Ended || list.Type != hls.VOD {
		t.Errorf("the whole has %d seams", list.Seams())
	}
	first, hour := listed(t, server, keys[0])
	second, _ := listed(t, server, keys[1])
	if !slices.Equal(append(first, second...), names) || !hour.Ended || !strings.HasSuffix(keys[1], "00-00Z.m3u8") {
		t.Errorf("the hours %q have %d and %d chunks", keys, len(first), len(second))
	}
	// The DVR playlist begins again where the live one jumps, as it did while the daemon was away.
	if dvr, list := listed(t, server, "news/sport/dvr.m3u8"); len(dvr) < 30 || !slices.Equal(dvr, names[len(names)-len(dvr):]) || !list.Ended {
		t.Errorf("the DVR playlist has %d chunks", len(dvr))
	}

	began := list.Times()[0]
	request := api.ClipRequest{From: began.Add(time.Second).Format(time.RFC3339Nano), To: began.Add(time.Hour).Format(time.RFC3339), Name: "goal"}
	asked := time.Now()
	clip, err := s.client.Clip(t.Context(), "hls/news/sport", request)
	e2e.Must(t, err)
	took := time.Since(asked)
	clipped, made := listed(t, server, clip.Key)
	if !slices.Equal(clipped, names[len(names)-len(clipped):]) || len(clipped) < 50 || made.Seams() != 1 || clip.Segments != len(clipped) {
		t.Errorf("the clip %+v has %d chunks and %d seams", clip, len(clipped), made.Seams())
	}
	if _, err := s.client.Clip(t.Context(), "hls/news/sport", request); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("a second clip of the name: %v", err)
	}
	r, err := http.Post("http://"+s.Admin+"/api/v1/streams/hls%2Fnews%2Fsport/clips", "application/json", strings.NewReader(`{"from": "-1h"}`))
	e2e.Must(t, err)
	r.Body.Close()
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token, the answer is %s", r.Status)
	}
	text, err := json.Marshal(clip)
	e2e.Must(t, err)
	t.Logf("the clip took %v: %s", took.Round(time.Millisecond), text)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}
