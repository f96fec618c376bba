package long

import (
	"flag"
	"testing"
	"time"
)

var (
	count = Int("test-count", 3, 30, "a number")
	pause = Duration("test-pause", time.Second, time.Minute, "a time")
)

// set sets a flag for the rest of the test.
func set(t *testing.T, name, value string) {
	t.Helper()
	old := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(name, old) })
}

func TestAMeasureFollowsTheFormUnlessItIsGiven(t *testing.T) {
	set(t, "long", "false")
	if count() != 3 || pause() != time.Second || Or("a", "b") != "a" {
		t.Errorf("in the short form: %d, %v", count(), pause())
	}
	set(t, "long", "true")
	if count() != 30 || pause() != time.Minute || Or("a", "b") != "b" {
		t.Errorf("in the long form: %d, %v", count(), pause())
	}
	set(t, "test-count", "7")
	if count() != 7 {
		t.Errorf("given 7: %d", count())
	}
}

func TestWhatIsOnlyLongIsSkippedInTheShortForm(t *testing.T) {
	for form, runs := range map[string]bool{"true": true, "false": false} {
		set(t, "long", form)
		ran := false
		t.Run(form, func(t *testing.T) { Only(t); ran = true })
		if ran != runs {
			t.Errorf("with -long=%s it ran: %v", form, ran)
		}
	}
}

func TestBrowsersRunWhenOneOfTheFlagsAsksForThem(t *testing.T) {
	for _, test := range []struct {
		long, browser string
		runs          bool
	}{{"false", "false", false}, {"false", "true", true}, {"true", "false", true}} {
		set(t, "long", test.long)
		set(t, "browser", test.browser)
		ran := false
		t.Run(test.long+" "+test.browser, func(t *testing.T) { Browser(t); ran = true })
		if ran != test.runs {
			t.Errorf("with -long=%s -browser=%s it ran: %v", test.long, test.browser, ran)
		}
	}
}
