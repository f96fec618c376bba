package emsapi

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestTargetsOfATranscodeAreStreamsOfThisServer(t *testing.T) {
	for name, c := range map[string]struct {
		order string
		want  []string
	}{
		"as documented": {`{"configId":1,"operationType":8,"destinations":["stream1"],"emsTargetStreamName":"stream1",
			"targetStreamNames":["stream1"],"fullBinaryPath":"\/usr\/bin\/emsTranscoder.sh","keepAlive":true}`, []string{"stream1"}},
		"three, of which one is named apart": {`{"destinations":["s100","s200","s300"],"emsTargetStreamName":"s300",
			"targetStreamNames":["s100","s200","s300"]}`, []string{"s300", "s100", "s200"}},
		"to a URI of this host": {`{"destinations":["rtmp:\/\/localhost\/live","rtmp:\/\/[::1]\/live"],"targetStreamNames":["a","b"]}`, []string{"a", "b"}},
		"to another host":       {`{"destinations":["rtmp:\/\/192.0.2.1\/live"],"targetStreamNames":["a"]}`, nil},
		"to a file":             {`{"destinations":["file:\/\/\/x.mp4"],"emsTargetStreamName":"","targetStreamNames":["na"]}`, nil},
		"another program":       {`{"arguments":"60","fullBinaryPath":"\/usr\/bin\/sleep","operationType":8}`, nil},
		"keys of other types":   {`{"destinations":{"a":1},"targetStreamNames":7}`, nil},
	} {
		var p Process
		if err := json.Unmarshal([]byte(c.order), &p); err != nil || !slices.Equal(p.Targets, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, p.Targets, err, c.want)
		}
	}
}
