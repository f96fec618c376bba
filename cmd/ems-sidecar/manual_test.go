package main

import (
	"flag"
	"os"
	"testing"

	"ems-sidecar/internal/manual"
)

var update = flag.Bool("update", false, "write the man page and the reference of the commands")

// The man page and the reference say what the command line knows.
func TestTextsOfTheCommandsAreCurrent(t *testing.T) {
	app := newProgram().root
	for file, want := range map[string]string{
		"../../deploy/man/ems-sidecar.1": manual.CommandPage(app),
		"../../docs/commands.md":         manual.Commands(app),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is out of date (%v): go test ./cmd/ems-sidecar -run Texts -update", file, err)
		}
	}
}
