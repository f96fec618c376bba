package publish_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the scenarios in testdata print into them")

// The scenarios in testdata are stories: facts go in, and what the schedule decides is printed
// below each. testdata/README.md has the verbs. After an intended change: go test
// ./uploader/publish -run Scenarios -update.

func TestR1Scenarios(t *testing.T)   { playAll(t, "R1") }
func TestR2Scenarios(t *testing.T)   { playAll(t, "R2") }
func TestR3Scenarios(t *testing.T)   { playAll(t, "R3") }
func TestR4Scenarios(t *testing.T)   { playAll(t, "R4") }
func TestR5Scenarios(t *testing.T)   { playAll(t, "R5") }
func TestR6Scenarios(t *testing.T)   { playAll(t, "R6") }
func TestR7Scenarios(t *testing.T)   { playAll(t, "R7") }
func TestR8Scenarios(t *testing.T)   { playAll(t, "R8") }
func TestR9Scenarios(t *testing.T)   { playAll(t, "R9") }
func TestR10Scenarios(t *testing.T)  { playAll(t, "R10") }
func TestStepScenarios(t *testing.T) { playAll(t, "steps") }

func TestR2ReturningNameScenarios(t *testing.T) { playAll(t, "returning") }

func TestLivePlaylistScenarios(t *testing.T) { playAll(t, "live") }

// playAll plays the stories of a rule, or another subject, each on a stage of its own.
func playAll(t *testing.T, rule string) {
	names, err := filepath.Glob("testdata/" + rule + "-*.txtar")
	if err != nil || len(names) != 1 {
		t.Fatalf("%s has the files %v, want one: %v", rule, names, err)
	}
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	var played strings.Builder
	lines := strings.SplitAfter(string(content), "\n")
	for len(lines) > 0 {
		end := 1 + slices.IndexFunc(lines[1:], isTitle)
		if end == 0 {
			end = len(lines)
		}
		story := lines[:end]
		lines = lines[end:]
		if !isTitle(story[0]) { // what the file is about
			played.WriteString(strings.Join(story, ""))
			continue
		}
		told := strings.Join(story, "")
		now := told // if it is not played: -run may leave it out
		t.Run(strings.Trim(story[0], "- \n"), func(t *testing.T) {
			got, err := play(story)
			switch {
			case err != nil:
				t.Error(err)
			case got != told && !*update:
				t.Errorf("the story in %s is now:\n%s\nand was:\n%s", names[0], got, told)
			default:
				now = got
			}
		})
		played.WriteString(now)
	}
	if *update {
		if err := os.WriteFile(names[0], []byte(played.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// isTitle reports whether a line begins a story.
func isTitle(line string) bool { return strings.HasPrefix(line, "-- ") }

// play plays a story and returns it with what is printed now.
func play(story []string) (string, error) {
	const indent = "    "
	s := newStage()
	var told strings.Builder
	for _, line := range story {
		if strings.HasPrefix(line, indent) {
			continue // what was printed before
		}
		told.WriteString(line)
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' || isTitle(line) {
			continue
		}
		s.tick()
		if err := s.command(line); err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
		for _, printed := range s.out {
			told.WriteString(indent + printed + "\n")
		}
		s.out = nil
	}
	return told.String(), nil
}
