package emstest_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
)

// The recording gives an order of each kind, and then asks for each. Processes are not offered.
func TestConfigInfosAreAsRecorded(t *testing.T) {
	server := start(t, emstest.Settings{Second: time.Millisecond})
	publish(t, server, "s")
	publish(t, server, "s2")
	raw, err := os.ReadFile(recordings + "/getConfigInfo.txt")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for part := range strings.SplitSeq(string(raw), "\n> ") {
		request, recorded, _ := strings.Cut(part, "\n< ")
		command, params, _ := strings.Cut(strings.TrimPrefix(request, "> "), " ")
		if command == "launchProcess" || params == "id=10" {
			continue
		}
		got := get(t, server, command+"?params="+base64.StdEncoding.EncodeToString([]byte(params)))
		if command != "getConfigInfo" {
			continue
		}
		asked++
		want, answer := parsed(t, recorded), parsed(t, got)
		if want["description"] != answer["description"] || want["status"] != answer["status"] {
			t.Errorf("%s: %.200s, want %.200s", request, got, recorded)
		}
		order, _ := answer["data"].(map[string]any)
		expected, _ := want["data"].(map[string]any)
		if keys := slices.Sorted(maps.Keys(order)); !reflect.DeepEqual(keys, slices.Sorted(maps.Keys(expected))) {
			t.Errorf("%s: %v", request, keys)
		}
		for _, key := range []string{"operationType", "uri", "targetUri", "localStreamName", "configId"} {
			if !reflect.DeepEqual(order[key], expected[key]) {
				t.Errorf("%s: %s is %v, want %v", request, key, order[key], expected[key])
			}
		}
	}
	if asked != 13 {
		t.Errorf("asked %d times", asked)
	}
}

func parsed(t *testing.T, answer string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal(emsapi.Lenient([]byte(strings.TrimSpace(answer))), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
