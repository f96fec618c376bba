package dash

import (
	"strings"
	"testing"
	"time"
)

// end is what ffmpeg makes of a live MPD at its end.
func end(m *MPD, more ...string) string {
	text := string(m.Bytes())
	start := strings.Index(text, "\navailabilityStartTime")
	text = text[:start] + text[start+strings.Index(text[start:], ">"):]
	text = strings.Replace(text, "\nminimumUpdatePeriod=\"PT5S\"", "\nmediaPresentationDuration=\"PT20S\"", 1)
	return strings.NewReplacer(append([]string{`"dynamic"`, `"static"`}, more...)...).Replace(text)
}

func TestAnEndIsReopenedAsWhatViewersHave(t *testing.T) {
	at := began.Add(time.Hour)
	first := written(t, 0, 0, 5)
	second, _ := Continue(first, written(t, time.Minute, 0, 2), Situation{Named: true})
	for name, c := range map[string]struct {
		shown   *MPD
		run     *MPD // that ends
		periods int
	}{
		"the first run":             {first, written(t, 0, 1, 5), 1},
		"a later one":               {second, written(t, time.Minute, 1, 2), 2},
		"what has ended for others": {second.WithEnd(), written(t, time.Minute, 0, 3), 2},
	} {
		run, err := Reopen([]byte(end(c.run)), c.shown, at)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if run.Ended || !run.Start.Equal(c.run.Start) {
			t.Errorf("%s: it began at %v\n%s", name, run.Start, run.Bytes())
		}
		next, join := Continue(c.shown, run, Situation{Named: true})
		if text := string(next.Bytes()); join != Same || len(next.Periods) != c.periods || strings.Contains(text, `PresentationDuration="PT20S"`) {
			t.Errorf("%s: %v\n%s", name, join, text)
		}
		follows(t, c.shown, next)
	}
}

func TestAnEndThatCannotBeReopened(t *testing.T) {
	shown := written(t, 0, 0, 5)
	for name, text := range map[string]string{
		"nothing":            "",
		"no MPD":             "<SmoothStreamingMedia/>",
		"cut short":          end(shown)[:200],
		"other namespaces":   end(shown, "mpd:2011", "mpd:2027"),
		"segments in a list": end(shown, "SegmentTemplate", "SegmentList"),
	} {
		if m, err := Reopen([]byte(text), shown, began); err == nil {
			t.Errorf("%s: it is reopened:\n%s", name, m.Bytes())
		}
	}
}
