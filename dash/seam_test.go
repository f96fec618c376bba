package dash

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// with is an MPD of written with other words.
func with(t *testing.T, m *MPD, words ...string) *MPD {
	t.Helper()
	return parse(t, []byte(strings.NewReplacer(words...).Replace(string(m.Bytes()))))
}

// windowed is an MPD of written that has a window and a delay, as EMS has.
func windowed(t *testing.T, after time.Duration, first, count int) *MPD {
	t.Helper()
	return with(t, written(t, after, first, count), `type="dynamic"`,
		`type="dynamic" timeShiftBufferDepth="PT10M" suggestedPresentationDelay="PT10S"`)
}

// stated returns an attribute of p.
func (p *Period) stated(t *testing.T, name string) time.Duration {
	t.Helper()
	_, rest, _ := strings.Cut(string(p.text[:p.tag.to-p.tag.from]), " "+name+`="`)
	text, _, _ := strings.Cut(rest, `"`)
	d, err := parseDuration(text)
	if err != nil {
		t.Fatalf("%s in %s: %v", name, p.text[:p.tag.to-p.tag.from], err)
	}
	return d
}

// begins returns where the window begins for dash.js when the presentation is so old: where no Period
// is, with the next one.
func (m *MPD) begins(t *testing.T, now time.Duration) time.Duration {
	t.Helper()
	at := now - m.duration("timeShiftBufferDepth", maxTime)
	for i := range m.Periods {
		p := &m.Periods[i]
		if i == len(m.Periods)-1 || at < p.Start+p.stated(t, "duration") {
			return max(at, p.Start)
		}
	}
	return at
}

// dash.js waits at the end of a Period for as long as the encoder was away, once it knows the next
// one, although it has waited for that already. It leaves a position that is not in the window.
func TestPlayersThatHaveWaitedWaitNoLonger(t *testing.T) {
	const chunk, delay = 4 * time.Second, 10 * time.Second // of a player
	const stop = 50 * time.Millisecond                     // players stop so long before the media end
	for _, away := range []time.Duration{5 * time.Second, 8 * time.Second, 20 * time.Second, 55 * time.Second} {
		before := windowed(t, 0, 4, 6)
		end := before.last().Length
		begins := end + away
		shown, _ := Continue(nil, before, Situation{Named: true})
		for count := 1; count <= 15; count++ {
			next, _ := Continue(shown, windowed(t, begins, max(0, count-6), min(count, 6)), Situation{Named: true})
			follows(t, shown, next)
			if len(next.Periods) != 2 {
				t.Fatalf("away %v, %d segments: %s", away, count, periods(next))
			}
			if over := next.Periods[0].stated(t, "duration"); over > end-stop {
				t.Errorf("away %v: a player that stopped at %v has not left the Period, which lasts %v", away, end-stop, over)
			}
			if said := next.Periods[0].Length; said <= end+stop {
				t.Errorf("away %v: a player with all up to %v does not look for more up to %v", away, end, said)
			}
			now := begins + time.Duration(count)*chunk
			got := next.begins(t, now)
			const asks = 5 * time.Second
			if across := begins + delay + chunk; now >= across && now < across+asks && got < begins {
				t.Errorf("away %v: at %v a player is still waiting for what began at %v", away, now, begins)
			}
			if depth := next.duration("timeShiftBufferDepth", 0); now > begins+2*delay+asks && depth != 10*time.Minute {
				t.Errorf("away %v: at %v a player that fills its buffer is thrown forward, by a window of %v", away, now, depth)
			}
			if delayed := now - delay; got > delayed && (delayed < end-time.Second || delayed > begins) {
				t.Errorf("away %v: a player with the suggested delay is out of the window at %v: %v", away, delayed, got)
			}
			shown = next
		}
		// All are across.
		next, _ := Continue(shown, windowed(t, begins, 10, 6), Situation{Named: true})
		if depth := next.duration("timeShiftBufferDepth", 0); depth != 10*time.Minute {
			t.Errorf("away %v: the window stays at %v", away, depth)
		}
	}
}

func TestTheWindowIsTheWritersAtAShortGap(t *testing.T) {
	const own = 10 * time.Minute
	before, named := windowed(t, 0, 10, 6), Situation{Named: true} // which end at 64 s
	for what, c := range map[string]struct {
		before, after *MPD
		want          time.Duration
	}{
		"away for 20 s":                {before, windowed(t, 84*time.Second, 0, 1), 30*time.Second + blink},
		"away for a chunk":             {before, windowed(t, 68*time.Second, 0, 1), own},
		"not away":                     {before, windowed(t, 64*time.Second, 0, 1), own},
		"a run of a minute":            {before, windowed(t, 84*time.Second, 0, 16), own},
		"a list in which one may seek": {windowed(t, 0, 0, 16), windowed(t, 84*time.Second, 0, 1), own},
		"a short window": {before, with(t, windowed(t, 84*time.Second, 0, 1), "PT10M", "PT25S"),
			25 * time.Second},
		"none at all":  {before, written(t, 84*time.Second, 0, 1), 30*time.Second + blink},
		"a long delay": {before, with(t, windowed(t, 84*time.Second, 0, 1), "PT10S", "PT40S"), 48 * time.Second},
		"no updates": {before, with(t, windowed(t, 84*time.Second, 0, 1), `minimumUpdatePeriod="PT5S"`, ""),
			25*time.Second + blink},
	} {
		shown, _ := Continue(nil, c.before, named)
		next, join := Continue(shown, c.after, named)
		if got := next.duration("timeShiftBufferDepth", 0); join != Seam || got != c.want {
			t.Errorf("%s: %v: the window is %v, want %v", what, join, got, c.want)
		}
		lasts := 64 * time.Second
		if c.want != own {
			lasts -= blink
		}
		if got := next.Periods[0].stated(t, "duration"); got != lasts {
			t.Errorf("%s: the Period before lasts %v, want %v", what, got, lasts)
		}
	}
}

// What is said of the Period before counts no more than what it had.
func TestTheWindowDoesNotComeBackWithTheNextVersion(t *testing.T) {
	const last = `d="4000" t="56000"`
	shown := with(t, windowed(t, 0, 0, 15), last, strings.Replace(last, "4000", "4200", 1)) // not quite a minute
	for count := 1; count <= 3; count++ {
		next, _ := Continue(shown, windowed(t, 84*time.Second, 0, count), Situation{Named: true})
		if got, want := next.duration("timeShiftBufferDepth", 0), 34050*time.Millisecond; got != want {
			t.Errorf("%d segments: the window is %v, want %v", count, got, want)
		}
		shown = next
	}
}

// An encoder drops twice: those who wait at the first seam are not led across too early.
func TestTheLongestTimeAwayCounts(t *testing.T) {
	named := Situation{Named: true}
	shown, _ := Continue(nil, windowed(t, 0, 0, 3), named) // to 12 s
	shown, _ = Continue(shown, windowed(t, 60*time.Second, 0, 1), named)
	shown, _ = Continue(shown, windowed(t, 70*time.Second, 0, 1), named)
	if got, want := shown.duration("timeShiftBufferDepth", 0), 58*time.Second+blink; got != want {
		t.Errorf("the window is %v, want %v: %s", got, want, periods(shown))
	}
}

// A player stops where one track has no more.
func TestAPeriodIsOverWithTheFirstOfItsTracks(t *testing.T) {
	track := func(segments string) string {
		return `<AdaptationSet><Representation id="a"><SegmentTemplate media="s/a/$Time$.m4s" timescale="1000"><SegmentTimeline>` +
			segments + `</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period>`
	}
	for segments, want := range map[string]string{
		`<S t="0" d="4000" r="2"/>`:                      "PT11.75S",
		`<S t="0" d="4017" r="2"/>`:                      "PT11.75S", // ends later
		`<S t="0" d="4000" r="1"/><S t="8000" d="180"/>`: "PT7.93S",  // was cut off
		`<S t="0" d="4000"/>`:                            "PT11.75S", // as subtitles: comes now and then
		``:                                               "PT11.75S",
	} {
		first := with(t, written(t, 0, 0, 3), "</Period>", track(segments))
		next, _ := Continue(first, written(t, 2*time.Minute, 0, 1), Situation{Named: true})
		if !strings.Contains(string(next.Bytes()), fmt.Sprintf(`<Period id="rms-dash" start="PT0S" duration=%q>`, want)) {
			t.Errorf("with %q it is not over after %s:\n%s", segments, want, next.Bytes())
		}
	}
}

func TestTheLastSegmentsReachBeyondTheEndOfTheirPeriod(t *testing.T) {
	const all = `<S d="4000" t="0"/>
<S d="4000" t="4000"/>`
	for segments, want := range map[string]string{
		all:                                    `<S d="4000" t="0"/>` + "\n" + `<S d="4100" t="4000"/>`,
		`<S t="0" d="4000" r="1"/>`:            `<S t="0" d="4000" r="0"/><S d="4100"/>`,
		`<S t="0" r="5" d="4000"/>`:            `<S t="0" r="4" d="4000"/><S d="4100"/>`,
		`<S t="0" d="4000" r="0"/>`:            `<S t="0" d="4100" r="0"/>`,
		`<S t="0" d="4000"></S>`:               `<S t="0" d="4100"></S>`,
		`<S t="0" d="4000" r="1"></S>`:         `<S t="0" d="4000" r="1"></S>`,
		`<m:S t="0" d="4000" r="1"/>`:          `<m:S t="0" d="4000" r="1"/>`,
		`<S t="0"/>`:                           `<S t="0"/>`,
		`<S t="1152921504606846970" d="6"/>`:   `<S t="1152921504606846970" d="6"/>`,
		`<S t="0" d="4000"/><!-- <S d=""/>-->`: `<S t="0" d="4100"/><!-- <S d=""/>-->`,
	} {
		first := written(t, 0, 0, 2)
		text := strings.Replace(string(first.Bytes()), all, segments, 1)
		if strings.Contains(segments, "1152921504606846970") {
			text = strings.Replace(text, `timescale=`, `presentationTimeOffset="1152921504606846970" timescale=`, 1)
		}
		after := with(t, windowed(t, 4*time.Minute, 0, 1), "PT10S", "PT5M") // what was before stays in the window
		next, _ := Continue(parse(t, []byte(text)), after, Situation{Named: true})
		if before := string(next.Periods[0].text); !strings.Contains(before, want+"</SegmentTimeline>") {
			t.Errorf("%s: it becomes\n%s", segments, before)
		}
	}
	// At a short gap, they stay as they are.
	first := written(t, 0, 0, 2)
	next, _ := Continue(first, written(t, 9*time.Second, 0, 1), Situation{Named: true})
	if !strings.Contains(string(next.Bytes()), all) || next.Periods[0].stated(t, "duration") != 8*time.Second {
		t.Errorf("%s", next.Bytes())
	}
}

func TestAPeriodOfABlinkHasADuration(t *testing.T) {
	first := with(t, written(t, 0, 0, 1), `d="4000"`, `d="100"`)
	next, _ := Continue(first, written(t, time.Minute, 0, 1), Situation{Named: true})
	if got := next.Periods[0].stated(t, "duration"); got != 50*time.Millisecond {
		t.Errorf("it lasts %v", got)
	}
}

// Shaka Player counts what has left the window once more with each version that lists it, and loses its
// place for good if that is a whole Period.
func TestWhatHasLeftTheWindowIsNotListed(t *testing.T) {
	const chunk = 4 * time.Second
	for name, before := range map[string]*MPD{
		"each in an S":     windowed(t, 0, 4, 6), // to 40 s
		"repeated in an S": with(t, windowed(t, 0, 0, 1), `<S d="4000" t="0"/>`, `<S d="4000" t="16000" r="5"/>`),
	} {
		shown, _ := Continue(nil, before, Situation{Named: true})
		for count := 1; count <= 15; count++ {
			const begins = 60 * time.Second
			next, _ := Continue(shown, windowed(t, begins, max(0, count-6), min(count, 6)), Situation{Named: true})
			p, now := &next.Periods[0], begins+time.Duration(count)*chunk
			reaches := now + chunk - next.duration("timeShiftBufferDepth", 0) // before the next version
			if reaches >= 36*time.Second && p.Segments != 1 {
				t.Errorf("%s: at %v the window begins at %v, and %d segments before it are listed", name, now, reaches, p.Segments)
			}
			if p.Length < 40*time.Second || p.stops() < 39*time.Second {
				t.Errorf("%s: at %v the Period before ends at %v, and players stop at %v", name, now, p.Length, p.stops())
			}
			follows(t, shown, next)
			shown = next
		}
		if n := shown.Periods[0].Segments; n != 1 {
			t.Errorf("%s: %d segments are listed in the end", name, n)
		}
	}
	// What players may still reach stays.
	shown, _ := Continue(nil, windowed(t, 0, 4, 6), Situation{Named: true})
	next, _ := Continue(shown, windowed(t, 44*time.Second, 0, 1), Situation{Named: true})
	if n := next.Periods[0].Segments; n != 6 {
		t.Errorf("%d of 6 segments are listed that the window has", n)
	}
}
