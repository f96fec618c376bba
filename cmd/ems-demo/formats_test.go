package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"ems-sidecar/media"
)

func TestFormatsAreReadFromTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		args    string
		want    formats
		problem string
	}{
		{args: "", want: formats{media.HLS}},
		{args: "--format hds", want: formats{media.HDS}},
		{args: "-format hls,hds,dash", want: formats{media.HLS, media.HDS, media.DASH}},
		{args: "-format=dash,hls", want: formats{media.DASH, media.HLS}},
		{args: "--format=DASH,dash,hls,dash", want: formats{media.DASH, media.HLS}},
		{args: "-duration 5s -format dash", want: formats{media.DASH}},
		{args: "-format hls,mss", problem: `the demo does not have the format "mss", only hls, hds, dash`},
		{args: "-format hls,,dash", problem: `the demo does not have the format "", only hls, hds, dash`},
		{args: "-format=", problem: `the demo does not have the format "", only hls, hds, dash`},
		{args: "-format", problem: "needs an argument: -format"},
		{args: "-formats hls", problem: "not defined: -formats"},
		{args: "hls", problem: `unexpected argument "hls"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			var o options
			err := o.parse(strings.Fields(c.args), io.Discard)

			switch {
			case c.problem == "" && err != nil:
				t.Fatal(err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("error %v, want one that says %q", err, c.problem)
			case !slices.Equal(o.Format, c.want) && c.problem == "":
				t.Errorf("formats %v, want %v", o.Format, c.want)
			}
		})
	}
}
