package hooks

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/trouble"
)

func TestFiguresCountEachFailureAndTheLogHasTheFirst(t *testing.T) {
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, nil))
	h := &Hooks{settings: Settings{Trouble: trouble.New(log, time.Now)}}
	r := &router{diary: h.diary("StreamAutoRouter", log)}
	to := &target{uri: "rtmp://there/live", shown: "rtmp://there/live"}
	cam, other := route{"cam", to.uri}, route{"other", to.uri}
	r.diary.did(slog.LevelInfo, "stream is pushed")
	for range 3 {
		r.failed(cam, to, errors.New("refused"))
	}
	r.failed(other, to, errors.New("refused"))
	r.diary.Begin(nameTaken, trouble.At{Stream: "cam"})
	if got, want := h.Figures(), (Figures{Done: 1, Failed: 4, Conflicts: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := strings.Count(text.String(), notArriving.Message); n != 2 {
		t.Errorf("%d lines of two streams:\n%s", n, text.String())
	}
	r.recovered(cam, to, failing)
	r.forget(other)
	r.failed(cam, to, errors.New("refused"))
	r.failed(other, to, errors.New("refused"))
	if n := strings.Count(text.String(), notArriving.Message); n != 4 {
		t.Errorf("%d lines after a recovery and a return:\n%s", n, text.String())
	}
}
