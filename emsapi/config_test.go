package emsapi

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"ems-sidecar/media"
)

// recordedConfig returns what a real server with one order of each kind answered to listConfig.
func recordedConfig(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../testdata/emsapi/getConfigInfo.txt")
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(raw), "\n> ") {
		if request, answer, _ := strings.Cut(part, "\n< "); strings.HasPrefix(request, "listConfig") {
			return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.TrimSpace(answer)
		}
	}
	t.Fatal("listConfig is not recorded")
	return ""
}

func TestEachKindOfOrderIsDecoded(t *testing.T) {
	c, _ := serve(t, recordedConfig(t))
	got, err := c.ListConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := got.Outputs
	if len(o) != 4 || len(o[media.HLS]) != 3 || len(o[media.HDS]) != 1 || len(o[media.DASH]) != 1 || len(o[media.MSS]) != 1 {
		t.Fatalf("%+v", got)
	}
	delete(o, media.HLS)
	delete(o, media.HDS)
	delete(o, media.MSS)
	want := Config{
		Outputs: map[media.Format][]Output{media.DASH: {{
			ConfigID: 3, LocalStreamName: "s", GroupName: o[media.DASH][0].GroupName,
			TargetFolder: "/srv/ems/www/dash/s", GroupTargetFolder: "/srv/ems/www/dash/",
		}}},
		Record: []Recording{{
			ConfigID: 7, LocalStreamName: "s", PathToFile: "/srv/ems/rec/x", ComputedPathToFile: "/srv/ems/rec/x.ts",
			Type: "ts", ChunkLength: 5, Chunked: true, KeepAlive: true,
			Variables: Variables{"localStreamName": "s"}, Status: Streaming, StreamID: 11,
		}},
		Pull: []Pull{{
			ConfigID: 8, URI: "rtmp://127.0.0.1:1999/live/none", LocalStreamName: "p", KeepAlive: true,
			Variables: Variables{"y": "1"}, Status: ConnectionFailed,
		}},
		Push: []Push{{
			ConfigID: 9, TargetURI: "rtmp://127.0.0.1:1999/live", LocalStreamName: "s", TargetStreamName: "z",
			KeepAlive: true, Status: ConnectionFailed,
		}},
		Process: []Process{{
			ConfigID: 10, Binary: "/usr/bin/sleep", Arguments: "60",
			GroupName: "process_group_rPTMGfHS", Status: Streaming,
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
