package admin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What writers post, by their documentation (SRS, MediaMTX with curl), and with the fields of
// nginx-rtmp. All that is answered otherwise may have them refuse the stream.
var posted = map[string]struct{ method, contentType, body string }{
	"nginx-rtmp, on_publish": {"POST", "application/x-www-form-urlencoded",
		"app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:1935/live&pageurl=&" +
			"addr=127.0.0.1&clientid=1&call=publish&name=cam&type=live"},
	"nginx-rtmp, on_publish_done": {"POST", "application/x-www-form-urlencoded",
		"app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=127.0.0.1&clientid=1&call=publish_done&name=cam"},
	"SRS, on_publish": {"POST", "application/json",
		`{"server_id":"vid-k21d7y2","service_id":"1","action":"on_publish","client_id":"9o7g1330","ip":"127.0.0.1",` +
			`"vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1:1935/live","stream":"cam","param":""}`},
	"SRS, on_unpublish":    {"POST", "application/json", `{"action":"on_unpublish","app":"live","stream":"cam"}`},
	"MediaMTX, runOnReady": {"POST", "application/x-www-form-urlencoded", ""},
	"curl":                 {"GET", "", ""},
	"no JSON":              {"POST", "application/json", `{"action":`},
	"a large body":         {"POST", "text/plain", strings.Repeat("x", 5<<20)},
}

func TestHintsAreTakenWithoutATokenAndAnsweredSoThatNoStreamIsRefused(t *testing.T) {
	looks := 0
	forbidden := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	server := httptest.NewServer(hinted(func() { looks++ }, forbidden))
	defer server.Close()
	for name, r := range posted {
		status, body := ask(t, r.method, server.URL+hintsPath, r.contentType, r.body)
		if status != http.StatusOK || body != "0" {
			t.Errorf("%s: answered %d %q", name, status, body)
		}
	}
	if looks != len(posted) {
		t.Errorf("%d hints had someone look %d times", len(posted), looks)
	}
	if status, _ := ask(t, "POST", server.URL+hintsPath+"/more", "", ""); status != http.StatusForbidden {
		t.Errorf("another path: answered %d", status)
	}
}

func TestHintsAreOffUnlessConfigured(t *testing.T) {
	server := httptest.NewServer(hinted(nil, guarded(Settings{}, http.NotFoundHandler())))
	defer server.Close()
	if status, _ := ask(t, "POST", server.URL+hintsPath, "", ""); status != http.StatusForbidden {
		t.Errorf("answered %d", status)
	}
}

func ask(t *testing.T, method, url, contentType, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
