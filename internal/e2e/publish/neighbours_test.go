package publish

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// Of several streams whose files are in one directory, each is told by its own name, before and after a
// restart, and the frozen one is told from those that are live.
func TestFrozenStreamIsToldFromThoseInItsDirectory(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root := t.TempDir()
	var frozen atomic.Bool
	write := func() {
		for n := 1; t.Context().Err() == nil; n++ {
			for _, name := range []string{"cam", "other", "third"} {
				if name == "other" && frozen.Load() {
					continue
				}
				e2e.Put(t, root, fmt.Sprintf("hls/%s-%d.ts", name, n), fmt.Sprint(name, n))
				var list strings.Builder
				first := max(1, n-4)
				fmt.Fprintf(&list, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
				for i := first; i <= n; i++ {
					fmt.Fprintf(&list, "#EXTINF:1,\n%s-%d.ts\n", name, i)
				}
				e2e.Put(t, root, "hls/"+name+".m3u8", list.String())
			}
			select {
			case <-t.Context().Done():
			case <-time.After(time.Second): // a chunk takes so long
			}
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		write()
	}()
	t.Cleanup(func() { <-ended })

	states := func(s *e2e.Sidecar) string {
		var answer api.Streams
		if _, body := s.Ask("/api/v1/streams"); json.Unmarshal([]byte(body), &answer) != nil {
			return "no answer"
		}
		var all []string
		for _, st := range answer.Streams {
			all = append(all, fmt.Sprintf("%s %s", st.ID, st.State))
		}
		return strings.Join(all, ", ")
	}
	s := e2e.StartSidecar(t, root, store.Endpoint, "S3 prefix = live")
	s.WaitFor("three streams are live", func() bool {
		return states(s) == "hls/live/hls/cam live, hls/live/hls/other live, hls/live/hls/third live"
	})
	frozen.Store(true)
	stalled := "hls/live/hls/other stalled, hls/live/hls/cam live, hls/live/hls/third live"
	s.WaitFor("one is stalled", func() bool { return states(s) == stalled })
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}

	s = e2e.StartSidecar(t, root, store.Endpoint, "S3 prefix = live")
	s.WaitFor("one is stalled after a restart", func() bool {
		now := states(s)
		if strings.Contains(now, "hls/live/hls ") {
			t.Fatalf("a stream has the name of the directory: %s", now)
		}
		return now == stalled
	})
}
