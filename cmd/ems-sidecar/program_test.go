package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"ems-sidecar/internal/e2e"
)

// A library that looks up methods by their names would bring back those that nothing calls: megabytes
// of code, which are most of the daemon's memory.
func TestLinkerLeavesOutUnusedMethods(t *testing.T) {
	t.Parallel()
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	program, err := os.ReadFile(path)
	e2e.Must(t, err)
	for method, want := range map[string]bool{"UploadPart": true, "GetBucketCors": false} {
		if got := bytes.Contains(program, []byte("service/s3.(*Client)."+method)); got != want {
			t.Errorf("the program has %s of the S3 client: %t", method, got)
		}
	}
}

// What a command takes may stand in any order. A time may begin with a dash.
func TestClipReadsItsFlags(t *testing.T) {
	for line, want := range map[string]clipCommand{
		"clip --from -10m news":                         {From: "-10m", Stream: "news"},
		"clip news --json --from=-1h --to -1m --name a": {From: "-1h", To: "-1m", Name: "a", JSON: true, Stream: "news"},
		"clip --from 2026-11-30T04:10:00Z -- -news":     {From: "2026-11-30T04:10:00Z", Stream: "-news"},
	} {
		p, got := newProgram(), clipCommand{}
		root := p.group("test", "", got.define(p))
		root.SetArgs(strings.Fields(line))
		want.Config = "/etc/ems-sidecar/config.ini"
		if err := root.Execute(); err != nil || p.chosen == nil || got != want {
			t.Errorf("%s: %v, %+v", line, err, got)
		}
	}
}
