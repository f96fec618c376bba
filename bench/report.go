package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A column is one figure of a result.
type column struct {
	name   string
	format string
	value  func(result) float64
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

var columns = []column{
	{"visible p50, ms", "%.1f", func(r result) float64 { return ms(r.Visible.P50) }},
	{"p99", "%.0f", func(r result) float64 { return ms(r.Visible.P99) }},
	{"listed p50, ms", "%.1f", func(r result) float64 { return ms(r.Listed.P50) }},
	{"p99", "%.0f", func(r result) float64 { return ms(r.Listed.P99) }},
	{"CPU a chunk, ms", "%.2f", result.perChunk},
	{"a GB, s", "%.1f", result.perGB},
	{"of a core, %", "%.1f", result.ofCore},
	{"memory, MB", "%.0f", func(r result) float64 { return float64(r.Memory) / 1e6 }},
	{"load, %", "%.0f", func(r result) float64 { return 100 * ratio(float64(r.Chunks), float64(r.Promised)) }},
	{"PUTs a chunk", "%.2f", func(r result) float64 { return ratio(float64(r.Requests.Put), float64(r.Chunks)) }},
	{"HEADs", "%.0f", func(r result) float64 { return float64(r.Requests.Head) }},
	{"LISTs", "%.0f", func(r result) float64 { return float64(r.Requests.List) }},
	{"playlists", "%.0f", func(r result) float64 { return float64(r.Playlists) }},
	{"too early", "%.0f", func(r result) float64 { return float64(r.Early) }},
	{"partial", "%.0f", func(r result) float64 { return float64(r.Partial) }},
	{"lost", "%.0f", func(r result) float64 { return float64(r.Lost) }},
	{"unlisted", "%.0f", func(r result) float64 { return float64(r.Unlisted) }},
}

// Columns that only some series have.
var (
	outageColumns = []column{
		{"first upload after, s", "%.1f", func(r result) float64 { return r.First.Seconds() }},
		{"current after, s", "%.1f", func(r result) float64 { return r.Current.Seconds() }},
		{"backlog gone after, s", "%.1f", func(r result) float64 { return r.Gone.Seconds() }},
		{"live edge behind meanwhile, s", "%.1f", func(r result) float64 { return r.Behind.Seconds() }},
		{"behind when current, s", "%.1f", func(r result) float64 { return r.Then.Seconds() }},
	}
	lineColumn      = column{"of the line, %", "%.0f", func(r result) float64 { return 100 * r.OfLine }}
	edgesColumn     = column{"live edges after, s", "%.1f", func(r result) float64 { return r.Edges.Seconds() }}
	recordingColumn = column{"recording, MB/s", "%.0f", func(r result) float64 { return r.Recording / 1e6 }}
)

// columnsOf returns those that the cases of a series have.
func columnsOf(cases []benchCase) []column {
	all := slices.Clone(columns)
	has := func(is func(plan) bool) bool {
		return slices.ContainsFunc(cases, func(c benchCase) bool { return is(c.options.plan) })
	}
	if has(func(p plan) bool { return p.outage > 0 }) {
		all = append(all, outageColumns...)
	}
	if has(func(p plan) bool { return p.outage > 0 && p.line > 0 }) {
		all = append(all, lineColumn)
	}
	if has(func(p plan) bool { return p.ahead > 0 }) {
		all = append(all, edgesColumn)
	}
	if has(func(p plan) bool { return p.aside.recording > 0 }) {
		all = append(all, recordingColumn)
	}
	return all
}

// A subject is what the rounds of one tool over one scheme measured in one case.
type subject struct {
	tool, scheme, of string
	rounds           []result
}

// bySubject groups results in the order of their first rounds.
func bySubject(all []result) (subjects []subject) {
	for _, r := range all {
		i := slices.IndexFunc(subjects, func(s subject) bool { return s.tool == r.Tool && s.scheme == r.Scheme && s.of == r.Case })
		if i < 0 {
			i = len(subjects)
			subjects = append(subjects, subject{tool: r.Tool, scheme: r.Scheme, of: r.Case})
		}
		subjects[i].rounds = append(subjects[i].rounds, r)
	}
	slices.SortStableFunc(subjects, func(a, b subject) int { return cmp.Compare(a.scheme, b.scheme) })
	return subjects
}

// median returns the median of a column.
func (s subject) median(c column) float64 {
	values := make([]float64, 0, len(s.rounds))
	for _, r := range s.rounds {
		values = append(values, c.value(r))
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// write writes the medians, and what they are compared with the floor's and mc's. markdown is for
// documents; else the columns are aligned.
func write(out io.Writer, all []result, cols []column, markdown bool) {
	var rows [][]string
	head := []string{"tool", "rounds"}
	for _, c := range cols {
		head = append(head, c.name)
	}
	rows = append(rows, append(head, "CPU against floor", "against mc"))
	subjects := bySubject(all)
	cpu := columns[slices.IndexFunc(columns, func(c column) bool { return c.name == "CPU a chunk, ms" })]
	against := func(s subject, name string) string {
		i := slices.IndexFunc(subjects, func(o subject) bool { return o.tool == name && o.scheme == s.scheme && o.of == s.of })
		if i < 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", ratio(s.median(cpu), subjects[i].median(cpu)))
	}
	for _, s := range subjects {
		name := s.scheme + ": " + s.tool
		if s.of != "" {
			name = s.of + ": " + s.tool
			if slices.ContainsFunc(subjects, func(o subject) bool { return o.scheme != s.scheme }) {
				name = s.of + ", " + s.scheme + ": " + s.tool
			}
		}
		row := []string{name, fmt.Sprint(len(s.rounds))}
		for _, c := range cols {
			row = append(row, fmt.Sprintf(c.format, s.median(c)))
		}
		rows = append(rows, append(row, against(s, "floor"), against(s, "mc mirror --watch")))
	}
	if markdown {
		rows = slices.Insert(rows, 1, slices.Repeat([]string{"---"}, len(rows[0])))
		for _, row := range rows {
			fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
		}
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	w.Flush()
}
