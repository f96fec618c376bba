package hlscheck

import (
	"fmt"
	"slices"
)

// A Rule is one that a playlist can break. Sections are those of RFC 8216; "2nd" is its second
// edition, draft-pantos-hls-rfc8216bis.
type Rule string

// The rules for one version.
const (
	Syntax   Rule = "the form of a Media Playlist (4.1 to 4.3)"
	Long     Rule = "no segment is longer than the target duration (4.3.3.1)"
	Key      Rule = "a key is complete (4.3.2.4)"
	Map      Rule = "a map is complete (4.3.2.5)"
	Protocol Rule = "the version allows what the playlist has (7)"
	Missing  Rule = "what is listed can be fetched (6.2.1)"
)

// The rules for what follows a version.
const (
	Sequence        Rule = "the media sequence never decreases (6.2.2)"
	Number          Rule = "a segment keeps its media sequence number (6.2.2)"
	Discontinuity   Rule = "a segment keeps its discontinuity sequence number (6.2.2)"
	DiscontinuityUp Rule = "the discontinuity sequence never decreases (6.2.2)"
	Seams           Rule = "a playlist with seams that loses segments says its discontinuity sequence (6.2.2)"
	Order           Rule = "segments leave from the head only (6.2.2)"
	Short           Rule = "no segment leaves if less than three target durations stay (6.2.2)"
	Early           Rule = "what has left the playlist can be fetched for some time (6.2.2)"
	Changed         Rule = "a segment does not change (6.2.1)"
	Target          Rule = "the target duration does not change (6.2.1)"
	Version         Rule = "the version does not decrease (6.2.1)"
	Type            Rule = "the playlist type stays (6.2.1)"
	Event           Rule = "a playlist of type EVENT only grows (4.3.3.5)"
	End             Rule = "nothing follows the end (4.3.3.4)"
	NewLife         Rule = "numbers go on after an end"
	Jump            Rule = "no media sequence number is left out (6.2.2)"
	Step            Rule = "the variants of a stream are in step (6.2.4)"
	Unknown         Rule = "this client knows all tags that change how a playlist is read"
)

// A Finding is one place where a version breaks a rule.
type Finding struct {
	Playlist string
	Version  int // of those that differ, from 1
	Rule     Rule
	Note     bool // players bear it, or the rule lets it pass where it cannot be avoided
	What     string
}

func (f Finding) String() string {
	kind := "violation"
	if f.Note {
		kind = "note"
	}
	return fmt.Sprintf("%s, version %d: %s of \"%s\": %s", f.Playlist, f.Version, kind, f.Rule, f.What)
}

// Violations returns the findings that are no notes.
func Violations(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Note })
}

// A judgement collects findings about one version: of each rule, the first with the number of all.
type judgement map[verdict]*findings

type verdict struct {
	rule Rule
	note bool
}

type findings struct {
	what  string
	count int
}

func (j judgement) violation(r Rule, format string, args ...any) {
	j.add(verdict{r, false}, format, args)
}
func (j judgement) note(r Rule, format string, args ...any) { j.add(verdict{r, true}, format, args) }

func (j judgement) add(v verdict, format string, args []any) {
	if j[v] == nil {
		j[v] = &findings{what: fmt.Sprintf(format, args...)}
	}
	j[v].count++
}

// of returns the findings as those about a version of a playlist, in the order of their texts.
func (j judgement) of(playlist string, version int) (all []Finding) {
	for v, f := range j {
		what := f.what
		if f.count > 1 {
			what = fmt.Sprintf("%s, and %d more", what, f.count-1)
		}
		all = append(all, Finding{playlist, version, v.rule, v.note, what})
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return slices.Compare([]string{string(a.Rule), a.What}, []string{string(b.Rule), b.What})
	})
	return all
}
