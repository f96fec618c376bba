package daemon

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ems-sidecar/config"
)

// Five lines are enough for a writer that is not EMS, and nothing speaks of EMS then.
func TestNothingIsSaidOfAMediaServerThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "")
	head, _, _ := strings.Cut(s.text, "[Hooks]")
	cfg, err := config.Parse("config.ini", []byte(head+"[HLS]\nwatch_dir = "+root+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.daemon, err = New(t.Context(), cfg, "", slog.New(slog.NewTextHandler(s.log, nil))); err != nil {
		t.Fatal(err)
	}
	s.run()
	playHLS(t, root+"/live")
	s.waitForKeys("live/playlist.m3u8")
	if s.daemon.ems.now.Load() != nil || s.daemon.parts.doors.reactor != nil {
		t.Error("there is a client of EMS, or a listener for its events")
	}
	st := &state{s.daemon}
	w := httptest.NewRecorder()
	st.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var answers []any
	streams, _ := st.Streams(t.Context())
	events, _ := st.Events(0)
	answers = append(answers, st.Config(), st.Plugins(), streams, events, st.NotReady())
	told, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{
		"the log": s.log.String(), "/metrics": w.Body.String(), "the API": string(told),
	} {
		for _, word := range []string{"EMS", "evo", "Amazon", "ems_sidecar_ems", "ems_sidecar_events"} {
			if strings.Contains(text, word) {
				t.Errorf("%s has %s:\n%s", where, word, text)
			}
		}
	}
}
