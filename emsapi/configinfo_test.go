package emsapi

import (
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// configInfos returns what a real server answered to getConfigInfo, by the parameters, and to listConfig.
func configInfos(t *testing.T) (answers map[string]string, listConfig string) {
	t.Helper()
	raw, err := os.ReadFile("../testdata/emsapi/getConfigInfo.txt")
	if err != nil {
		t.Fatal(err)
	}
	answers = make(map[string]string)
	for part := range strings.SplitSeq(string(raw), "\n> ") {
		request, answer, _ := strings.Cut(part, "\n< ")
		answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.TrimSpace(answer)
		if params, ok := strings.CutPrefix(request, "getConfigInfo "); ok {
			answers[params] = answer
		} else if strings.HasPrefix(request, "listConfig") {
			listConfig = answer
		}
	}
	return answers, listConfig
}

// getConfigInfo answers with one order, which is the same as in listConfig.
func TestEachKindOfOrderIsDecodedAlone(t *testing.T) {
	answers, listed := configInfos(t)
	c, _ := serve(t, listed)
	all, err := c.ListConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[uint32]Config{
		1: {HLS: all.HLS[:1]}, 2: {HDS: all.HDS}, 3: {DASH: all.DASH}, 4: {MSS: all.MSS}, 5: {HLS: all.HLS[1:2]}, 6: {HLS: all.HLS[2:]},
		7: {Record: []Recording{{
			ConfigID: 7, LocalStreamName: "s", PathToFile: "/srv/ems/rec/x", ComputedPathToFile: "/srv/ems/rec/x.ts", Type: "ts", ChunkLength: 5,
			Chunked: true, KeepAlive: true, Variables: Variables{"localStreamName": "s"}, Status: Streaming, StreamID: 11,
		}}},
		8: {Pull: []Pull{{
			ConfigID: 8, URI: "rtmp://127.0.0.1:1999/live/none", LocalStreamName: "p", KeepAlive: true,
			Variables: Variables{"y": "1"}, Status: ConnectionFailed,
		}}},
		9: {Push: []Push{{
			ConfigID: 9, TargetURI: "rtmp://127.0.0.1:1999/live", LocalStreamName: "s", TargetStreamName: "z", KeepAlive: true, Status: ConnectionFailed,
		}}},
		10: {Process: []Process{{ConfigID: 10, Binary: "/usr/bin/sleep", Arguments: "60", GroupName: "process_group_rPTMGfHS", Status: Streaming}}},
	} {
		c, _ := serve(t, answers["id="+strconv.Itoa(int(id))])
		got, err := c.ConfigInfo(t.Context(), id)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %+v, want %+v, %v", id, got, want, err)
		}
	}
	if o := all.DASH[0]; o.ConfigID != 3 || o.LocalStreamName != "s" || o.GroupTargetFolder != "/srv/ems/www/dash/" || o.TargetFolder != "/srv/ems/www/dash/s" {
		t.Errorf("%+v", o)
	}
	for _, params := range []string{"id=999", "configId=1", "", "id=abc"} {
		c, _ := serve(t, answers[params])
		if cfg, err := c.ConfigInfo(t.Context(), 1); err == nil || !reflect.DeepEqual(cfg, Config{}) {
			t.Errorf("%q: %+v, %v", params, cfg, err)
		}
	}
}
