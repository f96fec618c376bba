package players

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A seat is what a player has shown since the moment before the encoder dropped.
type seat struct {
	Player, Stream string
	Stood          float64      // ms: the longest time for which it stood still
	Still          float64      // ms: for how long it stands still now
	Moves          [][2]float64 // s: from and to where it went, by more than half a second
	Errors         map[string]int
	Fatal          string
	Ended          bool
	At             float64 // s
	// Chunks are those of which pictures were seen, by run and number.
	Chunks map[string]struct {
		First, Last float64 // s: of the pictures
		Pictures    int
	}

	New   int    // chunks of the second run that were played
	Sound string // chunks of it that were requested of an audio track
}

// played returns how many chunks of a run were played, of those behind number from: pictures of at
// least half of the chunk's time were seen. A browser without a processor leaves out pictures.
func (s *seat) played(run, from, chunks int, lasts time.Duration) (n int) {
	for number := from + 1; number <= from+chunks; number++ {
		if c := s.Chunks[fmt.Sprintf("%d/%d", run, number)]; c.Last-c.First >= lasts.Seconds()/2 {
			n++
		}
	}
	return n
}

// goesOn reports whether the player plays at the end.
func (s *seat) goesOn(lasts time.Duration) bool {
	return !s.Ended && s.Fatal == "" && s.Still < float64((2*lasts).Milliseconds())
}

// stands says how long the player stood still.
func (s *seat) stands(lasts time.Duration) string {
	switch {
	case s.Player == "ffmpeg":
		if s.Ended {
			return "has ended"
		}
		return "reads on"
	case s.Fatal != "":
		return "dead: " + s.Fatal
	case s.Ended:
		return "has ended"
	case !s.goesOn(lasts):
		return fmt.Sprintf("stands still for %.1f s", s.Still/1000)
	}
	return fmt.Sprintf("%.1f s", s.Stood/1000)
}

// troubles says what else there was.
func (s *seat) troubles() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Errors)) {
		all = append(all, fmt.Sprintf("%s ×%d", name, s.Errors[name]))
	}
	for _, m := range s.Moves[:min(len(s.Moves), 4)] {
		all = append(all, fmt.Sprintf("goes from %.1f to %.1f", m[0], m[1]))
	}
	if more := len(s.Moves) - 4; more > 0 {
		all = append(all, fmt.Sprintf("and %d more times", more))
	}
	if s.Sound != "" {
		all = append(all, "sound "+s.Sound)
	}
	return strings.Join(all, ", ")
}
