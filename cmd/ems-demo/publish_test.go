package main

import (
	"reflect"
	"testing"

	"ems-sidecar/config"
	"ems-sidecar/media"
)

// What the demo does not set is as in a config that an operator writes.
func TestDemoPublishesWithTheDaemonsDefaults(t *testing.T) {
	outputs := allOutputs(t)
	got, err := publication{Outputs: outputs, Root: "/w", Endpoint: "http://127.0.0.1:9000", Bucket: "demo", AccessKey: "k", SecretKey: "s"}.config()
	if err != nil {
		t.Fatal(err)
	}
	usual, err := config.Parse("usual", []byte("[S3]\ndefault_bucket = demo\n[HLS]\nwatch_dir = /w\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Uploads) != len(outputs) {
		t.Fatalf("%d sections, want %d", len(got.Uploads), len(outputs))
	}
	hls, want := got.Uploads[0], usual.Uploads[0]
	if hls.Format != media.HLS || hls.Bucket != "demo" || hls.Access.SecretKey != "s" {
		t.Errorf("the section of HLS is %+v", hls)
	}
	hls.Access, hls.WatchDirs = want.Access, want.WatchDirs
	if !reflect.DeepEqual(hls, want) {
		t.Errorf("the section of HLS is %+v, want %+v", hls, want)
	}
}
