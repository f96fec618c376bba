package emstest_test

import (
	"os"
	"path/filepath"
	"testing"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
)

func TestRecording(t *testing.T) {
	t.Parallel()
	dir, events := t.TempDir(), newSink(t)
	s := start(t, emstest.Settings{Second: second, Sink: events.URL, Files: true})
	c := dial(t, s.URL())
	r, err := c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: dir + "/x", Type: "mp4", KeepAlive: true, Variables: emsapi.Variables{"who": "me"}})
	if err != nil || s.Config().Record[0].Status != emsapi.WaitingForStream {
		t.Fatalf("%+v, %v", r, err)
	}
	for n, want := range []string{"x.mp4", "x_0001.mp4", "x_0002.mp4"} {
		cam := publish(t, s, "cam")
		if got := s.Config().Record[0]; got.Status != emsapi.Streaming || got.ConfigID != r.ConfigID {
			t.Errorf("%+v", got)
		}
		cam.End()
		closed := events.wait(t, "recordChunkClosed", n+1).Payload
		if raw, err := os.ReadFile(filepath.Join(dir, want)); err != nil || len(raw) == 0 || closed["file"] != filepath.Join(dir, want) || closed["_who"] != "me" {
			t.Errorf("%v, %s has %q: %v", closed, want, raw, err)
		}
	}
	publish(t, s, "cam")
	for _, path := range []string{dir + "/none/x", "relative"} {
		if _, err := c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: path, Type: "mp4"}); err == nil {
			t.Errorf("it records to %s", path)
		}
	}
	parts, err := c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: dir + "/parts", Type: "ts", ChunkLength: 2})
	if err != nil {
		t.Fatal(err)
	}
	events.wait(t, "recordChunkClosed", 5)
	if err := c.RemoveConfig(t.Context(), parts.ConfigID); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(dir + "/parts_part*.ts")
	if err != nil || len(files) < 3 || filepath.Base(files[0]) != "parts_part0000.ts" {
		t.Errorf("%v, %v", files, err)
	}
	if n := len(events.events("recordChunkClosed")); n-3 != len(files)-1 { // it does not tell of the last ts
		t.Errorf("%d events of parts, which are %d", n-3, len(files))
	}
}

func TestOlderServerHasNoChunkLength(t *testing.T) {
	t.Parallel()
	s := start(t, emstest.Settings{NoChunkLength: true})
	publish(t, s, "cam")
	r, err := dial(t, s.URL()).Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: "/x", Type: "mp4", ChunkLength: 5})
	if err != nil || r.Chunked {
		t.Errorf("%+v, %v", r, err)
	}
}
