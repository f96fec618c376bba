package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestArgumentsOfGoFlagsGetTwoDashes(t *testing.T) {
	var flags struct {
		Format string
		Keep   string
		Short  string `short:"s"`
		Rest   []string
	}
	model := kong.Must(&flags).Model
	for args, want := range map[string]string{
		"-format x":           "--format x",
		"-format=-keep":       "--format=-keep",
		"--format x -keep y":  "--format x --keep y",
		"-help":               "--help",
		"-s x -h":             "-s x -h",
		"-other -formats x":   "-other -formats x",
		"- -- -format format": "- -- -format format",
		"---format":           "---format",
	} {
		if got := strings.Join(goFlags(model, strings.Fields(args)), " "); got != want {
			t.Errorf("%q becomes %q, want %q", args, got, want)
		}
	}
}
