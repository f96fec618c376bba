package hlscheck

import (
	"strings"
	"testing"
)

// letters is how the names of segments are read: a letter for the run, and a number.
func letters(uri string) (run, part string) { return uri[:1], uri[1:] }

// shown returns what a group of two finds.
func shown(t *testing.T, video, audio []version) []Finding {
	t.Helper()
	group := &Group{Content: letters}
	var all []Finding
	for name, versions := range map[string][]version{"video": video, "audio": audio} {
		client := &Client{Name: name}
		for _, v := range versions {
			if found := Violations(watch(client, v)); len(found) > 0 {
				t.Fatal(found)
			}
			all = append(all, group.See(client)...)
		}
	}
	return all
}

func TestVariantsAreInStep(t *testing.T) {
	if found := shown(t,
		[]version{{seq: 1, segments: "a1 a2 a3 a4 | b1"}, {seq: 5, seam: 1, segments: "b1 b2 b3 | c1"}},
		// Other numbers, seams at other times, and one run of which it has nothing.
		[]version{{seq: 7, segments: "a1 a2 a3 | | c1"}, {seq: 10, seam: 2, segments: "c1 c2 c3"}},
	); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

func TestVariantsOutOfStepAreFound(t *testing.T) {
	video := []version{{seq: 1, segments: "a1 a2 a3 | b1"}}
	for name, audio := range map[string]version{
		"one has counted a seam more":        {seq: 1, seam: 2, segments: "b1 | c1"},
		"one has a run's number from before": {seq: 1, segments: "b1"},
		"one has a seam within a run":        {seq: 1, segments: "a1 | a2"},
	} {
		found := Violations(shown(t, video, []version{audio}))
		if len(found) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
		for _, f := range found {
			if f.Rule != Step {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
}

func TestRunsOfDifferentVariantsThatShareANumberAreNoted(t *testing.T) {
	found := shown(t, []version{{seq: 1, segments: "a1 a2 a3 | b1"}}, []version{{seq: 1, segments: "a1 a2 a3 | c1"}})
	if len(found) != 1 || !found[0].Note || found[0].Rule != Step {
		t.Errorf("%v", found)
	}
}

func TestARunWithoutASeamBeforeItIsFound(t *testing.T) {
	found := Violations(shown(t, []version{{seq: 1, segments: "a1 a2 a3 b1"}}, nil))
	if len(found) != 1 || !strings.Contains(found[0].What, "which run a has in video") {
		t.Errorf("%v", found)
	}
}

func TestARunWithASeamInAllVariantsIsNoted(t *testing.T) {
	seam := []version{{seq: 1, segments: "a1 a2"}, {seq: 3, seam: 1, segments: "a7 a8 a9"}}
	found := shown(t, seam, seam)
	if len(found) == 0 || len(Violations(found)) > 0 {
		t.Errorf("%v", found)
	}
}

func TestVariantsWithOtherTargetDurationsAreNoted(t *testing.T) {
	found := shown(t, []version{{seq: 1, segments: "a1"}}, []version{{seq: 1, segments: "a1", target: 5}})
	if len(found) != 1 || !found[0].Note || found[0].Rule != Step {
		t.Errorf("%v", found)
	}
}
