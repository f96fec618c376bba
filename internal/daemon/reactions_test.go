package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/config"
)

func TestEachMinuteInWhichSomethingHappenedHasALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := config.Parse("c", []byte("[TranscodeResetter]\n"))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		d, err := New(t.Context(), cfg, "", slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go d.ems.now.Load().tellReactions(ctx, d.log)
		for range 3 {
			body := strings.NewReader(`{"id":1,"processId":1,"timestamp":1,"type":"serverStarted"}`)
			d.ems.now.Load().events.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/evowebservices/", body))
		}
		time.Sleep(5*time.Minute + time.Second)
		stop()
		synctest.Wait()
		if got := log.String(); strings.Count(got, "last minute of EMS") != 1 || !strings.Contains(got, "events=3 lost=0") {
			t.Errorf("%s", got)
		}
	})
}
